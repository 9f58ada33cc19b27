"""Searches LightGBM's parameters with Optuna, in folds inside the training slice. It never reads calibration or test rows.

The parameters of a trial depend only on the seed and on the trials that finished before it. So a search that was killed and
resumed, or one that gets more trials later, finds what an uninterrupted search finds. Only a limit of minutes breaks that.

Optuna's own loops were considered: `OptunaSearchCV` and `LightGBMTunerCV` keep the sampler's state in memory, so a killed search
would not resume with the same trials.
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
from ..config.train_config import TrainConfig
from ..data.dataset import Dataset, Progress
from ..data.large_matrix import subtable
from ..metrics.classification_metrics import pr_auc
from ..splits.splitters import AddressDisjoint, ForwardChaining, LeaveOneCaseOut, groups_of
from ..splits.time_split import Slice, Slices
from .estimators import margins
from .learner import learn

if TYPE_CHECKING:
    import optuna

SPACE: dict[str, tuple[float, float, bool]] = {
    "learning_rate": (0.02, 0.2, True),
    "num_leaves": (7, 127, True),
    "min_data_in_leaf": (5, 200, True),
    "feature_fraction": (0.1, 0.9, False),
    "bagging_fraction": (0.5, 1.0, False),
    "lambda_l2": (0.01, 100.0, True),
}
"""The range of each searched parameter, and whether its scale is logarithmic. Whole numbers stay whole. A range is widened to
hold the config's value, which the first trial uses. All other parameters keep the config's values."""
STARTUP = 10
"""Number of random trials before the sampler (TPE) starts to learn."""
UNPRUNED = 5
"""Number of complete trials before a trial may be pruned."""
OUTSIDE = {"tracking", "bands", "review"}
"""Sections of a config that do not affect a trial."""

Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class TuningResult:
    """The result of a search.

    Attributes:
        params: LightGBM's parameters: the config's, overridden by those of the best trial.
        trials: one row per trial: trial, state (complete or pruned), pr_auc (mean over the folds; an estimate if pruned), the
            parameters, began and ended (UTC), and fold_1, fold_2, … (NaN for folds after the pruning).
        best: the number of the best trial; trial 0 has the config's own parameters.
        folds: how many folds have both classes on both sides.
        left_out: how many folds have not.
        study: the name of the search in its file.
    """

    params: dict[str, Any]
    trials: pd.DataFrame
    best: int
    folds: int
    left_out: int
    study: str

    @property
    def gain(self) -> float:
        """The best mean PR-AUC minus that of the config's own parameters, over the same folds."""
        return float(self.trials["pr_auc"].iloc[self.best] - self.trials["pr_auc"].iloc[0])


def tune(
    dataset: Dataset,
    slices: Slices,
    config: TrainConfig,
    store: Path | None = None,
    on_progress: Progress | None = None,
) -> TuningResult:
    """Search for the parameters with the best mean PR-AUC over the folds of `tuning.splitter` inside the training slice.

    Args:
        dataset: all rows.
        slices: only `train` is used.
        config: its `tuning`, and everything that decides how a model is learnt.
        store: SQLite file for the trials; an interrupted search resumes from it. The search has a name made of data and config,
            so that different searches never mix. None keeps the trials in memory only.
        on_progress: called with ("tune", trials done, trials in all).

    Raises:
        DataError: if no fold has both classes on both sides.
        UsageError: if the folds cannot be made, or `store` cannot be used.
    """
    folds, left_out = folds_of(dataset, slices, config)
    report = on_progress or (lambda step, done, total: None)
    with _study(store, study_name(dataset, slices, config)) as study:
        _fail_stale_trials(study)
        while (done := len(_finished(study))) < config.tuning.trials and not _out_of_time(study, config):
            report("tune", done, config.tuning.trials)
            _run_trial(
                study, done, config, len(folds), lambda params: _values(dataset, slices.train, config, folds, params)
            )
        report("tune", config.tuning.trials, config.tuning.trials)
        return _result(study, config, len(folds), left_out)


def folds_of(dataset: Dataset, slices: Slices, config: TrainConfig) -> tuple[list[Fold], int]:
    """The folds as positions in the training slice, and how many folds lack a class on one side and are left out.

    Raises:
        DataError: if no fold is left.
        UsageError: if the splitter cannot make them.
    """
    train = slices.train
    groups = groups_of(dataset).iloc[train.rows].reset_index(drop=True)
    try:
        every = list(splitter_of(config, groups, train.y).split(train.rows, train.y, groups))
    except UsageError as error:
        raise UsageError(
            f"tuning: the training slice cannot be cut ({error}); change tuning.folds or tuning.splitter, or set tuning.trials: 0"
        ) from None
    folds = [fold for fold in every if all(len(np.unique(train.y[side])) == 2 for side in fold)]
    if not folds:
        raise DataError(
            f"tuning: none of the {len(every)} folds of the training slice has both classes in training and test; change "
            "tuning.folds or tuning.splitter, add labels, or set tuning.trials: 0"
        )
    return folds, len(every) - len(folds)


def splitter_of(
    config: TrainConfig, groups: pd.DataFrame, y: np.ndarray
) -> ForwardChaining | AddressDisjoint | LeaveOneCaseOut:
    """The splitter that `tuning.splitter` names, with the embargo and label delay of the split; for `case`, of the largest cases.

    Args:
        config: its `tuning` and `split`.
        groups: the groups of the rows to split (`groups_of`).
        y: their outcomes.
    """
    if config.tuning.splitter == "address":
        return AddressDisjoint(config.tuning.folds)
    if config.tuning.splitter == "case":
        return LeaveOneCaseOut(cases=_largest(groups.loc[y == 1], config.tuning.folds))
    embargo = config.snapshots.window if config.split.embargo is None else config.split.embargo
    embargo = embargo if parse_window(embargo) else None
    return ForwardChaining(config.tuning.folds, embargo=embargo, label_delay=config.split.label_delay)


def _largest(positives: pd.DataFrame, most: int) -> list[str] | None:
    """The names of the cases with the most wallets; None if there is no case: then the splitter raises the error."""
    wallets = positives.groupby("case")["address"].nunique().to_dict()
    return [str(case) for case in sorted(wallets, key=lambda case: (-wallets[case], case))[:most]] or None


def study_name(dataset: Dataset, slices: Slices, config: TrainConfig) -> str:
    """The head and a digest of everything that decides the result of a trial. The number of trials is not part of it."""
    keys = {key: value for key, value in config.model_dump(by_alias=True).items() if key not in OUTSIDE}
    keys["tuning"] = {key: keys["tuning"][key] for key in ("splitter", "folds")}
    content = {
        "config": keys,
        "data": dataset.digest,
        "features": [str(name) for name in dataset.X.columns],
        "train": [
            slices.train_until,
            hashlib.sha256(slices.train.rows.tobytes() + slices.train.y.tobytes()).hexdigest(),
        ],
        "versions": {name: version(name) for name in ("lightgbm", "optuna")},
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()
    return f"{config.head}-{digest[:16]}"


def space_of(config: TrainConfig) -> dict[str, Any]:
    """Optuna's distribution of each parameter: `SPACE`, widened to hold what the config gives."""
    from optuna.distributions import FloatDistribution, IntDistribution

    space: dict[str, Any] = {}
    for name, (low, high, log) in SPACE.items():
        given = getattr(config.model.lightgbm, name)
        low, high = min(low, given), max(high, given)
        log = log and low > 0  # a config may say lambda_l2: 0, which has no logarithm
        whole = isinstance(given, int)
        space[name] = IntDistribution(int(low), int(high), log) if whole else FloatDistribution(low, high, log)
    return space


def _values(
    dataset: Dataset, train: Slice, config: TrainConfig, folds: list[Fold], params: Mapping[str, Any]
) -> Iterator[float]:
    """The PR-AUC of a set of parameters in each fold. One seed, labelled wallets only."""
    for inside, test in folds:
        fold = Slice(train.rows[inside], train.y[inside])
        booster = learn(dataset, fold, config, lightgbm=params, seeds=1, unlabelled=False).booster
        yield pr_auc(train.y[test], margins(booster, subtable(dataset.X, train.rows[test])))


def _run_trial(
    study: "optuna.Study",
    number: int,
    config: TrainConfig,
    folds: int,
    values: Callable[[Mapping[str, Any]], Iterator[float]],
) -> None:
    """Ask for parameters, evaluate them fold by fold, and tell the study.

    Each trial starts a new sampler, seeded by the trial's number: nothing depends on the memory of an earlier process.
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
    results: list[float] = []
    for value in values({**given, **trial.params}):
        results.append(value)
        trial.set_user_attr("folds", results)
        trial.report(_estimate(results, first), len(results))
        if len(results) < folds and trial.should_prune():
            study.tell(trial, state=TrialState.PRUNED)
            return
    study.tell(trial, float(np.mean(results)))


def _estimate(results: list[float], first: list[float] | None) -> float:
    """The expected mean over all folds, from some of them: the first trial's mean, plus the mean gain on the first trial so far.

    Folds differ in difficulty more than parameters do. Plain means of different folds would not be comparable.
    """
    if first is None:
        return float(np.mean(results))
    return float(np.mean(first) + np.mean(np.array(results) - np.array(first[: len(results)])))


def _finished(study: "optuna.Study") -> list[Any]:
    """The trials that count, in order: complete or pruned ones."""
    from optuna.trial import TrialState

    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))


def _fail_stale_trials(study: "optuna.Study") -> None:
    """A trial whose process was killed is marked as failed. The next trial repeats it, with the same parameters."""
    from optuna.trial import TrialState

    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)


def _out_of_time(study: "optuna.Study", config: TrainConfig) -> bool:
    """Whether the finished trials of all processes have used up the minutes. One trial always runs."""
    seconds = sum(trial.duration.total_seconds() for trial in _finished(study))
    return config.tuning.minutes is not None and seconds >= 60 * config.tuning.minutes


def _result(study: "optuna.Study", config: TrainConfig, folds: int, left_out: int) -> TuningResult:
    from optuna.trial import TrialState

    trials = _finished(study)[: config.tuning.trials]
    complete = [number for number, trial in enumerate(trials) if trial.state == TrialState.COMPLETE]
    best = max(complete, key=lambda number: trials[number].value)  # the first among equals
    rows = [_row(number, trial, folds) for number, trial in enumerate(trials)]
    params = {**config.model.lightgbm.model_dump(), **trials[best].params}
    return TuningResult(params, pd.DataFrame(rows), best, folds, left_out, study.study_name)


def _row(number: int, trial: Any, folds: int) -> dict[str, Any]:
    values = trial.user_attrs["folds"]
    times = {"began": trial.datetime_start, "ended": trial.datetime_complete}
    return {
        "trial": number,
        "state": trial.state.name.lower(),
        "pr_auc": trial.value,
        **trial.params,
        **{name: pd.Timestamp(time.astimezone(dt.UTC)) for name, time in times.items()},
        **{f"fold_{fold + 1}": values[fold] if fold < len(values) else np.nan for fold in range(folds)},
    }


@contextmanager
def _study(store: Path | None, name: str) -> Iterator["optuna.Study"]:
    """The study, without Optuna's log lines; its file is closed at the end."""
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    verbosity = optuna.logging.get_verbosity()
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
        optuna.logging.set_verbosity(verbosity)
        if storage is not None:
            storage.remove_session()
            storage.engine.dispose()


def _storage(store: Path) -> Any:
    from optuna.storages import RDBStorage

    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        return RDBStorage(f"sqlite:///{store}")
    except (OSError, RuntimeError) as error:  # a folder that cannot be written, or a file of another version of Optuna
        raise _unusable(store, error) from None


def _unusable(store: Path | None, error: Exception) -> UsageError:
    reason = " ".join(str(error).split())
    return UsageError(
        f"tuning: {store} cannot keep the search ({reason:.300}); move the file away, or give another --out"
    )
