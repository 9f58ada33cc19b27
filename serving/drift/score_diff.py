"""Two scored files of the same wallets side by side: who moved bands, and what moved them. Scores nothing."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ...features.base.atomic_write import write_atomically, write_parquet
from ...features.base.errors import DataError, UsageError
from ...features.base.untrusted_text import csv_text
from ...features.families.registry import catalogue
from ...features.reference.behaviours import BEHAVIOURS
from ..model.calibration import BANDS, UNSCORED

NEEDED = ("address", "head", "score", "band", "flagged")
READ = (*NEEDED, "percentile", "caller_columns", "as_of", "reasons", "model", "test")
ORDER = (UNSCORED, *BANDS)
_GIVE = "give what `walletprint score --out` wrote"
NAMED = 3
"""Behaviours that are named for each wallet that moved."""


@dataclass(frozen=True)
class ScoreDiff:
    """What two scored files differ in.

    Attributes:
        summary: counts of rows, of those that are in one file only, and of what happened to those in both.
        bands: [old, new, wallets], one row per pair of bands that occurs, in the order of bands.
        moved: one row per wallet in another band than before, the largest change of score first: address (and caller_columns),
            old_band, new_band, old_score, new_score, change (new − old, NaN if one is unscored), was_flagged, flagged, why.
        behaviours: [behaviour, wallets, change], of the wallets that moved and have reasons in both files: the mean change of
            its contribution in log-odds, the largest first.
    """

    summary: dict[str, Any]
    bands: pd.DataFrame
    moved: pd.DataFrame
    behaviours: pd.DataFrame


def diff_scores(old: str | os.PathLike[str], new: str | os.PathLike[str]) -> ScoreDiff:
    """Compare two files (or folders of Parquet parts) that `walletprint score` wrote.

    Rows are matched by address, and by `caller_columns` where both have them. An address that occurs several times counts once,
    at its latest date.

    Raises:
        DataError: a file is missing, or holds no scored rows.
        UsageError: the two are scores of different heads.
    """
    before, after = (_read(Path(path)) for path in (old, new))
    heads = [sorted({str(head) for head in frame["head"]}) for frame in (before, after)]
    if heads[0] and heads[1] and (heads[0] != heads[1] or len(heads[0]) > 1):
        names = " and ".join(", ".join(names) for names in heads)
        raise UsageError(f"diff: scores of one head are compared with each other, got {names}")
    key = ["address", *(["caller_columns"] if all("caller_columns" in frame for frame in (before, after)) else [])]
    before, after = _latest(before, key), _latest(after, key)
    both = before.merge(after, on=key, how="outer", suffixes=("_old", "_new"), indicator=True)
    matched = pd.DataFrame(both[both["_merge"] == "both"]).reset_index(drop=True)
    changed = pd.DataFrame(matched[matched["band_old"] != matched["band_new"]]).reset_index(drop=True)
    parts = [_changes(*pair) for pair in zip(_reasons(changed, "old"), _reasons(changed, "new"), strict=True)]
    summary = {"head": (heads[0] or heads[1] or [None])[0], **_summary(both, matched)}
    return ScoreDiff(summary, _bands(matched), _moved(changed, key, parts), _behaviours(parts))


def write_moved(diff: ScoreDiff, path: Path) -> None:
    """Write the wallets that moved, as CSV that no spreadsheet runs or as Parquet. Raises UsageError for another suffix."""
    suffix = path.suffix.lower()
    if suffix == ".parquet":
        write_parquet(diff.moved, path)
    elif suffix == ".csv":
        write_atomically(path, lambda file: file.write(csv_text(diff.moved).encode()))
    else:
        raise UsageError(f"{path}: moves are written as .csv or .parquet; give a name with one of these suffixes")


def _summary(both: pd.DataFrame, matched: pd.DataFrame) -> dict[str, Any]:
    old, new = (np.array([ORDER.index(band) for band in matched[f"band_{side}"]], int) for side in ("old", "new"))
    scored = (old > 0) & (new > 0)
    was, now = (matched[f"flagged_{side}"].to_numpy(dtype=bool) for side in ("old", "new"))
    models = [sorted(set(matched[f"model_{side}"].map(version_of))) for side in ("old", "new")]
    return {
        "matched": len(matched),
        "only_old": _count(both["_merge"] == "left_only"),
        "only_new": _count(both["_merge"] == "right_only"),
        "moved_up": _count(scored & (new > old)),
        "moved_down": _count(scored & (new < old)),
        "newly_scored": _count((old == 0) & (new > 0)),
        "no_longer_scored": _count((old > 0) & (new == 0)),
        "newly_flagged": _count(now & ~was),
        "no_longer_flagged": _count(was & ~now),
        "same_model": models[0] == models[1],
    }


def _count(which: Any) -> int:
    return int(np.count_nonzero(np.asarray(which)))


def _bands(matched: pd.DataFrame) -> pd.DataFrame:
    counts = Counter(zip(matched["band_old"], matched["band_new"], strict=True))
    rows = [(a, b, counts[a, b]) for a in ORDER for b in ORDER]
    return pd.DataFrame([row for row in rows if row[2]], columns=["old", "new", "wallets"])


def _moved(changed: pd.DataFrame, key: list[str], parts: list[dict[str, Any]]) -> pd.DataFrame:
    frame = changed[key].assign(
        old_band=changed["band_old"],
        new_band=changed["band_new"],
        old_score=changed["score_old"],
        new_score=changed["score_new"],
        change=changed["score_new"] - changed["score_old"],
        was_flagged=changed["flagged_old"].astype(bool),
        flagged=changed["flagged_new"].astype(bool),
        why=pd.array([_why(part) for part in parts], dtype="str"),
    )
    by_size = frame.assign(size=frame["change"].abs()).sort_values(
        ["size", *key], ascending=[False] + [True] * len(key)
    )
    return by_size.drop(columns="size").reset_index(drop=True)


def _changes(old: dict[str, float] | None, new: dict[str, float] | None) -> dict[str, Any]:
    """The change of each behaviour's contribution; None if only one side gives it as a reason, so that the other is unknown."""
    if old is None or new is None:
        return {}
    return {name: new[name] - old[name] if name in old and name in new else None for name in sorted({*old, *new})}


def _why(changes: dict[str, float | None]) -> str:
    known = sorted((-abs(value), name, value) for name, value in changes.items() if value)
    largest = [f"{name} {value:+.3g}" for _, name, value in known[:NAMED]]
    return "; ".join(largest) if largest else "not known: no reason that both files give"


def _behaviours(parts: list[dict[str, float | None]]) -> pd.DataFrame:
    rows = [(name, value) for part in parts for name, value in part.items() if value is not None]
    frame = pd.DataFrame(rows, columns=["behaviour", "change"])
    means = frame.groupby("behaviour")["change"].agg(["size", "mean"]).reset_index()
    means = means.set_axis(["behaviour", "wallets", "change"], axis=1)
    return means.iloc[np.argsort(-means["change"].abs().to_numpy(), kind="stable")].reset_index(drop=True)


def _reasons(changed: pd.DataFrame, side: str) -> list[dict[str, float] | None]:
    """The contribution of each behaviour among the reasons of each wallet; None where it has no reasons."""
    names = _names()
    return [_by_behaviour(value, names) for value in changed[f"reasons_{side}"]]


def _by_behaviour(reasons: Any, names: dict[str, str]) -> dict[str, float] | None:
    if not isinstance(reasons, (list, np.ndarray)) or not len(reasons):
        return None
    total: dict[str, float] = {}
    for reason in reasons:
        name = str(reason.get("behaviour") or names.get(str(reason.get("feature")), str(reason.get("feature"))))
        total[name] = total.get(name, 0.0) + float(reason["contribution"])
    return total


def _names() -> dict[str, str]:
    """The behaviour that each feature measures."""
    return {
        feature.name: BEHAVIOURS[feature.behaviour].name if feature.behaviour is not None else feature.sentence
        for feature in catalogue()
    }


def version_of(model: Any) -> str:
    """The version in a row's column `model`; empty where there is none."""
    return str(model.get("version")) if isinstance(model, dict) else ""


def _latest(frame: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    frame = frame.assign(address=wallets_of(frame["address"]))
    dated = frame.sort_values("as_of", kind="stable", na_position="first") if "as_of" in frame else frame
    return dated.drop_duplicates(key, keep="last").drop(columns="as_of", errors="ignore")


def wallets_of(addresses: Any) -> pd.Series:
    """Addresses as texts, the same for every spelling of a wallet."""
    return pd.Series([_wallet(address) for address in addresses], index=addresses.index, dtype="str")


def _wallet(address: Any) -> str | None:
    if not isinstance(address, str):
        return None
    text = address.strip()
    return text.lower() if text.lower().startswith("0x") else text


def read_scored(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    """The rows of a scored file in any of its formats: the columns `needed`, and the others of `READ` that it has.

    Raises:
        DataError: the file cannot be read, or lacks a column of `needed`.
    """
    readers = {".csv": _csv, ".jsonl": _lines, ".json": _lines}
    if not path.exists():
        raise DataError(f"{path}: no such file; {_GIVE}")
    try:
        frame = readers.get(path.suffix.lower(), _parquet)(path)
    except (pa.ArrowException, OSError, ValueError, TypeError, RecursionError) as error:
        cause = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: cannot be read as scored rows ({cause}); {_GIVE}") from None
    if missing := [name for name in needed if name not in frame.columns]:
        raise DataError(f"{path}: a column `{missing[0]}` is needed; {_GIVE}")
    # The answer for a test address is nobody's score.
    return frame.loc[frame["test"].astype("str").str.lower() != "true"] if "test" in frame.columns else frame


def _read(path: Path) -> pd.DataFrame:
    """The columns that are compared; those that a file may lack are null."""
    frame = read_scored(path, NEEDED)
    if unknown := sorted({str(band) for band in frame["band"]} - set(ORDER)):
        raise DataError(f"{path}: band {unknown[0]!r:.50} is none of {', '.join(ORDER)}; {_GIVE}")
    if not all(isinstance(value, bool | np.bool_) for value in frame["flagged"]):
        raise DataError(f"{path}: flagged must be true or false in every row; {_GIVE}")
    for name in ("reasons", "model"):
        frame[name] = frame[name] if name in frame.columns else None
    if not all(_are_reasons(value) for value in frame["reasons"]):
        raise DataError(f"{path}: reasons must be a list of what adds to the score in every row; {_GIVE}")
    score = np.asarray(pd.to_numeric(frame["score"], errors="coerce"), dtype=np.float64)
    texts = {name: _texts(frame[name]) for name in ("address", "caller_columns", "as_of") if name in frame.columns}
    return frame.assign(score=score, **texts).drop(columns=["percentile", "test"], errors="ignore")


def _are_reasons(value: Any) -> bool:
    """Whether it is a list of reasons, or nothing."""
    if not isinstance(value, (list, np.ndarray)):
        return value is None or value != value
    return all(isinstance(item, dict) and isinstance(item.get("contribution"), int | float) for item in value)


def _texts(column: Any) -> pd.Series:
    return pd.Series([_text(value) for value in column], index=column.index, dtype="str")


def _text(value: Any) -> str | None:
    """A value as text that is the same in each format; the caller's columns, a list, as JSON."""
    if isinstance(value, list | np.ndarray):
        return json.dumps(list(value), sort_keys=True, default=str)
    return None if pd.isna(value) else str(value)


def _parquet(path: Path) -> pd.DataFrame:
    folder = path / "scores" if (path / "manifest.json").is_file() else path
    parts = sorted(folder.glob("*.parquet")) if path.is_dir() else [path]
    if not parts:
        raise DataError(f"{path}: the folder holds no Parquet file; {_GIVE}")
    names = [[name for name in READ if name in pq.read_schema(part).names] for part in parts]
    tables = [pq.read_table(part, columns=columns) for part, columns in zip(parts, names, strict=True)]
    return pa.concat_tables(tables, promote_options="default").to_pandas()


def _lines(path: Path) -> pd.DataFrame:
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("a line is not an object")
    return pd.DataFrame([{name: row[name] for name in READ if name in row} for row in rows])


def _csv(path: Path) -> pd.DataFrame:
    frame = pd.read_csv(path, dtype="str", keep_default_na=False, na_values=[""], usecols=lambda name: name in READ)
    for name in ("reasons", "model", "caller_columns"):
        if name in frame.columns:
            frame[name] = [json.loads(cell) if isinstance(cell, str) else None for cell in frame[name]]
    if "flagged" in frame.columns:
        frame["flagged"] = frame["flagged"].str.lower() == "true"
    return frame
