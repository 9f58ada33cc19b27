"""Searches LightGBM's parameters with Optuna, in folds inside the training slice. Calibration and test rows are never looked at.

What one trial tries hangs on the seed and on the trials finished before it, and on nothing else: a search that was killed and
goes on, or one that is asked for more trials later, finds what an uninterrupted one finds. Only a limit of minutes breaks that.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...features.base.errors import DataError, UsageError
from ...features.base.periods import parse_window
from ..data.dataset import Dataset, Progress
from ..data.large_matrix import subtable
from ..metrics.classification_metrics import pr_auc
from ..splits.splitters import AddressDisjoint, ForwardChaining, LeaveOneCaseOut, groups_of
from ..splits.time_split import Slice, Slices
from .estimators import margins
from .learner import learn

if TYPE_CHECKING:
    import optuna

    from ..config.train_config import TrainConfig

SPACE: dict[str, tuple[float, float, bool]] = {
    "learning_rate": (0.02, 0.2, True),
    "num_leaves": (7, 127, True),
    "min_data_in_leaf": (5, 200, True),
    "feature_fraction": (0.1, 0.9, False),
    "bagging_fraction": (0.5, 1.0, False),
    "lambda_l2": (0.01, 100.0, True),
}
"""Lowest and highest value of each parameter that is searched, and whether on a logarithmic scale; whole numbers stay whole.
A range is widened to hold the value that the config gives, which is tried first. All others stay as the config has them."""
STARTUP = 10
"""Trials drawn at random before the sampler (TPE) learns from them."""
UNPRUNED = 5
"""Trials that must have finished all folds before one may be given up."""
OUTSIDE = {"tracking", "bands", "review"}
"""Sections of a config that change no trial."""

Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TuningResult:
    """What a search found.

    Attributes:
        params: LightGBM's parameters: those of the best trial laid over the config's.
        trials: a row a trial: trial, state (complete or pruned), pr_auc (mean over the folds; of a pruned one an estimate), the
            parameters, began and ended (UTC), and fold_1, fold_2, … (NaN where it was given up before).
        best: the number of the best trial; 0 is the config's own parameters.
        folds: how many folds had both classes on both sides; left_out: how many had not.
        study: the name under which the search is in its file.
    """

    params: dict[str, Any]
    trials: pd.DataFrame
    best: int
    folds: int
    left_out: int
    study: str

    @property
    def gain(self) -> float:
        """By how much the best mean PR-AUC is above that of the config's own parameters, over the same folds."""
        return float(self.trials["pr_auc"].iloc[self.best] - self.trials["pr_auc"].iloc[0])


def tune(
    dataset: Dataset,
    slices: Slices,
    config: "TrainConfig",
    store: Path | None = None,
    on_progress: Progress | None = None,
) -> TuningResult:
    """Search for the parameters with the best mean PR-AUC over the folds of `tuning.splitter` inside the training slice.

    Args:
        dataset: all rows.
        slices: only `train` is used.
        config: its `tuning` and all that decides how a model is learnt.
        store: SQLite file that keeps the trials, under a name made of data and config: other ones never mix, and a search that
            was interrupted goes on. None for memory only.
        on_progress: called with ("tune", trials done, trials in all).

    Raises:
        DataError: if no fold has both classes on both sides.
        UsageError: if the folds cannot be made, or `store` cannot be used.
    """
    folds, left_out = folds_of(dataset, slices, config)
    name = study_name(dataset, slices, config)
    with _study(store, name) as study:
        _set_stale_aside(study)
        while (done := len(_finished(study))) < config.tuning.trials and not _out_of_time(study, config):
            if on_progress:
                on_progress("tune", done, config.tuning.trials)
            _run_trial(
                study, done, config, len(folds), lambda params: _values(dataset, slices.train, config, folds, params)
            )
        if on_progress:
            on_progress("tune", config.tuning.trials, config.tuning.trials)
        return _tuned(study, config, len(folds), left_out)


def folds_of(dataset: Dataset, slices: Slices, config: "TrainConfig") -> tuple[list[Fold], int]:
    """The folds as positions in the training slice, and how many were left out for lack of a class on a side.

    Raises:
        DataError: if none is left.
        UsageError: if the splitter cannot make them.
    """
    part = slices.train
    groups = groups_of(dataset).iloc[part.rows].reset_index(drop=True)
    try:
        every = list(splitter_of(config, groups, part.y).split(part.rows, part.y, groups))
    except UsageError as error:
        raise UsageError(
            f"tuning: the training slice cannot be cut ({error}); change tuning.folds or tuning.splitter, or set tuning.trials: 0"
        ) from None
    folds = [fold for fold in every if all(len(np.unique(part.y[side])) == 2 for side in fold)]
    if not folds:
        raise DataError(
            f"tuning: none of the {len(every)} folds of the training slice has both classes in training and test; change "
            "tuning.folds or tuning.splitter, add labels, or set tuning.trials: 0"
        )
    return folds, len(every) - len(folds)


def splitter_of(
    config: "TrainConfig", groups: pd.DataFrame, y: np.ndarray
) -> ForwardChaining | AddressDisjoint | LeaveOneCaseOut:
    """The splitter that `tuning.splitter` names, with the embargo and label delay of the split; of cases, the largest ones.

    Args:
        config: its `tuning` and `split`.
        groups: of the rows that are to be split; y: their outcomes.
    """
    if config.tuning.splitter == "address":
        return AddressDisjoint(config.tuning.folds)
    if config.tuning.splitter == "case":
        return LeaveOneCaseOut(cases=_largest(groups.loc[y == 1], config.tuning.folds))
    embargo = config.snapshots.window if config.split.embargo is None else config.split.embargo
    apart = embargo if parse_window(embargo) else None
    return ForwardChaining(config.tuning.folds, embargo=apart, label_delay=config.split.label_delay)


def _largest(positives: pd.DataFrame, most: int) -> list[str] | None:
    """The names of the cases with the most wallets; None if there is no case, which the splitter refuses in its own words."""
    wallets = positives.groupby("case")["address"].nunique().to_dict()
    return [str(case) for case in sorted(wallets, key=lambda case: (-wallets[case], case))[:most]] or None


def study_name(dataset: Dataset, slices: Slices, config: "TrainConfig") -> str:
    """The head and a digest of all that decides what a trial gives; how many trials there are does not."""
    told = {key: value for key, value in config.model_dump(by_alias=True).items() if key not in OUTSIDE}
    told["tuning"] = {key: told["tuning"][key] for key in ("splitter", "folds")}
    made = {
        "config": told,
        "data": dataset.digest,
        "features": [str(name) for name in dataset.X.columns],
        "train": [
            slices.train_until,
            hashlib.sha256(slices.train.rows.tobytes() + slices.train.y.tobytes()).hexdigest(),
        ],
        "versions": {name: version(name) for name in ("lightgbm", "optuna")},
    }
    digest = hashlib.sha256(json.dumps(made, sort_keys=True, default=str).encode()).hexdigest()
    return f"{config.head}-{digest[:16]}"


def space_of(config: "TrainConfig") -> dict[str, Any]:
    """Optuna's distribution of each parameter: `SPACE`, widened to hold what the config gives."""
    from optuna.distributions import FloatDistribution, IntDistribution

    found: dict[str, Any] = {}
    for name, (low, high, log) in SPACE.items():
        given = getattr(config.model.lightgbm, name)
        ends = min(low, given), max(high, given)
        on_log = log and ends[0] > 0  # a config may say lambda_l2: 0, which has no logarithm
        whole = isinstance(given, int)
        found[name] = IntDistribution(*map(int, ends), log=on_log) if whole else FloatDistribution(*ends, log=on_log)
    return found


def _values(
    dataset: Dataset, part: Slice, config: "TrainConfig", folds: list[Fold], params: Mapping[str, Any]
) -> Iterator[float]:
    """The PR-AUC of one choice of parameters in each fold, one after the other. One seed, and labelled wallets alone."""
    for train, test in folds:
        seen = Slice(part.rows[train], part.y[train])
        learnt = learn(dataset, seen, config, lightgbm=params, seeds=1, unlabelled=False)
        yield pr_auc(part.y[test], margins(learnt.booster, subtable(dataset.X, part.rows[test])))


def _run_trial(
    study: "optuna.Study",
    number: int,
    config: "TrainConfig",
    folds: int,
    values: Callable[[Mapping[str, Any]], Iterator[float]],
) -> None:
    """Ask for parameters, judge them fold by fold, and tell the study.

    The sampler starts anew with each trial, from a seed of the trial's number: so nothing hangs on what a process before this
    one remembered.
    """
    from optuna.samplers import TPESampler
    from optuna.trial import TrialState

    seed = int(np.random.SeedSequence([config.seed, number]).generate_state(1)[0])
    study.sampler = TPESampler(n_startup_trials=STARTUP, multivariate=True, constant_liar=False, seed=seed)
    space = space_of(config)
    given = config.model.lightgbm.model_dump()
    if not number and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        study.enqueue_trial({name: given[name] for name in space})
    trial = study.ask(space)
    first = _finished(study)[0].user_attrs["folds"] if number else None
    found: list[float] = []
    for value in values({**given, **trial.params}):
        found.append(value)
        trial.set_user_attr("folds", found)
        trial.report(_estimate(found, first), len(found))
        if len(found) < folds and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return
    study.tell(trial, float(np.mean(found)))


def _estimate(found: list[float], first: list[float] | None) -> float:
    """The mean over all folds to be expected after some: that of the first trial, plus the mean gain on it so far.

    Folds differ in difficulty more than parameters do, so that plain means of unlike folds would not compare.
    """
    if first is None:
        return float(np.mean(found))
    return float(np.mean(first) + np.mean(np.array(found) - np.array(first[: len(found)])))


def _finished(study: "optuna.Study") -> list[Any]:
    """The trials that count, in order: those that ended by themselves."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _set_stale_aside(study: "optuna.Study") -> None:
    """A trial that was running when its process was killed is failed: it is tried again, with the same parameters."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _out_of_time(study: "optuna.Study", config: "TrainConfig") -> bool:
    """Whether the finished trials, of all processes, took the minutes that there are; one trial is always run."""
    seconds = sum(trial.duration.total_seconds() for trial in _finished(study))
    return config.tuning.minutes is not None and seconds >= 60 * config.tuning.minutes


def _tuned(study: "optuna.Study", config: "TrainConfig", folds: int, left_out: int) -> TuningResult:
    from optuna.trial import TrialState

    trials = _finished(study)[: config.tuning.trials]
    complete = [number for number, trial in enumerate(trials) if trial.state == TrialState.COMPLETE]
    best = max(complete, key=lambda number: trials[number].value)  # the first of equals
    rows = [_row(number, trial, folds) for number, trial in enumerate(trials)]
    params = {**config.model.lightgbm.model_dump(), **trials[best].params}
    return TuningResult(params, pd.DataFrame(rows), best, folds, left_out, study.study_name)


def _row(number: int, trial: Any, folds: int) -> dict[str, Any]:
    values = trial.user_attrs["folds"]
    moments = {"began": trial.datetime_start, "ended": trial.datetime_complete}
    return {
        "trial": number,
        "state": trial.state.name.lower(),
        "pr_auc": trial.value,
        **trial.params,
        **{name: pd.Timestamp(moment.astimezone(dt.UTC)) for name, moment in moments.items()},
        **{f"fold_{at + 1}": values[at] if at < len(values) else np.nan for at in range(folds)},
    }


@contextmanager
def _study(store: Path | None, name: str) -> Iterator["optuna.Study"]:
    """The study, quietly; its file is let go of at the end."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = None
    try:
        storage = _storage(store) if store is not None else None
        pruner = optuna.pruners.MedianPruner(n_startup_trials=UNPRUNED)
        yield optuna.create_study(
            storage=storage, study_name=name, direction="maximize", pruner=pruner, load_if_exists=True
        )
    except (SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise _unusable(store, error) from None
    finally:
        optuna.logging.set_verbosity(before)
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def _storage(store: Path) -> Any:
    from optuna.storages import RDBStorage

    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        return RDBStorage(f"sqlite:///{store}")
    except (OSError, RuntimeError) as error:  # a folder that may not be written; a file of another Optuna
        raise _unusable(store, error) from None


def _unusable(store: Path | None, error: Exception) -> UsageError:
    reason = " ".join(str(error).split())
    return UsageError(f"tuning: {store} cannot keep the search ({reason:.300}); move it away, or give another out")
