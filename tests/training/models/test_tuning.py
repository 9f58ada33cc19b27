"""The search for parameters: inside the training slice, the same after an interruption, and never mixed with another one."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from samples.datasets import CONFIG, made, sliced
from sklearn.metrics import average_precision_score

from walletprint.features import DataError, UsageError
from walletprint.training.config.train_config import load_config
from walletprint.training.models import tuning
from walletprint.training.models.estimators import fit_lightgbm, margins
from walletprint.training.models.learner import fit_arguments
from walletprint.training.models.tuning import folds_of, space_of, study_name, tune
from walletprint.training.splits.time_split import Slice

TIMES = ["began", "ended"]


def config_of(trials=3, **keys):
    return load_config({**CONFIG, "tuning": {"trials": trials, "folds": 2, **keys}})


@pytest.fixture(scope="module")
def data():
    dataset = made()
    return dataset, sliced(dataset)


@pytest.fixture
def early(monkeypatch):
    """TPE and the pruner begin after a few trials, so that a short search uses them."""
    monkeypatch.setattr(tuning, "STARTUP", 3)
    monkeypatch.setattr(tuning, "UNPRUNED", 2)


def test_the_first_trial_is_what_the_config_says_and_the_best_is_never_worse(data):
    config = config_of(4)
    found = tune(*data, config)
    given = config.model.lightgbm.model_dump()
    assert {name: found.trials[name][0] for name in space_of(config)} == {
        name: given[name] for name in space_of(config)
    }
    assert found.gain >= 0
    assert found.params.keys() == given.keys()
    assert found.params["max_bin"] == given["max_bin"]
    assert isinstance(found.params["num_leaves"], int)
    assert (found.trials["ended"] >= found.trials["began"]).all()
    assert found.trials["began"].dt.tz is not None


def test_a_trial_is_the_mean_pr_auc_of_plain_fits(data):
    dataset, slices = data
    config = config_of(2)
    found = tune(dataset, slices, config)
    (row,) = found.trials.tail(1).to_dict("records")
    params = {**config.model.lightgbm.model_dump(), **{name: row[name] for name in space_of(config)}}
    part, values = slices.train, []
    for train, test in folds_of(dataset, slices, config)[0]:
        seen, judged = Slice(part.rows[train], part.y[train]), part.rows[test]
        booster = fit_lightgbm(
            dataset.X.iloc[seen.rows], seen.y, params, config.seed, 10, **fit_arguments(dataset, seen, config)
        )
        values.append(average_precision_score(part.y[test], margins(booster, dataset.X.iloc[judged])))
    assert [row["fold_1"], row["fold_2"]] == pytest.approx(values)
    assert row["pr_auc"] == pytest.approx(np.mean(values))


@pytest.mark.parametrize("splitter", ["time", "address", "case"])
def test_folds_lie_inside_the_training_slice(data, splitter):
    dataset, slices = data
    folds, left_out = folds_of(dataset, slices, config_of(splitter=splitter))
    assert (len(folds), left_out) == (2, 0)
    shots = dataset.snapshots.iloc[slices.train.rows].reset_index(drop=True)
    for train, test in folds:
        assert not set(train) & set(test)
        assert max(train.max(), test.max()) < len(slices.train.rows)
        if splitter == "time":
            assert shots["as_of"][train].max() + pd.Timedelta(days=30) <= shots["as_of"][test].min()
        else:
            assert not set(shots["address"][train]) & set(shots["address"][test])


def test_folds_by_case_are_the_largest_thefts(data):
    dataset, slices = data
    case = dataset.label_details["case"].iloc[slices.train.rows].to_numpy()
    folds, _ = folds_of(dataset, slices, config_of(splitter="case", folds=2))
    tested = [{one for one in case[test] if isinstance(one, str)} for _, test in folds]
    assert [one & {"A", "B", "C"} for one in tested] == [{"A"}, {"B"}]  # A has 20 wallets, B and C about 7 each


def test_an_interrupted_search_goes_on_as_if_nothing_had_been(data, early, tmp_path):
    config = config_of(7)
    whole = tune(*data, config).trials

    def stop(step, done, total):
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tune(*data, config, tmp_path / "m.tuning.db", stop)
    told = []
    resumed = tune(*data, config, tmp_path / "m.tuning.db", lambda *step: told.append(step)).trials
    assert told == [("tune", 4, 7), ("tune", 5, 7), ("tune", 6, 7), ("tune", 7, 7)]
    pd.testing.assert_frame_equal(resumed.drop(columns=TIMES), whole.drop(columns=TIMES))


def test_a_killed_trial_is_tried_again(data, early, tmp_path, monkeypatch):
    config, store, real, calls = config_of(5), tmp_path / "m.tuning.db", tuning.learn, []

    def dying(*arguments, **keys):
        calls.append(1)
        if len(calls) == 8:  # in the second fold of the fourth trial, which nothing ends properly
            raise MemoryError
        return real(*arguments, **keys)

    monkeypatch.setattr(tuning, "learn", dying)
    with pytest.raises(MemoryError):
        tune(*data, config, store)
    monkeypatch.setattr(tuning, "learn", real)
    pd.testing.assert_frame_equal(
        tune(*data, config, store).trials.drop(columns=TIMES), tune(*data, config).trials.drop(columns=TIMES)
    )


def test_more_trials_begin_with_those_there_are(data, early, tmp_path):
    store = tmp_path / "m.tuning.db"
    few = tune(*data, config_of(4), store)
    more = tune(*data, config_of(6), store)
    assert few.study == more.study
    pd.testing.assert_frame_equal(more.trials.head(4), few.trials)
    pd.testing.assert_frame_equal(tune(*data, config_of(4), store).trials, few.trials)


def test_another_config_or_other_data_never_mix(data):
    dataset, slices = data
    config = config_of()
    name = study_name(dataset, slices, config)
    assert study_name(dataset, slices, config_of(50, minutes=3)) == name
    assert (
        study_name(dataset, slices, load_config({**config.model_dump(by_alias=True), "bands": {"low": 0.05}})) == name
    )
    assert study_name(dataset, slices, config_of(folds=3)) != name
    assert study_name(replace(dataset, digest="other"), slices, config) != name
    assert study_name(dataset, slices, load_config({**config.model_dump(by_alias=True), "seed": 8})) != name


def test_minutes_end_a_search_after_at_least_one_trial(data):
    assert len(tune(*data, config_of(50, minutes=1e-9)).trials) == 1


def test_a_hopeless_trial_is_given_up(data, early, monkeypatch):
    """Each trial gives these values in its folds, whatever its parameters."""
    given = iter([[0.5, 0.9], [0.6, 0.9], [0.1, 0.9], [0.7, 0.8]])
    monkeypatch.setattr(tuning, "_values", lambda *_: iter(next(given)))
    found = tune(*data, config_of(4))
    assert found.trials["state"].tolist() == ["complete", "complete", "pruned", "complete"]
    # what may be expected of the third: the first trial's mean of 0.7, less the 0.4 that its first fold lacks
    assert found.trials["pr_auc"].tolist() == pytest.approx([0.7, 0.75, 0.3, 0.75])
    assert np.isnan(found.trials["fold_2"][2])
    assert found.best == 1


def test_the_space_is_widened_to_what_the_config_gives():
    config = load_config({**CONFIG, "model": {"lightgbm": {"learning_rate": 0.5, "lambda_l2": 0, "num_leaves": 3}}})
    space = space_of(config)
    assert (space["learning_rate"].low, space["learning_rate"].high, space["learning_rate"].log) == (0.02, 0.5, True)
    assert (space["lambda_l2"].low, space["lambda_l2"].log) == (0, False)
    assert space["num_leaves"].low == 3


def test_a_store_that_is_none_is_one_line(data, tmp_path):
    (tmp_path / "m.tuning.db").write_text("a diary, not a database\n" * 100)
    with pytest.raises(UsageError, match=r"tuning: .*m.tuning.db cannot keep the search") as caught:
        tune(*data, config_of(), tmp_path / "m.tuning.db")
    assert "\n" not in str(caught.value)


def test_a_slice_that_cannot_be_cut_says_what_to_do(data):
    dataset, slices = data
    with pytest.raises(UsageError, match=r"tuning: the training slice cannot be cut .*change tuning.folds"):
        tune(dataset, slices, config_of(folds=9))
    lone = replace(slices, train=Slice(slices.train.rows, np.zeros(len(slices.train.rows), np.int8)))
    with pytest.raises(DataError, match="none of the 2 folds of the training slice has both classes"):
        tune(dataset, lone, config_of())


KILLED = """
import os, signal, sys
from walletprint.training import train
from walletprint.training.models import tuning

real, fits = tuning.learn, []

def learn(*arguments, **keys):
    fits.append(1)
    if len(fits) == 4:
        os.kill(os.getpid(), signal.SIGKILL)  # in the last fold of the second trial
    return real(*arguments, **keys)

tuning.learn = learn
train(sys.argv[1], sys.argv[2], {config!r}, sys.argv[3])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no SIGKILL here")
def test_a_training_killed_in_tuning_resumes_in_another_process_with_the_same_bytes(trained, tmp_path):
    from walletprint.training import train

    config = {
        **trained.config,
        "tracking": {"enabled": False},
        "features": {"families": ["activity", "flow"]},
        "model": {"rounds": 5, "seeds": 2, "baselines": False},
        "tuning": {"trials": 3, "folds": 2},
    }
    chain, environment = trained.chain, {**os.environ, "PYTHONHASHSEED": "1"}
    arguments = [str(chain.transfers), str(chain.labels), str(tmp_path / "killed")]
    command = [sys.executable, "-c", KILLED.format(config=config), *arguments]
    assert subprocess.run(command, env=environment, cwd=tmp_path).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    for name in ("killed", "whole"):
        train(chain.transfers, chain.labels, config, tmp_path / name)
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert "3 trials" in (tmp_path / "whole" / "README.md").read_text()


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}
