"""The model beside its baselines and its shortcuts, fitted on the same rows and judged on the same slices.

A shortcut sees only what should not suffice: dates, sizes, which features are missing, or one feature. A model that
does not beat them has learnt no behaviour.
"""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd

from ...serving.model.calibration import calibrate
from ...serving.model.model_folder import Calibration
from ..config.train_config import TrainConfig
from ..data.dataset import Dataset, Progress
from ..metrics.classification_metrics import bounds_at, depths, evaluate, per_period
from ..splits.time_split import Slice, Slices
from .baselines import Ranker, fit_rankers, ranker_makers
from .calibration import fit_calibration
from .estimators import margins
from .learner import learn
from .pu_learning import reviewed_unlabelled

MODEL = "lightgbm"
TESTS = ("test_time", "test_new")
SPREAD_HIGH = 0.95


@dataclass(frozen=True)
class Contender:
    """Something that ranks wallets.

    Attributes:
        name: as it stands in tables.
        kind: model, baseline or shortcut.
        margin: its ranking of all rows of the dataset, shape (rows,).
        calibration: of the margin, fitted on the calibration slice.
        note: what a reader should know, such as which single feature it is.
        members: the margins of each seed's model, shape (seeds, rows), where there are several; their mean is `margin`.
        unlabelled: its ranking of `Dataset.unlabelled`, shape (rows there,); None if there are none, or it cannot rank them.
    """

    name: str
    kind: str
    margin: np.ndarray
    calibration: Calibration
    note: str = ""
    members: np.ndarray | None = None
    unlabelled: np.ndarray | None = None

    @property
    def score(self) -> np.ndarray:
        """Calibrated probabilities of all rows, shape (rows,)."""
        return calibrate(self.margin, self.calibration)


def fit_contenders(
    dataset: Dataset, slices: Slices, config: TrainConfig, on_progress: Progress | None = None
) -> tuple[lgb.Booster, list[Contender]]:
    """Fit the model, the baselines (if asked for) and the shortcuts on the training slice.

    Returns:
        The model, and all contenders, the model first.
    """
    learnt = learn(dataset, slices.train, config)
    booster, steps = learnt.booster, len(ranker_makers(config)) + 1
    report = on_progress or (lambda step, done, total: None)
    model = Ranker(MODEL, "model", "", "X", lambda X: margins(booster, X))
    several = len(learnt.members) > 1
    members = np.array([margins(member, dataset.X) for member in learnt.members]) if several else None
    found = [_contender(model, dataset, slices, config, members)]
    for done, made in enumerate(fit_rankers(dataset, slices.train, config), start=1):
        report("fit", done, steps)
        found += [_contender(one, dataset, slices, config) for one in made]
    report("fit", steps, steps)
    return booster, found


def metrics_table(
    contending: list[Contender], slices: Slices, config: TrainConfig, dataset: Dataset | None = None
) -> pd.DataFrame:
    """All metrics of every contender on both test slices: [model, kind, slice, note, …metrics], the model first.

    Rankings are those of the raw margin, which has fewer ties than the score; Brier and ECE are of the calibrated score.

    Args:
        contending: from `fit_contenders`.
        slices: as they were fitted on.
        config: its `review`.
        dataset: with it, and if it has unlabelled wallets, `precision_low_at_…`, `precision_high_at_…`, and so for recall, are
            added for every budget and k: those wallets are reviewed too (`metrics.bounds_at`). Empty for what cannot rank them.
    """
    rows = []
    for one in contending:
        for name in TESTS:
            part: Slice = getattr(slices, name)
            if len(part.rows):
                found = evaluate(
                    part.y, one.margin[part.rows], one.score[part.rows], config.review.budgets, config.review.top_k
                )
                found |= _bounds(one, part, name, config, dataset)
                rows.append({"model": one.name, "kind": one.kind, "slice": name, "note": one.note, **found})
    return pd.DataFrame(rows)


def periods_table(one: Contender, dataset: Dataset, slices: Slices) -> pd.DataFrame:
    """The model's metrics in each quarter of both test slices: [slice, period, …]."""
    tables = []
    for name in TESTS:
        part: Slice = getattr(slices, name)
        if len(part.rows):
            as_of = dataset.snapshots["as_of"].iloc[part.rows]
            table = per_period(as_of, part.y, one.margin[part.rows], one.score[part.rows])
            tables.append(table.assign(slice=name))
    table = pd.concat(tables, ignore_index=True)
    return table.loc[:, ["slice", *table.columns.drop("slice")]]


def seeds_table(one: Contender, slices: Slices, config: TrainConfig) -> pd.DataFrame:
    """How far the models of the single seeds lie apart: [slice, metric, ensemble, mean, sd, lowest, highest]; empty if there is
    one seed.

    `ensemble` is of their mean margin, the model. Scores of the seeds' models are by the calibration of the model. Two more rows
    a slice, `score_sd_mean` and `score_sd_p95`, hold in `mean` how far the seeds' scores of one snapshot lie apart (sd): on
    average, and what 95 % of the snapshots stay below. All sd are of a sample (n − 1).
    """
    if one.members is None:
        return pd.DataFrame()
    rows = []
    for name in TESTS:
        part: Slice = getattr(slices, name)
        if len(part.rows):
            rows += [{"slice": name, **row} for row in _spread(one, one.members[:, part.rows], part, config)]
    return pd.DataFrame(rows)


def _contender(
    one: Ranker, dataset: Dataset, slices: Slices, config: TrainConfig, members: np.ndarray | None = None
) -> Contender:
    margin, later = one.rank(getattr(dataset, one.sees)), slices.calibrate
    calibration = fit_calibration(margin[later.rows], later.y, config.model.calibration)
    apart = one.rank(dataset.unlabelled.X) if dataset.unlabelled is not None and one.sees == "X" else None
    return Contender(one.name, one.kind, margin, calibration, one.note, members, apart)


def _bounds(one: Contender, part: Slice, name: str, config: TrainConfig, dataset: Dataset | None) -> dict[str, float]:
    """What precision and recall at each depth lie between, where unlabelled wallets of the same dates are reviewed too."""
    if dataset is None or one.unlabelled is None:
        return {}
    extra = one.unlabelled[reviewed_unlabelled(dataset, part, config, name)]
    y = np.concatenate([part.y.astype(np.float64), np.full(len(extra), np.nan)])
    ranking = np.concatenate([one.margin[part.rows], extra])
    reviewed = depths(len(y), config.review.budgets, config.review.top_k)
    return {
        f"{bound}_at_{depth}": value
        for depth, k in reviewed.items()
        for bound, value in bounds_at(y, ranking, k).items()
    }


def _spread(one: Contender, members: np.ndarray, part: Slice, config: TrainConfig) -> list[dict[str, object]]:
    scores = np.array([calibrate(margin, one.calibration) for margin in members])

    def measured(margin: np.ndarray, score: np.ndarray) -> dict[str, float]:
        return evaluate(part.y, margin, score, config.review.budgets, config.review.top_k)

    whole = measured(one.margin[part.rows], one.score[part.rows])
    each = pd.DataFrame([measured(margin, score) for margin, score in zip(members, scores, strict=True)])
    rows: list[dict[str, object]] = [
        {"metric": name, "ensemble": value, **_summary(each[name].to_numpy(dtype=np.float64))}
        for name, value in whole.items()
        if name not in ("rows", "positives", "base_rate")
    ]
    apart = scores.std(axis=0, ddof=1)
    measures = {"score_sd_mean": np.mean, "score_sd_p95": lambda sd: np.quantile(sd, SPREAD_HIGH)}
    nothing = dict.fromkeys(("ensemble", "sd", "lowest", "highest"), np.nan)
    return rows + [{"metric": name, **nothing, "mean": float(of(apart))} for name, of in measures.items()]


def _summary(values: np.ndarray) -> dict[str, float]:
    sd = values.std(ddof=1)
    return {
        "mean": float(values.mean()),
        "sd": float(sd),
        "lowest": float(values.min()),
        "highest": float(values.max()),
    }
