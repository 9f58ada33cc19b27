"""The contenders: the model, its baselines and its shortcuts, fitted on the same rows and measured on the same slices.

A shortcut sees only what should not suffice: dates, sizes, which features are missing, or a single feature. A model that does
not beat the shortcuts has not learnt behaviour.
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
    """A fitted model, baseline or shortcut, with its ranking of all rows.

    Attributes:
        name: its name in tables.
        kind: model, baseline or shortcut.
        margin: its ranking of all rows of the dataset, shape (rows,).
        calibration: of the margin, fitted on the calibration slice.
        note: a remark for the reader of a table, such as the name of the single feature.
        members: the margins of each seed's model, shape (seeds, rows), if there are several seeds; their mean is `margin`.
        unlabelled: its ranking of `Dataset.unlabelled`, shape (rows there,); None if there are no such rows, or it cannot rank
            them.
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
    """Fit the model, the baselines (if the config asks for them) and the shortcuts on the training slice.

    Returns:
        The model, and all contenders, the model first.
    """
    learnt = learn(dataset, slices.train, config)
    booster, steps = learnt.booster, len(ranker_makers(config)) + 1
    report = on_progress or (lambda step, done, total: None)
    model = Ranker(MODEL, "model", "", "X", lambda X: margins(booster, X))
    several = len(learnt.members) > 1
    members = np.array([margins(member, dataset.X) for member in learnt.members]) if several else None
    contending = [_contender(model, dataset, slices, config, members)]
    for done, fitted in enumerate(fit_rankers(dataset, slices.train, config), start=1):
        report("fit", done, steps)
        contending += [_contender(ranker, dataset, slices, config) for ranker in fitted]
    report("fit", steps, steps)
    return booster, contending


def metrics_table(
    contending: list[Contender], slices: Slices, config: TrainConfig, dataset: Dataset | None = None
) -> pd.DataFrame:
    """All metrics of every contender on both test slices: [model, kind, slice, note, …metrics], the model first.

    Rows are ranked by the raw margin, which has fewer ties than the score. Brier and ECE use the calibrated score.

    Args:
        contending: from `fit_contenders`.
        slices: those that the contenders were fitted on.
        config: its `review`.
        dataset: if given, and if it has unlabelled wallets, these are reviewed too: `precision_low_at_…`, `precision_high_at_…`,
            and the same for recall, are added for every budget and k (`bounds_at`); empty for a contender that cannot rank
            them.
    """
    rows = []
    for contender in contending:
        for name, test in _tests(slices):
            metrics = evaluate(
                test.y,
                contender.margin[test.rows],
                contender.score[test.rows],
                config.review.budgets,
                config.review.top_k,
            )
            metrics |= _bounds(contender, test, name, config, dataset)
            rows.append(
                {"model": contender.name, "kind": contender.kind, "slice": name, "note": contender.note, **metrics}
            )
    return pd.DataFrame(rows)


def periods_table(contender: Contender, dataset: Dataset, slices: Slices) -> pd.DataFrame:
    """The model's metrics in each quarter of both test slices: [slice, period, …]."""
    tables = []
    for name, test in _tests(slices):
        as_of = dataset.snapshots["as_of"].iloc[test.rows]
        tables.append(
            per_period(as_of, test.y, contender.margin[test.rows], contender.score[test.rows]).assign(slice=name)
        )
    table = pd.concat(tables, ignore_index=True)
    return table.loc[:, ["slice", *table.columns.drop("slice")]]


def seeds_table(contender: Contender, slices: Slices, config: TrainConfig) -> pd.DataFrame:
    """The spread between the seeds' models: [slice, metric, ensemble, mean, sd, lowest, highest]; empty for one seed.

    `ensemble` is the metric of the mean margin, which is the model. The seeds' scores use the model's calibration. Two more rows
    per slice, `score_sd_mean` and `score_sd_p95`, hold in `mean` the standard deviation of the seeds' scores for one snapshot:
    its average, and its 95 % quantile. All sd are of a sample (n − 1).
    """
    if contender.members is None:
        return pd.DataFrame()
    rows = []
    for name, test in _tests(slices):
        rows += [{"slice": name, **row} for row in _spread(contender, contender.members[:, test.rows], test, config)]
    return pd.DataFrame(rows)


def _tests(slices: Slices) -> list[tuple[str, Slice]]:
    """The test slices that hold rows, by name."""
    return [(name, test) for name in TESTS if len((test := slices.named()[name]).rows)]


def _contender(
    ranker: Ranker, dataset: Dataset, slices: Slices, config: TrainConfig, members: np.ndarray | None = None
) -> Contender:
    margin, later = ranker.rank(getattr(dataset, ranker.frame)), slices.calibrate
    calibration = fit_calibration(margin[later.rows], later.y, config.model.calibration)
    others = dataset.unlabelled if ranker.frame == "X" else None
    unlabelled = None if others is None else ranker.rank(others.X)
    return Contender(ranker.name, ranker.kind, margin, calibration, ranker.note, members, unlabelled)


def _bounds(
    contender: Contender, test: Slice, name: str, config: TrainConfig, dataset: Dataset | None
) -> dict[str, float]:
    """Bounds of precision and recall at each depth, if unlabelled wallets of the same dates are reviewed too."""
    if dataset is None or contender.unlabelled is None:
        return {}
    extra = contender.unlabelled[reviewed_unlabelled(dataset, test, config, name)]
    y = np.concatenate([test.y.astype(np.float64), np.full(len(extra), np.nan)])
    ranking = np.concatenate([contender.margin[test.rows], extra])
    reviewed = depths(len(y), config.review.budgets, config.review.top_k)
    return {
        f"{bound}_at_{depth}": value
        for depth, k in reviewed.items()
        for bound, value in bounds_at(y, ranking, k).items()
    }


def _spread(contender: Contender, members: np.ndarray, test: Slice, config: TrainConfig) -> list[dict[str, object]]:
    scores = np.array([calibrate(margin, contender.calibration) for margin in members])

    def measured(margin: np.ndarray, score: np.ndarray) -> dict[str, float]:
        return evaluate(test.y, margin, score, config.review.budgets, config.review.top_k)

    whole = measured(contender.margin[test.rows], contender.score[test.rows])
    each = pd.DataFrame([measured(margin, score) for margin, score in zip(members, scores, strict=True)])
    rows: list[dict[str, object]] = [
        {"metric": name, "ensemble": value, **_summary(each[name].to_numpy(dtype=np.float64))}
        for name, value in whole.items()
        if name not in ("rows", "positives", "base_rate")
    ]
    score_sd = scores.std(axis=0, ddof=1)
    measures = {"score_sd_mean": np.mean, "score_sd_p95": lambda sd: np.quantile(sd, SPREAD_HIGH)}
    nothing = dict.fromkeys(("ensemble", "sd", "lowest", "highest"), np.nan)
    return rows + [{"metric": name, **nothing, "mean": float(measure(score_sd))} for name, measure in measures.items()]


def _summary(values: np.ndarray) -> dict[str, float]:
    sd = values.std(ddof=1)
    return {
        "mean": float(values.mean()),
        "sd": float(sd),
        "lowest": float(values.min()),
        "highest": float(values.max()),
    }
