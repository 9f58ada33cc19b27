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
RATIO, LEAST, FOLDS = 10, 3, 3
FLOWS_SINCE = pd.Timestamp("2021-10-01", tz="UTC")  # a quarter before the first theft that is seen by its flows alone
ALARMS = 0.05
BASE_RATE = 1 / (1 + RATIO)
MODEL_SETTINGS: dict[str, Any] = {}  # the defaults of a training
INTRO = f"""\
Each row: one theft left out whole, with its wallets' direct counterparties and all that the same funders funded; the model
learnt from all other labelled wallets. Native transfers of Ethereum alone, for all collections have those; quarterly snapshots
of 90 days with two transfers or more; era-safe features that see a wallet's own transfers alone, for of thefts the neighbours'
histories were collected too, and of ordinary wallets not (`all families` sees that difference). Tested among {RATIO} times as
many snapshots of ordinary wallets of the same quarters and activity, as far as there are so many, none of which trains; for
`state_linked` also among phishers, Ponzi schemes and thefts by others.

`pr_auc` is at a base rate of one to {RATIO} in every row (positives weigh less where they are more), so that rows compare;
`others` tells how many ordinary snapshots there were.

`in event` is the same test by models that trained on two thirds of that theft too, in {FOLDS} folds by wallet: what is often
published, and what nobody has at the next theft. `size` and `missing` see only amounts and numbers, or only which features are
missing. Intervals (95 %) resample wallets; one theft is one event, and no interval says how the next one differs.

`view`: of Harmony, the Discord drainers and the vault phishing only verified flows are public, and no history: their wallets are
told from ordinary ones of 2022 reduced in the same way (the largest payments in, and what was spent of them). The first and
the last fall after the last history; they are moved back by 52 and 104 weeks, as features know no date. Their amounts are in
dollars and those of the others in ether, which only `size` sees, so there it says nothing. Of PlusToken one wallet has a
history, of AlphaHomora none. Cryptopia's thief is disputed: it never trains `state_linked`, and its row asks whether the
model takes it for a state's. KuCoin has three wallets: its row is an anecdote."""


@dataclass(frozen=True)
class Bench:
    """What is split and judged.

    Attributes:
        whole: all labelled wallets by their histories, every feature; own: the names of those that see their own transfers alone.
        reduced: the same wallets as flows show them.
        groups, siblings, views: of the rows of `whole`, and by case.
        ledger: the transfers.
    """

    whole: Dataset
    own: list[str]
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


Ranker = Callable[[Bench, Slice, Dataset], np.ndarray]
"""From training rows to a ranking of a test table."""


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The tables of the protocol. Raises DataError if a file is missing."""
    bench = prepared(load_cases(data), seed, on_progress)
    folds = [fold for head in HEADS for fold in folds_of(bench, head)]
    rows, variants = [], []
    for done, fold in enumerate(folds):
        on_progress("cases", done, len(folds))
        rankings = {name: rank(bench, fold.train, fold.test) for name, rank in RANKERS.items()}
        rows.append(_row(bench, fold, rankings))
        variants.append(_variants(fold, rankings))
    on_progress("cases", len(folds), len(folds))
    early = [
        detected(bench, fold) for fold in folds if fold.head == "laundering" and bench.views[fold.case] == "histories"
    ]
    carried = carry_over(bench)
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


def prepared(cases: CaseData, seed: int, on_progress: Progress) -> Bench:
    """Snapshots and features of all labelled wallets, by their histories and as flows would show them."""
    settings = {"labels": LABELS, "snapshots": SNAPSHOTS, "model": MODEL_SETTINGS, "seed": seed}
    config = load_config(settings, head="laundering")
    whole = build_dataset(cases.ledger, cases.labels, config, on_progress)
    named = cases.labels[cases.labels["case"].notna()]
    ledger = flow_views(cases.native[cases.native["timestamp"] >= FLOWS_SINCE], set(cases.labels["address"]))
    reduced = build_dataset(ledger, cases.labels, config)
    siblings = siblings_by_case(cases.ledger, named["address"], named["case"])
    return Bench(
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


def folds_of(bench: Bench, head: str) -> Iterator[Fold]:
    """One fold per theft; for `state_linked` also the disputed ones, as if they were a state's."""
    y, case = outcomes(bench.whole, head), bench.groups["case"]
    disputed = case.isin(DISPUTED).to_numpy()
    if head != "state_linked":
        yield from _folds(bench, head, y, np.arange(len(y)), None)
        return
    yield from _folds(bench, head, y, np.flatnonzero(~disputed), None)
    yield from _folds(bench, head, np.where(disputed, 1, y).astype(np.int8), np.arange(len(y)), list(DISPUTED))


def _folds(bench: Bench, head: str, y: np.ndarray, pool: np.ndarray, cases: list[str] | None) -> Iterator[Fold]:
    # Phishers and Ponzi schemes carry no case: each is a case of its own, dealt by address with the background.
    splitter = LeaveOneCaseOut(bench.siblings, ratio=RATIO, cases=cases, min_wallets=LEAST)
    groups = bench.groups.iloc[pool].reset_index(drop=True)
    for found in splitter.folds(y[pool], groups):
        train = pool[found.train]
        yield Fold(head, found.case, Slice(train, y[train]), *_tested(bench, found, pool, y))


def _tested(bench: Bench, found: CaseFold, pool: np.ndarray, y: np.ndarray) -> tuple[Dataset, np.ndarray]:
    """The rows to test; where a theft is seen by its flows alone, so is the background."""
    rows = pool[found.test]
    if bench.views[found.case] != "flows":
        return bench.whole.subset(_mask(bench.whole, rows)), y[rows]
    apart = found.role == BACKGROUND
    drawn = bench.groups["address"].iloc[rows[apart]].tolist()
    own = bench.whole.subset(_mask(bench.whole, rows[~apart]))
    others = bench.reduced.subset(bench.reduced.snapshots["address"].isin(drawn).to_numpy())
    return _stacked(own, others), np.concatenate([y[rows[~apart]], np.zeros(len(others.X), np.int8)])


def _mask(dataset: Dataset, rows: np.ndarray) -> np.ndarray:
    return np.isin(np.arange(len(dataset.X)), rows)


def _stacked(first: Dataset, second: Dataset) -> Dataset:
    names = ("snapshots", "X", "size", "dates", "label_details")
    both = {name: pd.concat([getattr(first, name), getattr(second, name)], ignore_index=True) for name in names}
    return replace(first, **both)


def narrowed(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """A dataset with some of its features."""
    return replace(dataset, X=subtable(dataset.X, columns=names))


def _learnt(bench: Bench, part: Slice, test: Dataset, names: Sequence[str], **how: Any) -> np.ndarray:
    config = how.pop("config", bench.config)
    return margins(learn(narrowed(bench.whole, names), part, config, **how).booster, test.X)


def _lightgbm(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    return _learnt(bench, part, test, bench.own)


def _unweighted(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    return _learnt(bench, part, test, bench.own, config=_with(bench.config, weights={"cases": False}))


def _careful(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    """Few leaves, each of many wallets: less room for what is one theft's own."""
    careful = {**bench.config.model.lightgbm.model_dump(), "num_leaves": 7, "min_data_in_leaf": 100, "lambda_l2": 10.0}
    return _learnt(bench, part, test, bench.own, lightgbm=careful)


def _stable(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    found = judge_stability(bench.whole.X.loc[:, bench.own].iloc[part.rows], part.y, *_told(bench, part.rows))
    return _learnt(bench, part, test, found.kept)


def _every(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    return _learnt(bench, part, test, [str(name) for name in bench.whole.X.columns])


def _logistic(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    train, shown = bench.whole.X.loc[:, bench.own], test.X.loc[:, bench.own]
    return log_odds(fit_logistic(train.iloc[part.rows], part.y, bench.config.seed), shown)


def _forest(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    train, shown = bench.whole.X.loc[:, bench.own], test.X.loc[:, bench.own]
    return log_odds(fit_forest(train.iloc[part.rows], part.y, bench.config.seed), shown)


def _size(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    return margins(learn(replace(bench.whole, X=bench.whole.size), part, bench.config).booster, test.size)


def _missing(bench: Bench, part: Slice, test: Dataset) -> np.ndarray:
    whole = replace(bench.whole, X=bench.whole.X[bench.own].isna().astype(np.float64))
    return margins(learn(whole, part, _with(bench.config, monotone=False)).booster, test.X.isna().astype(np.float64))


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


def _told(bench: Bench, rows: np.ndarray) -> tuple[pd.Series, pd.Series, pd.Series]:
    seen = bench.groups.iloc[rows]
    return seen["case"], seen["as_of"], seen["address"]


def _row(bench: Bench, fold: Fold, rankings: dict[str, np.ndarray]) -> dict[str, object]:
    wallets, ranking = fold.test.snapshots["address"].to_numpy(), rankings[MODEL]
    seen = in_event(bench, fold)
    found: dict[str, object] = {
        "head": fold.head,
        "theft": fold.case + (" (disputed)" if fold.head == "state_linked" and fold.case in DISPUTED else ""),
        "view": bench.views[fold.case],
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


def in_event(bench: Bench, fold: Fold) -> np.ndarray | None:
    """Rankings of the test by models that trained on the other folds of it too, (rows,); None for too few wallets."""
    wallets = fold.test.snapshots["address"].to_numpy()
    if len(set(wallets[fold.y == 1])) < FOLDS * LEAST:
        return None
    ranking = np.empty(len(fold.y))
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=bench.config.seed)
    past = bench.whole.subset(_mask(bench.whole, fold.train.rows))
    for more, tested in splitter.split(fold.y, fold.y, wallets):
        both = _stacked(past, fold.test.subset(_mask(fold.test, more)))
        part = Slice(np.arange(len(both.X)), np.concatenate([fold.train.y, fold.y[more]]))
        learnt = learn(narrowed(both, bench.own), part, bench.config)
        ranking[tested] = margins(learnt.booster, fold.test.X.iloc[tested])
    return ranking


def detected(bench: Bench, fold: Fold) -> pd.DataFrame:
    """How early a theft's wallets are flagged by a model that never met it, at the score that `ALARMS` of the ordinary reach."""
    booster = learn(narrowed(bench.whole, bench.own), fold.train, bench.config).booster
    ordinary = margins(booster, fold.test.X.loc[fold.y == 0])

    def score(snapshots: pd.DataFrame) -> np.ndarray:
        window, least = str(SNAPSHOTS["window"]), SNAPSHOTS["min_transfers"]
        values = extract(bench.ledger, snapshots, window=window, features=bench.own).loc[:, bench.own]
        enough = coverage(bench.ledger, snapshots, window=window)["transfers"] >= least
        return np.where(enough, margins(booster, values), np.nan)  # as a scorer leaves them unscored

    wallets = fold.test.snapshots.loc[fold.y == 1, "address"].drop_duplicates()
    threshold = float(np.quantile(ordinary, 1 - ALARMS, method="higher"))
    found = time_to_detection(bench.ledger, wallets, score, threshold)
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


def carry_over(bench: Bench) -> pd.DataFrame:
    """How strongly each feature separates each theft from ordinary wallets of the same quarters (`judge_stability`)."""
    rows = np.flatnonzero(bench.groups["case"].notna() | (bench.whole.label_details["category"] == "licit"))
    y = outcomes(bench.whole, "laundering")[rows]
    return judge_stability(bench.whole.X.loc[:, bench.own].iloc[rows], y, *_told(bench, rows)).table


def _held(table: Any) -> pd.DataFrame:
    most = table.assign(
        most=table[["cases_up", "cases_down"]].max(axis=1), least=table[["cases_up", "cases_down"]].min(axis=1)
    )
    chosen = most[most["kept"]].sort_values(["least", "most"], ascending=[True, False], kind="stable").head(25)
    return chosen.drop(columns=["kept", "why", "most", "least"])


def _unheld(table: Any) -> pd.DataFrame:
    return table.loc[~table["kept"], ["feature", "why"]]
