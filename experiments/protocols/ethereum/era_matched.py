"""The era-matched protocol: licit and illicit Ethereum wallets told apart in the same quarters, so that no date gives them away.

Quarterly snapshots 2018–2022, features of the 90 days before, three transfers or more, era-safe features only. Reads the folder
`ethereum_wallets` (two Parquet lists and `labels.csv`).
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from ....features import FAMILIES, Ledger, coverage, feature, parse_as_of
from ....features.base.arrow import pc
from ....features.base.errors import DataError
from ....features.ingestion.ingestion import ingest
from ....features.labels.table import read_labels
from ....serving.model.calibration import calibrate
from ....training.config.train_config import TrainConfig, load_config
from ....training.data.dataset import Dataset, build_dataset
from ....training.data.snapshots import unit_hash
from ....training.metrics.bootstrap import interval, paired_bootstrap
from ....training.metrics.classification_metrics import brier, ece, per_period, pr_auc, roc_auc
from ....training.models.calibration import fit_calibration
from ....training.models.contenders import Contender, fit_contenders, metrics_table
from ....training.models.estimators import fit_lightgbm, margins
from ....training.splits.time_split import Slice, Slices
from .. import input_files as files
from ..judge import SETTINGS
from ..protocol import Progress, Protocol, Tables

SOURCE = "eltontay/Ethereum-Fraud-Detection"
FILES = ("normal_txs.parquet", "erc20_transfers.parquet")
LABEL_FILE = "labels.csv"
TRAIN_UNTIL = parse_as_of("2020-12-31")
TEST_FROM = parse_as_of("2021-04-01")
EMBARGO = TEST_FROM - parse_as_of("2021-01-01")
HELD_OUT, SET_ASIDE = 0.25, 0.05
WINDOW, MIN_TRANSFERS = "90d", 3
SNAPSHOTS = {
    "every": "quarter",
    "window": WINDOW,
    "min_transfers": MIN_TRANSFERS,
    "first": "2018-01-01",
    "last": "2022-12-31",
    "max_per_wallet": None,
}
LABELS = {"positive": ["phishing"], "negative": ["licit"], "ignored": []}
MODEL: dict[str, Any] = {"rounds": 800, "seeds": 3, "lightgbm": {"learning_rate": 0.02}, "calibration": "sigmoid"}
"""What did best within the training period: trained up to 2019-03 and 2019-09, tested from 2019-07 and 2020-01 on."""
DRAWS = 200
BASELINES = ("random_forest", "logistic_regression")
METRIC_COLUMNS = ["protocol", "model", "rows", "base_rate", "pr_auc", "pr_auc 95 %", "roc_auc", "roc_auc 95 %"]
INTRO = """\
Protocols:

- `time`: trained on snapshots up to 2020-12-31, tested from 2021-04-01 on, all wallets; calibrated on those of 2021-01-01.
- `wallets`: a quarter of the wallets held out, all quarters; calibrated on a twentieth of the wallets, which trains nothing.
- `both`: as `time`, but tested on the quarter of the wallets that is held out, of which no snapshot was trained on.

Populations: `native`, snapshots with three native transfers or more; `all`, with three transfers of any asset or more. The
second adds snapshots in which mostly unasked-for tokens arrived, which say little of the wallet. Features come from both
lists in either. The model is the mean of three seeds. Intervals (95 %) are bootstraps by wallet. Reviews at 1 %, 5 % and
k = 100 count ties at their worst. Shortcuts are fitted and judged on the same rows as the model.

To beat, measured once with thirty plain features at a base rate of 0.54 (which is that of native transfers): PR-AUC 0.906
and ROC-AUC 0.878 in `time`, 0.936 and 0.944 with a quarter of the wallets held out.

Calibration: the share of illicit wallets drifts, so a calibration ages. Within the training period one that is renewed each
quarter on the quarter before had half the error of one that stays; it needs the labels of a quarter by the next."""


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The protocol's tables, population by population."""
    config = config_of(seed)
    labels = read_labels(load_labels(data)).good
    everything, native = load_wallets(data)
    dataset = build_dataset(everything, labels, config, on_progress)
    populations = {"native": with_native(dataset, native), "all": dataset}
    tables: Tables = {}
    for name, chosen in populations.items():
        tables |= {f"Population {name}{title}": table for title, table in measure(chosen, config, on_progress).items()}
    title = "Population native: what each family adds (PR-AUC / ROC-AUC of LightGBM by default settings)"
    return {**tables, title: ablation(populations["native"], config)}


PROTOCOL = Protocol(
    "era-matched",
    "licit and phishing wallets of Ethereum told apart in the same quarters",
    (*FILES, LABEL_FILE),
    f"{SOURCE}, as Etherscan's lists",
    INTRO,
    run,
)


def config_of(seed: int) -> TrainConfig:
    """The config of the protocol's trainings."""
    return load_config({"labels": LABELS, "snapshots": SNAPSHOTS, "seed": seed, "model": MODEL}, head="laundering")


def load_wallets(data: Path) -> tuple[Ledger, Ledger]:
    """The transfers of both lists, those between two listed wallets counted once; and the native ones of them alone."""
    lists = [files.find(data, name, SOURCE) for name in FILES]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "transfers.parquet"
        ingest(lists, out)
        native = pq.read_table(out, filters=pc.field("asset") == "ETH")
        return Ledger.from_transfers(out), Ledger.from_transfers(native)


def load_labels(data: Path) -> pd.DataFrame:
    """The folder's labels (1 phishing or scam, 0 licit) as a labels table; they carry no date.

    Raises:
        DataError: if the file beside the lists is missing or not as published.
    """
    path = files.find(data, FILES[0], SOURCE).with_name(LABEL_FILE)
    if not path.is_file():
        raise DataError(f"{path}: no such file; give the folder that holds {', '.join(FILES)} and {LABEL_FILE}")
    types = {"address": files.TEXT, "label": files.WHOLE, "label_source": files.TEXT}
    table = files.read_csv(path, types, SOURCE)
    wrong = np.flatnonzero(~table["label"].isin([0, 1]))
    if len(wrong):
        wrong_value = table["label"].iloc[wrong[0]]
        raise DataError(
            f"{path}: column 'label', row {wrong[0] + 1}: got {wrong_value}, published are 1 (phishing) and 0 (licit)"
        )
    category = table["label"].map({1: "phishing", 0: "licit"})
    return pd.DataFrame({"address": table["address"], "category": category, "source": table["label_source"]})


def with_native(dataset: Dataset, native: Ledger) -> Dataset:
    """The snapshots of a dataset whose window holds enough native transfers."""
    seen = coverage(native, dataset.snapshots, window=WINDOW)["transfers"].to_numpy()
    return dataset.subset(seen >= MIN_TRANSFERS)


def measure(dataset: Dataset, config: TrainConfig, on_progress: Progress | None = None) -> Tables:
    """Fit and judge model, baselines and shortcuts in each protocol.

    Returns:
        By the rest of a title: metrics of all with intervals (""), the model against its baselines, by year, and in the protocol
        `time` its calibration and its quarters.
    """
    metrics, pairs, years, in_time = [], [], [], {}
    for name, slices in protocols(dataset).items():
        _, contending = fit_contenders(dataset, slices, config, on_progress)
        test = slices.test_time
        as_of, address = (dataset.snapshots[column].iloc[test.rows] for column in ("as_of", "address"))
        found = metrics_table(contending, slices, config).assign(protocol=name)
        metrics.append(pd.concat([found, _intervals(contending, test, address, config.seed)], axis=1))
        pairs += _against(name, contending, test, address, config.seed)
        best = contending[0]
        of_model = (as_of, test.y, best.margin[test.rows], best.score[test.rows])
        years.append(per_period(*of_model, by="year").assign(protocol=name))
        if name == "time":
            in_time = {
                ": calibration of the model, protocol time": recalibrated(best, as_of, slices, config),
                ": the model by quarter, protocol time": per_period(*of_model),
            }
    return {
        "": _ordered(pd.concat(metrics, ignore_index=True), METRIC_COLUMNS, drop=("kind", "slice", "positives")),
        ": the model against its baselines, differences by wallet": pd.DataFrame(pairs),
        ": the model by year": _ordered(pd.concat(years, ignore_index=True), ["protocol", "period"]),
        **in_time,
    }


def recalibrated(contender: Contender, as_of: pd.Series, slices: Slices, config: TrainConfig) -> pd.DataFrame:
    """The model's scores by the calibration slice, and renewed each quarter on the quarter before, as who serves it can.

    `ece_of_a_perfect_score` is the mean over draws of outcomes that the scores themselves foretell: with so many rows no score
    can be expected to do better.
    """
    test, method = slices.test_time, config.model.calibration
    margin, renewed = contender.margin[test.rows], np.empty(len(test.rows))
    known, outcomes = contender.margin[slices.calibrate.rows], slices.calibrate.y
    for date in sorted(as_of.unique()):
        now = (as_of == date).to_numpy()
        renewed[now] = calibrate(margin[now], fit_calibration(known, outcomes, method))
        known, outcomes = margin[now], test.y[now]
    found = {
        "once, on the quarter before the tests": contender.score[test.rows],
        "each quarter, on the one before": renewed,
    }
    rows = [
        {"calibrated": how, "brier": brier(test.y, score), "ece": ece(test.y, score), **_perfect(score, config.seed)}
        for how, score in found.items()
    ]
    return pd.DataFrame(rows)


def _perfect(score: np.ndarray, seed: int) -> dict[str, float]:
    draws = np.random.default_rng(seed).random((DRAWS, len(score))) < score
    return {"ece_of_a_perfect_score": float(np.mean([ece(drawn, score) for drawn in draws]))}


def _ordered(table: pd.DataFrame, first: list[str], drop: tuple[str, ...] = ()) -> pd.DataFrame:
    last = [name for name in ("note",) if name in table.columns]
    rest = [name for name in table.columns if name not in {*first, *drop, *last}]
    return table.loc[:, [*first, *rest, *last]]


def _intervals(contending: list[Contender], test: Slice, address: pd.Series, seed: int) -> pd.DataFrame:
    """95 % intervals of PR-AUC and ROC-AUC, one row per contender."""
    rows = []
    for contender in contending:
        found = {
            metric: interval(test.y, contender.margin[test.rows], address, metric, seed=seed)
            for metric in ("pr_auc", "roc_auc")
        }
        rows.append({f"{metric} 95 %": f"{of.low:.3f}–{of.high:.3f}" for metric, of in found.items()})
    return pd.DataFrame(rows)


def _against(
    name: str, contending: list[Contender], test: Slice, address: pd.Series, seed: int
) -> list[dict[str, object]]:
    """The model's margin over its baselines on the same draws of wallets."""
    best, rows = contending[0], []
    for other in contending[1:]:
        if other.name in BASELINES:
            for metric in ("pr_auc", "roc_auc"):
                both = (best.margin[test.rows], other.margin[test.rows])
                found = paired_bootstrap(test.y, *both, address, metric, seed=seed)
                span = {"difference": found.difference, "low": found.low, "high": found.high}
                rows.append({"protocol": name, "model minus": other.name, "metric": metric, **span})
    return rows


def ablation(dataset: Dataset, config: TrainConfig) -> pd.DataFrame:
    """LightGBM without each family of features, and with it alone, in the protocols `time` and `both`; one seed, by defaults."""
    chosen = {name: slices for name, slices in protocols(dataset).items() if name != "wallets"}
    columns = [str(name) for name in dataset.X.columns]
    rows: list[dict[str, object]] = [
        {"family": "none", "features": 0, **_judged(dataset, columns, chosen, config, "without")}
    ]
    for family in FAMILIES:
        inside = [name for name in columns if feature(name).family == family]
        outside = [name for name in columns if name not in inside]
        if inside:
            row = _judged(dataset, outside, chosen, config, "without") | _judged(
                dataset, inside, chosen, config, "alone"
            )
            rows.append({"family": family, "features": len(inside), **row})
    return pd.DataFrame(rows)


def _judged(
    dataset: Dataset, columns: list[str], chosen: dict[str, Slices], config: TrainConfig, how: str
) -> dict[str, str]:
    """What LightGBM reaches with some of the columns, one cell per protocol."""
    found = {}
    for name, slices in chosen.items():
        X, train, test = dataset.X[columns], slices.train, slices.test_time
        booster = fit_lightgbm(X.iloc[train.rows], train.y, SETTINGS, config.seed)
        ranking = margins(booster, X.iloc[test.rows])
        found[f"{how}: {name}"] = f"{pr_auc(test.y, ranking):.3f} / {roc_auc(test.y, ranking):.3f}"
    return found


def protocols(dataset: Dataset) -> dict[str, Slices]:
    """The slices of each protocol; what is judged is `test_time`."""
    as_of = dataset.snapshots["as_of"].reset_index(drop=True)
    y = dataset.targets.known_by(None).reindex(dataset.snapshots["address"]).to_numpy(dtype=np.int8)
    hash_fraction = unit_hash(pd.Index(dataset.snapshots["address"]), "era_matched")
    early, late = (as_of <= TRAIN_UNTIL).to_numpy(), (as_of >= TEST_FROM).to_numpy()
    held, aside = hash_fraction < HELD_OUT, (hash_fraction >= HELD_OUT) & (hash_fraction < HELD_OUT + SET_ASIDE)

    def slices(train: np.ndarray, calibrate: np.ndarray, test: np.ndarray) -> Slices:
        masks = {"train": train, "calibrate": calibrate, "test_time": test, "test_new": np.zeros(len(y), bool)}
        parts: Any = {name: Slice(np.flatnonzero(mask), y[mask]) for name, mask in masks.items()}
        return Slices(**parts, train_until=TRAIN_UNTIL, calibration_until=TEST_FROM, embargo=EMBARGO, derived=False)

    return {
        "time": slices(early, ~early & ~late, late),
        "wallets": slices(~held & ~aside, aside, held),
        "both": slices(early & ~held, ~early & ~late & ~held, late & held),
    }
