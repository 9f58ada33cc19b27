"""The protocol `leave-one-case-out`: each theft found by a model that learnt from all others, beside the same wallets found by a
model that had seen some of that theft. Reads the folders that `case_data` names.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedGroupKFold

from ....features import Ledger, coverage, extract
from ....training.config.train_config import TrainConfig, load_config
from ....training.data.dataset import Dataset, build_dataset
from ....training.data.large_matrix import subtable
from ....training.metrics.bootstrap import interval
from ....training.metrics.classification_metrics import roc_auc
from ....training.metrics.early_detection import time_to_detection
from ....training.models.contenders import MODEL
from ....training.models.estimators import fit_forest, fit_logistic, log_odds, margins
from ....training.models.feature_stability import judge_stability
from ....training.models.learner import learn
from ....training.splits.leave_one_case_out import BACKGROUND, CaseFold, LeaveOneCaseOut
from ....training.splits.sibling_wallets import siblings_by_case
from ....training.splits.splitters import groups_of
from ....training.splits.time_split import Slice
from ..protocol import Progress, Protocol, Tables
from .case_data import CASE_FILES, DISPUTED, CaseData, comparable_features, load_cases
from .flow_views import flow_views

SNAPSHOTS = {
    "every": "quarter", "window": "90d", "min_transfers": 2, "first": "2018-01-01", "last": "2022-12-31", "max_per_wallet": 6,
}  # fmt: skip
LABELS = {
    "positive": ["state_linked", "theft", "laundering", "phishing", "ponzi"],
    "negative": ["licit"],
    "ignored": [],
}
HEADS = ("laundering", "state_linked")
ORDINARY_RATIO = 10  # ordinary snapshots per positive one
MIN_WALLETS = 3  # of a theft that is left out
IN_EVENT_FOLDS = 3
FLOWS_SINCE = pd.Timestamp("2021-10-01", tz="UTC")  # a quarter before the first theft that is seen by its flows alone
ALARMS = 0.05
BASE_RATE = 1 / (1 + ORDINARY_RATIO)
MODEL_SETTINGS: dict[str, Any] = {}  # the defaults of a training
INTRO = f"""\
Each row: one theft left out whole, with its wallets' direct counterparties and all that the same funders funded; the model
learnt from all other labelled wallets. Native transfers of Ethereum alone, for all collections have those; quarterly snapshots
of 90 days with two transfers or more; era-safe features that see a wallet's own transfers alone, because
neighbours' histories were collected for thefts but not for ordinary wallets (`all families` sees that difference).

Tested among {ORDINARY_RATIO} times as many snapshots of ordinary wallets of the same quarters and activity, or as many as
there are. None of them trains. For `state_linked` the test also has phishers, Ponzi schemes and thefts by others.

`pr_auc` is at a base rate of one to {ORDINARY_RATIO} in every row (positives weigh less where they are more), so that
rows compare. `others` is the number of ordinary snapshots.

`in event` is the same test by models that trained on two thirds of that theft too, in {IN_EVENT_FOLDS} folds by wallet: what is
often published, and what nobody has at the next theft. `size` sees only amounts and numbers,
`missing` only which features are missing. Intervals (95 %) resample wallets. One theft is one event, and no interval says how
the next one differs.

`view`: of Harmony, the Discord drainers and the vault phishing only verified flows are public, and no history: their wallets are
told from ordinary ones of 2022 reduced in the same way (the largest payments in, and what was spent of them). The first and
the last fall after the last history; they are moved back by 52 and 104 weeks, as features know no date. Their amounts are in
dollars and those of the others in ether, which only `size` sees, so there it says nothing. Of PlusToken one wallet has a
history, of AlphaHomora none. Cryptopia's thief is disputed: it never trains `state_linked`, and its row asks whether the
model takes it for a state's. KuCoin has three wallets: its row is an anecdote."""


@dataclass(frozen=True)
class CaseDatasets:
    """All labelled wallets, before a theft is left out.

    Attributes:
        whole: the wallets by their histories, with every feature.
        wallet_only: the names of the features that see a wallet's own transfers alone.
        reduced: the same wallets as flows show them.
        groups: case, address and date of each row of `whole`.
        siblings, views: sibling wallets, and `histories` or `flows`, by case.
        ledger: the transfers.
    """

    whole: Dataset
    wallet_only: list[str]
    reduced: Dataset
    groups: pd.DataFrame
    siblings: dict[str, set[str]]
    views: dict[str, str]
    config: TrainConfig
    ledger: Ledger


@dataclass(frozen=True)
class Fold:
    """One theft left out under a head: training rows and outcomes, and the table that is tested."""

    head: str
    case: str
    train: Slice
    test: Dataset
    y: np.ndarray


Ranker = Callable[[CaseDatasets, Slice, Dataset], np.ndarray]
"""From training rows to a ranking of a test table."""


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The tables of the protocol. Raises DataError if a file is missing."""
    datasets = prepared(load_cases(data), seed, on_progress)
    folds = [fold for head in HEADS for fold in folds_of(datasets, head)]
    rows, variants = [], []
    for done, fold in enumerate(folds):
        on_progress("cases", done, len(folds))
        rankings = {name: rank(datasets, fold.train, fold.test) for name, rank in RANKERS.items()}
        rows.append(_row(datasets, fold, rankings))
        variants.append(_variants(fold, rankings))
    on_progress("cases", len(folds), len(folds))
    early = [
        detected(datasets, fold)
        for fold in folds
        if fold.head == "laundering" and datasets.views[fold.case] == "histories"
    ]
    carried = carry_over(datasets)
    return {
        "Whole thefts left out": pd.DataFrame(rows),
        "ROC-AUC of other learners, whole thefts left out": pd.DataFrame(variants),
        "Means over thefts": _means(pd.DataFrame(rows), pd.DataFrame(variants)),
        f"Time to detection: flagged at the score that {ALARMS:.0%} of the ordinary snapshots reach": pd.concat(early),
        "Features that hold in most thefts (2·AUC − 1 against ordinary wallets of the same quarters)": _held(carried),
        "Features that hold in no more than one theft": _unheld(carried),
    }


PROTOCOL = Protocol(
    "leave-one-case-out",
    "the wallets of a whole theft found by a model that learnt from other thefts",
    CASE_FILES,
    "several, see docs/protocols.md",
    INTRO,
    run,
)


def prepared(cases: CaseData, seed: int, on_progress: Progress) -> CaseDatasets:
    """Snapshots and features of all labelled wallets, by their histories and as flows would show them."""
    settings = {"labels": LABELS, "snapshots": SNAPSHOTS, "model": MODEL_SETTINGS, "seed": seed}
    config = load_config(settings, head="laundering")
    whole = build_dataset(cases.ledger, cases.labels, config, on_progress)
    named = cases.labels[cases.labels["case"].notna()]
    ledger = flow_views(cases.native[cases.native["timestamp"] >= FLOWS_SINCE], set(cases.labels["address"]))
    reduced = build_dataset(ledger, cases.labels, config)
    siblings = siblings_by_case(cases.ledger, named["address"], named["case"])
    return CaseDatasets(
        whole,
        comparable_features(),
        reduced,
        groups_of(whole),
        siblings,
        cases.views,
        config,
        cases.ledger,
    )


def outcomes(dataset: Dataset, head: str) -> np.ndarray:
    """1 for what the head looks for, (rows,)."""
    category = dataset.label_details["category"]
    return (category == "state_linked" if head == "state_linked" else category != "licit").to_numpy(dtype=np.int8)


def folds_of(datasets: CaseDatasets, head: str) -> Iterator[Fold]:
    """One fold per theft; for `state_linked` also the disputed ones, as if they were a state's."""
    y, case = outcomes(datasets.whole, head), datasets.groups["case"]
    disputed = case.isin(DISPUTED).to_numpy()
    if head != "state_linked":
        yield from _folds(datasets, head, y, np.arange(len(y)), None)
        return
    yield from _folds(datasets, head, y, np.flatnonzero(~disputed), None)
    yield from _folds(datasets, head, np.where(disputed, 1, y).astype(np.int8), np.arange(len(y)), list(DISPUTED))


def _folds(
    datasets: CaseDatasets, head: str, y: np.ndarray, pool: np.ndarray, cases: list[str] | None
) -> Iterator[Fold]:
    # Phishers and Ponzi schemes carry no case: each is a case of its own, dealt by address with the background.
    splitter = LeaveOneCaseOut(datasets.siblings, ratio=ORDINARY_RATIO, cases=cases, min_wallets=MIN_WALLETS)
    groups = datasets.groups.iloc[pool].reset_index(drop=True)
    for found in splitter.folds(y[pool], groups):
        train = pool[found.train]
        yield Fold(head, found.case, Slice(train, y[train]), *_tested(datasets, found, pool, y))


def _tested(datasets: CaseDatasets, found: CaseFold, pool: np.ndarray, y: np.ndarray) -> tuple[Dataset, np.ndarray]:
    """The rows to test; where a theft is seen by its flows alone, so is the background."""
    rows = pool[found.test]
    if datasets.views[found.case] != "flows":
        return datasets.whole.subset(_mask(datasets.whole, rows)), y[rows]
    background = found.role == BACKGROUND
    drawn = datasets.groups["address"].iloc[rows[background]].tolist()
    theft = datasets.whole.subset(_mask(datasets.whole, rows[~background]))
    others = datasets.reduced.subset(datasets.reduced.snapshots["address"].isin(drawn).to_numpy())
    return _stacked(theft, others), np.concatenate([y[rows[~background]], np.zeros(len(others.X), np.int8)])


def _mask(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    return np.isin(np.arange(len(dataset.X)), rows)


def _stacked(first: Dataset, second: Dataset) -> Dataset:
    names = ("snapshots", "X", "size", "dates", "label_details")
    both = {name: pd.concat([getattr(first, name), getattr(second, name)], ignore_index=True) for name in names}
    return replace(first, **both)


def narrowed(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """A dataset with some of its features."""
    return replace(dataset, X=subtable(dataset.X, columns=names))


def _learnt(datasets: CaseDatasets, part: Slice, test: Dataset, names: Sequence[str], **how: Any) -> np.ndarray:
    config = how.pop("config", datasets.config)
    return margins(learn(narrowed(datasets.whole, names), part, config, **how).booster, test.X)


def _lightgbm(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    return _learnt(datasets, part, test, datasets.wallet_only)


def _unweighted(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    return _learnt(datasets, part, test, datasets.wallet_only, config=_with(datasets.config, weights={"cases": False}))


def _careful(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    """Few leaves, each of many wallets: less room for what is one theft's own."""
    careful = {
        **datasets.config.model.lightgbm.model_dump(),
        "num_leaves": 7,
        "min_data_in_leaf": 100,
        "lambda_l2": 10.0,
    }
    return _learnt(datasets, part, test, datasets.wallet_only, lightgbm=careful)


def _stable(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    found = judge_stability(
        datasets.whole.X.loc[:, datasets.wallet_only].iloc[part.rows], part.y, *_stability_keys(datasets, part.rows)
    )
    return _learnt(datasets, part, test, found.kept)


def _every(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    return _learnt(datasets, part, test, [str(name) for name in datasets.whole.X.columns])


def _logistic(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    train, shown = datasets.whole.X.loc[:, datasets.wallet_only], test.X.loc[:, datasets.wallet_only]
    return log_odds(fit_logistic(train.iloc[part.rows], part.y, datasets.config.seed), shown)


def _forest(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    train, shown = datasets.whole.X.loc[:, datasets.wallet_only], test.X.loc[:, datasets.wallet_only]
    return log_odds(fit_forest(train.iloc[part.rows], part.y, datasets.config.seed), shown)


def _size(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    return margins(learn(replace(datasets.whole, X=datasets.whole.size), part, datasets.config).booster, test.size)


def _missing(datasets: CaseDatasets, part: Slice, test: Dataset) -> np.ndarray:
    whole = replace(datasets.whole, X=datasets.whole.X[datasets.wallet_only].isna().astype(np.float64))
    return margins(learn(whole, part, _with(datasets.config, monotone=False)).booster, test.X.isna().astype(np.float64))


def _with(config: TrainConfig, **model: Any) -> TrainConfig:
    values = config.model_dump(by_alias=True)
    return load_config({**values, "model": {**values["model"], **model}})


RANKERS: dict[str, Ranker] = {
    MODEL: _lightgbm,
    "without case weights": _unweighted,
    "few leaves": _careful,
    "stable features": _stable,
    "all families": _every,
    "logistic regression": _logistic,
    "random forest": _forest,
    "size": _size,
    "missing": _missing,
}


def _stability_keys(datasets: CaseDatasets, rows: np.ndarray) -> tuple[pd.Series, pd.Series, pd.Series]:
    seen = datasets.groups.iloc[rows]
    return seen["case"], seen["as_of"], seen["address"]


def _row(datasets: CaseDatasets, fold: Fold, rankings: dict[str, np.ndarray]) -> dict[str, object]:
    wallets, ranking = fold.test.snapshots["address"].to_numpy(), rankings[MODEL]
    seen = in_event(datasets, fold)
    found: dict[str, object] = {
        "head": fold.head,
        "theft": fold.case + (" (disputed)" if fold.head == "state_linked" and fold.case in DISPUTED else ""),
        "view": datasets.views[fold.case],
        "wallets": len(set(wallets[fold.y == 1])),
        "snapshots": int(fold.y.sum()),
        "others": int((fold.y == 0).sum()),
    }
    for name, metric in (("pr_auc", pr_auc_at), ("roc_auc", roc_auc)):
        bounds = interval(fold.y, ranking, wallets, metric if metric is pr_auc_at else name)
        found[name] = metric(fold.y, ranking)
        found[f"{name} 95 %"] = f"{bounds.low:.3f}–{bounds.high:.3f}" if np.isfinite(bounds.low) else "–"
        found[f"{name} in event"] = metric(fold.y, seen) if seen is not None else np.nan
    return found | {f"roc_auc {name}": roc_auc(fold.y, rankings[name]) for name in ("size", "missing")}


def pr_auc_at(y: ArrayLike, ranking: ArrayLike, rate: float = BASE_RATE) -> float:
    """Average precision as it would be at another base rate: all positives together weigh `rate`, all negatives the rest."""
    y = np.asarray(y)
    positives = int(y.sum())
    if not 0 < positives < len(y):
        return np.nan
    weights = np.where(y == 1, rate / positives, (1 - rate) / (len(y) - positives))
    return float(average_precision_score(y, ranking, sample_weight=weights))


def in_event(datasets: CaseDatasets, fold: Fold) -> np.ndarray | None:
    """Rankings of the test by models that trained on the other folds of it too, (rows,); None for too few wallets."""
    wallets = fold.test.snapshots["address"].to_numpy()
    if len(set(wallets[fold.y == 1])) < IN_EVENT_FOLDS * MIN_WALLETS:
        return None
    ranking = np.empty(len(fold.y))
    splitter = StratifiedGroupKFold(IN_EVENT_FOLDS, shuffle=True, random_state=datasets.config.seed)
    past = datasets.whole.subset(_mask(datasets.whole, fold.train.rows))
    for more, tested in splitter.split(fold.y, fold.y, wallets):
        both = _stacked(past, fold.test.subset(_mask(fold.test, more)))
        part = Slice(np.arange(len(both.X)), np.concatenate([fold.train.y, fold.y[more]]))
        learnt = learn(narrowed(both, datasets.wallet_only), part, datasets.config)
        ranking[tested] = margins(learnt.booster, fold.test.X.iloc[tested])
    return ranking


def detected(datasets: CaseDatasets, fold: Fold) -> pd.DataFrame:
    """How early a theft's wallets are flagged by a model that never met it, at the score that `ALARMS` of the ordinary reach."""
    booster = learn(narrowed(datasets.whole, datasets.wallet_only), fold.train, datasets.config).booster
    ordinary = margins(booster, fold.test.X.loc[fold.y == 0])

    def score(snapshots: pd.DataFrame) -> np.ndarray:
        window, least = str(SNAPSHOTS["window"]), SNAPSHOTS["min_transfers"]
        values = extract(datasets.ledger, snapshots, window=window, features=datasets.wallet_only).loc[
            :, datasets.wallet_only
        ]
        enough = coverage(datasets.ledger, snapshots, window=window)["transfers"] >= least
        return np.where(enough, margins(booster, values), np.nan)  # as a scorer leaves them unscored

    wallets = fold.test.snapshots.loc[fold.y == 1, "address"].drop_duplicates()
    threshold = float(np.quantile(ordinary, 1 - ALARMS, method="higher"))
    found = time_to_detection(datasets.ledger, wallets, score, threshold)
    return found.stages.assign(theft=fold.case).loc[:, ["theft", "stage", "wallets", "scored", "flagged", "recall"]]


def _variants(fold: Fold, rankings: dict[str, np.ndarray]) -> dict[str, object]:
    return {"head": fold.head, "theft": fold.case, **{name: roc_auc(fold.y, r) for name, r in rankings.items()}}


def _means(rows: Any, variants: Any) -> pd.DataFrame:
    """Of each head, over thefts with ten wallets or more, the disputed one left out."""
    counted = (rows["wallets"] >= 10) & ~rows["theft"].str.contains("disputed")
    chosen = rows[counted].groupby("head", sort=False)
    seen = chosen[["roc_auc", "roc_auc in event"]].mean()
    learners = variants[counted].groupby("head", sort=False)[list(RANKERS)].mean()
    return seen.assign(thefts=chosen.size()).join(learners.drop(columns=MODEL)).reset_index()


def carry_over(datasets: CaseDatasets) -> pd.DataFrame:
    """How strongly each feature separates each theft from ordinary wallets of the same quarters (`judge_stability`)."""
    rows = np.flatnonzero(datasets.groups["case"].notna() | (datasets.whole.label_details["category"] == "licit"))
    y = outcomes(datasets.whole, "laundering")[rows]
    return judge_stability(
        datasets.whole.X.loc[:, datasets.wallet_only].iloc[rows], y, *_stability_keys(datasets, rows)
    ).table


def _held(table: Any) -> pd.DataFrame:
    most = table.assign(
        most=table[["cases_up", "cases_down"]].max(axis=1), least=table[["cases_up", "cases_down"]].min(axis=1)
    )
    chosen = most[most["kept"]].sort_values(["least", "most"], ascending=[True, False], kind="stable").head(25)
    return chosen.drop(columns=["kept", "why", "most", "least"])


def _unheld(table: Any) -> pd.DataFrame:
    return table.loc[~table["kept"], ["feature", "why"]]
