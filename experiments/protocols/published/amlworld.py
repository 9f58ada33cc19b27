"""AMLworld: laundering transactions of IBM's synthetic banks, 60/20/20 in time (Altman et al., NeurIPS 2023, arXiv 2306.16424).

Reads `HI-Small_Trans.csv` and its like as published. A transaction's features are of itself and of what came before it.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ....features.base.errors import DataError
from .. import input_files as files
from ..judge import best_threshold, judged, lightgbm, needs_both
from ..protocol import Progress, Protocol, Tables
from .stream_patterns import counted

SOURCE = "Kaggle: ealtman2019/ibm-transactions-for-anti-money-laundering-aml"
PATTERN = "*_Trans.csv"
_TITLES = "Timestamp,From Bank,Account,To Bank,Account,Amount Received,Receiving Currency,Amount Paid,Payment Currency"
HEADER = [*_TITLES.split(","), "Payment Format", "Is Laundering"]
_TYPES = {
    "time": files.TEXT,
    "from_bank": files.TEXT,
    "from_account": files.TEXT,
    "to_bank": files.TEXT,
    "to_account": files.TEXT,
    "received": files.NUMBER,
    "received_in": files.TEXT,
    "paid": files.NUMBER,
    "paid_in": files.TEXT,
    "format": files.TEXT,
    "laundering": files.WHOLE,
}
WHEN = "%Y/%m/%d %H:%M"
SHARES = (0.6, 0.8)
HUB, WORK = 100, 10_000
"""The bounds of the catalogue's searches for cycles and scatter-gathers."""
PATTERNS = [
    f"{name}_{size}"
    for name in ("fan_in", "fan_out", "degree_in", "degree_out", "scatter_gather", "cycle")
    for size in ("2", "3_or_more")
]
PUBLISHED = {  # minority F1 (%) of the paper: LightGBM raw, preprocessor and LightGBM
    ("HI-Small", "raw"): 21.3,
    ("HI-Medium", "raw"): 18.6,
    ("LI-Small", "raw"): 2.1,
    ("LI-Medium", "raw"): 3.3,
    ("HI-Small", "raw, patterns and accounts"): 62.86,
    ("HI-Medium", "raw, patterns and accounts"): 59.48,
    ("LI-Small", "raw, patterns and accounts"): 20.83,
    ("LI-Medium", "raw, patterns and accounts"): 24.74,
}
INTRO = """\
Transactions in order of time: the first 60 % train, the next 20 % set the threshold of the best F1, the last 20 % test; no
minute is in two parts. `raw`: amounts, currencies, format of payment, hour, same bank, same account. `patterns`: fans and
degrees within a day, scatter-gathers and temporal cycles within six hours and a day that a transaction completes, as
`against_gfp` counts them. `accounts`: how often and how much either account had paid and been paid before. Published beside
them: LightGBM on raw features, and with IBM's preprocessor (patterns and statistics of vertices). Known faults, on rows of their
own: after the nominal period everything is laundering, and formats of payment tell much."""


def run(data: Path, seed: int, on_progress: Progress) -> Tables:
    """The protocol's tables, two for each file: what models reach, and what the file holds."""
    paths = files.every(data, PATTERN)
    if not paths:
        raise DataError(
            f"{data}: no file {PATTERN} there or one folder below; give the folder that holds it ({SOURCE})"
        )
    tables: Tables = {}
    for done, path in enumerate(paths):
        on_progress("fit", done, len(paths))
        name = path.name.removesuffix(PATTERN[1:])
        tables |= measure(read(path), name, seed)
    on_progress("fit", len(paths), len(paths))
    return tables


PROTOCOL = Protocol(
    "amlworld",
    "laundering transactions of IBM's synthetic banks, 60/20/20 in time",
    (PATTERN,),
    SOURCE,
    INTRO,
    run,
)


def read(path: Path) -> files.Frame:
    """One file in order of time: the columns of `_TYPES`, `time` in seconds since 1970.

    Raises:
        DataError: if it is not as published.
    """
    names = files.header(path)
    if names != HEADER:
        raise DataError(
            f"{path}: the header is {','.join(names)!r}, where {','.join(HEADER)!r} was published ({SOURCE})"
        )
    table = files.read_csv(path, _TYPES, SOURCE, names=list(_TYPES))
    timestamps = pd.to_datetime(table["time"], format=WHEN, utc=True, errors="coerce")
    _check(path, table, "time", timestamps.isna(), "2022/09/01 00:20")
    _check(path, table, "laundering", ~table["laundering"].isin([0, 1]), "0 and 1")
    seconds = timestamps.astype("datetime64[s, UTC]").astype("int64")
    return table.assign(time=seconds).sort_values("time", kind="stable", ignore_index=True)


def _check(path: Path, table: files.Frame, column: str, wrong: files.Frame, allowed: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        title = HEADER[list(_TYPES).index(column)]
        wrong_value = table[column].iloc[row]
        raise DataError(
            f"{path}: column {title!r}, row {row + 1}: got {str(wrong_value)!r}, published is {allowed} ({SOURCE})"
        )


def measure(table: files.Frame, name: str, seed: int) -> Tables:
    """Fit and judge on one file."""
    y = table["laundering"].to_numpy(np.int64)
    train, later, test = split(table["time"].to_numpy())
    for what, part in (("first 60 %", train), ("next 20 %", later), ("last 20 %", test)):
        needs_both(f"{name}: the {what}", y[part])
    end = table["time"].to_numpy()[y == 0].max()
    nominal = test[table["time"].to_numpy()[test] <= end]
    rows = []
    for what, X in feature_sets(table).items():
        model = lightgbm(X.iloc[train], y[train], seed)
        start = best_threshold(y[later], model(X.iloc[later]))
        for span, part in {"last 20 %": test, "of it, the nominal period": nominal}.items():
            ranking = model(X.iloc[part])
            found = judged(y[part], ranking, ranking >= start)
            published = PUBLISHED.get((name, what), np.nan) if part is test else np.nan
            row = {"features": what, "columns": X.shape[1], "tested on": span, **found}
            rows.append({**row, "f1_percent": 100 * found["f1"], "published_f1_percent": published})
    rows.append(_after_the_end(table, y, test, end))
    return {f"{name}: minority class": pd.DataFrame(rows), f"{name}: what the file holds": _about(table, y, end)}


def split(seconds: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of the three parts, of transactions in order of time; no moment is in two of them."""
    cuts = [seconds[int(share * len(seconds))] for share in SHARES]
    first, second = (int(np.searchsorted(seconds, cut)) for cut in cuts)
    return np.arange(first), np.arange(first, second), np.arange(second, len(seconds))


def feature_sets(table: files.Frame) -> dict[str, pd.DataFrame]:
    """What models see: raw features, and patterns and accounts beside them; and the shortcut."""
    raw, seen, known = raw_features(table), patterns(table), accounts(table)
    return {
        "raw": raw,
        "raw and patterns": pd.concat([raw, seen], axis=1),
        "raw, patterns and accounts": pd.concat([raw, seen, known], axis=1),
        "format of payment alone": raw.filter(like="format_"),
    }


def raw_features(table: files.Frame) -> pd.DataFrame:
    """What a transaction says of itself; no date, no bank and no account as such."""
    kinds = pd.get_dummies(table[["received_in", "paid_in", "format"]], dtype=float)
    own = pd.DataFrame(
        {
            "received": table["received"],
            "paid": table["paid"],
            "hour": (table["time"] // 3600 % 24).astype(float),
            "same_bank": (table["from_bank"] == table["to_bank"]).astype(float),
            "same_account": (_ends(table)[0] == _ends(table)[1]).astype(float),
        }
    )
    return pd.concat([own, kinds], axis=1)


def patterns(table: files.Frame) -> pd.DataFrame:
    """Patterns that each transaction completes, of those up to it."""
    sender, receiver = _ends(table)
    found, _ = counted(sender, receiver, table["time"].to_numpy(), HUB, WORK)
    return pd.DataFrame(found, columns=PATTERNS, dtype=float)


def accounts(table: files.Frame) -> pd.DataFrame:
    """Of each end of a transaction: payments made and received in earlier minutes, their mean and spread in log(1 + amount)."""
    ends = dict(zip(("sender", "receiver"), _ends(table), strict=True))
    seconds, amount = table["time"].to_numpy(), np.log1p(table["paid"].fillna(0.0).to_numpy())
    parts = [
        _before(ends[role], amount, ends[queried], seconds).add_prefix(f"{queried}_as_{role}_")
        for queried in ends
        for role in ends
    ]
    return pd.concat(parts, axis=1)


def _before(account: np.ndarray, amount: np.ndarray, queried: np.ndarray, seconds: np.ndarray) -> pd.DataFrame:
    """Number, mean and standard deviation of the amounts of the asked account strictly before each moment."""
    timestamp = np.unique(seconds, return_inverse=True)[1]
    timestamps = int(timestamp.max()) + 1
    key = account * timestamps + timestamp
    order = np.argsort(key, kind="stable")
    running = (
        pd.DataFrame({"sum": amount[order], "square": amount[order] ** 2}).groupby(account[order]).cumsum().to_numpy()
    )
    low, high = (np.searchsorted(key[order], queried * timestamps + at) for at in (0, timestamp))
    n = (high - low).astype(float)
    sums = np.where((n > 0)[:, None], running[high - 1], np.nan)  # of the account's last payment before
    mean, square = (sums / np.maximum(n, 1)[:, None]).T
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    return pd.DataFrame({"number": n, "mean": mean, "spread": spread})


def _ends(table: files.Frame) -> tuple[np.ndarray, np.ndarray]:
    """Sender and receiver as numbers: an account is a number at a bank."""
    sender = table["from_bank"] + "|" + table["from_account"]
    receiver = table["to_bank"] + "|" + table["to_account"]
    ids = pd.factorize(pd.concat([sender, receiver]))[0].astype(np.int64)
    first, second = np.split(ids, 2)
    return first, second


def _after_the_end(table: files.Frame, y: np.ndarray, test: np.ndarray, end: int) -> dict[str, Any]:
    """The fault as a rule: laundering is what comes after the last licit transaction. It looks at labels, and is no model."""
    after = table["time"].to_numpy()[test] > end
    found = judged(y[test], after.astype(float), after)
    row = {"features": "after the last licit transaction", "columns": 0, "tested on": "last 20 %", **found}
    return {**row, "f1_percent": 100 * found["f1"], "published_f1_percent": np.nan}


def _about(table: files.Frame, y: np.ndarray, end: int) -> pd.DataFrame:
    after = table["time"].to_numpy() > end
    by_format = table.assign(y=y).groupby("format")["y"].agg(["size", "sum"])
    counts = {
        "transactions": len(table),
        "laundering": int(y.sum()),
        "accounts": int(max(part.max() for part in _ends(table)) + 1),
        "after the last licit transaction": int(after.sum()),
        "of these laundering": int(y[after].sum()),
        **{f"format {name}": f"{row['size']} ({row['sum']} laundering)" for name, row in by_format.iterrows()},
    }
    return pd.DataFrame({"what": list(counts), "number": [str(value) for value in counts.values()]})
