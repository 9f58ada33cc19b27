"""Runs all checks: on any table of features and labels, or on a training with what it fitted already."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..data import large_matrix as matrix
from ..data.dataset import Dataset
from ..splits.time_split import Slices
from . import shortcut_checks, thresholds
from .adversarial_check import check_adversarial
from .audit_report import AuditReport, Check, NotRunError
from .audit_table import AuditTable, SplitGroup, codes_of
from .column_kinds import DAY, in_days
from .date_checks import check_known_later, check_proxies
from .overlap_checks import check_duplicates, check_overlap
from .source_check import check_source
from .table_reader import ColumnRoles, read_audit_table

if TYPE_CHECKING:
    from ..config.train_config import TrainConfig
    from ..models.contenders import Contender

TRAINING_ROWS = 50_000
"""Rows a side of a training's split that its audit reads, evenly from first to last."""
_SHORTCUTS = (shortcut_checks.DATE, shortcut_checks.MISSING, shortcut_checks.SIZE, shortcut_checks.SINGLE)


def audit(
    table: str | os.PathLike[str] | pd.DataFrame,
    label: str,
    *,
    address: str | None = None,
    time: str | None = None,
    first: str | None = None,
    last: str | None = None,
    known_from: str | None = None,
    source: str | None = None,
    split: str | None = None,
    split_at: str | None = None,
    groups: Sequence[str] = (),
    ignore: Sequence[str] = (),
    seed: int = 7,
) -> AuditReport:
    """Look for leaks in a table of features and labels, one row a sample.

    All columns without a role are features. Columns called address, as_of, known_from and source are taken for what they say
    where no argument names another.

    Args:
        table: a CSV or Parquet file, or a frame.
        label: the column to be predicted, with two values; rows without one are left out.
        address: whose row it is.
        time: the date a row speaks of (its features see nothing later), or a number that rises with time.
        first: when its history begins; a date that a model does not see, but a shortcut may.
        last: when its history ends; as `first`.
        known_from: since when its label can be known.
        source: the file or list that it comes from.
        split: a column that says train and test; other rows are left out.
        split_at: the last date trained on; later rows are the test. Without `split` and `split_at` rows are split at random,
            70 to 30, as most published results of this field do.
        groups: columns whose values should be on one side of the split only, such as a case.
        ignore: columns that are neither features nor anything else.
        seed: of the random split.

    Raises:
        UsageError: a column is not there, or is named for two things, or the split cannot be made.
        DataError: the file cannot be read, or the label has not two values.
    """
    roles = ColumnRoles(
        label, address, time, first, last, known_from, source, split, split_at, tuple(groups), tuple(ignore), seed
    )
    return _run(read_audit_table(table, roles), shortcut_checks.fit_rankings)


def audit_training(
    dataset: Dataset, slices: Slices, contending: "Sequence[Contender]", config: "TrainConfig"
) -> AuditReport:
    """Look for leaks in a training: its training slice against `test_time`, with the model and the shortcuts it fitted already.

    Args:
        dataset: as it was split.
        slices: of it.
        contending: from `fit_contenders`, the model first; the shortcuts are known by their names.
        config: that of the training.
    """
    train, test = (matrix.evenly_spaced(part.rows, TRAINING_ROWS) for part in (slices.train, slices.test_time))
    rows = np.concatenate([train, test])
    table = _table_of(dataset, slices, rows, len(train))
    names = {
        shortcut_checks.FULL: tuple(map(str, dataset.X.columns)),
        shortcut_checks.DATE: tuple(map(str, dataset.dates.columns)),
        shortcut_checks.SIZE: tuple(map(str, dataset.size.columns)),
    }
    known = {shortcut_checks.FULL: contending[0], **{one.name: one for one in contending if one.name in _SHORTCUTS}}

    def rankings(table: AuditTable) -> dict[str, shortcut_checks.Ranking]:
        table.need_rows()
        table.need_classes()
        return {
            name: shortcut_checks.Ranking(names.get(name, (one.note.partition(" ")[2],)), one.margin[test])
            for name, one in known.items()
        }

    return _run(table, rankings)


def _table_of(dataset: Dataset, slices: Slices, rows: np.ndarray, trained: int) -> AuditTable:
    """The rows of a training that its audit reads: the first `trained` of them were trained on."""
    snapshots, about = dataset.snapshots.iloc[rows], dataset.label_details.iloc[rows]
    truth = np.concatenate([_outcome(slices.train, rows[:trained]), _outcome(slices.test_time, rows[trained:])])
    train, test = np.arange(trained), np.arange(trained, len(rows))
    dates = dataset.dates.iloc[rows].reset_index(drop=True)
    read = len(rows) < len(slices.train.rows) + len(slices.test_time.rows)
    return AuditTable(
        X=matrix.subtable(dataset.X, rows),
        y=truth,
        train=train,
        test=test,
        clocks=dates,
        split=f"split in time: trained up to {slices.train_until:%Y-%m-%d}, tested on test_time",
        as_of=dates["as_of"].to_numpy(),
        known_from=_known_from(dataset, snapshots.loc[:, "address"], truth) + slices.label_delay.total_seconds() / DAY,
        cutoff=slices.train_until.timestamp() / DAY,
        source=about.loc[:, "source"].reset_index(drop=True),
        category=about.loc[:, "category"].reset_index(drop=True),
        wallets=codes_of(snapshots.loc[:, "address"]),
        groups=_groups_of(dataset, slices),
        notes=(f"{len(rows):,} rows were read, evenly from first to last",) if read else (),
    )


def _outcome(part, rows: np.ndarray) -> np.ndarray:
    return part.y[np.searchsorted(part.rows, rows)].astype(np.int64)


def _known_from(dataset: Dataset, addresses: pd.Series, y: np.ndarray) -> np.ndarray:
    """Since when the label of each row could be known, in days: the earliest of the wallet's labels that say the same; NaN if one
    of them has no date."""
    marks = dataset.targets.labels
    days = in_days(marks.loc[:, "known_from"])
    dated = pd.DataFrame({"address": marks["address"], "y": marks["y"].astype(np.int64), "day": days})
    first = dated.groupby(["address", "y"])["day"].agg(lambda day: np.nan if day.isna().any() else day.min())
    asked = pd.MultiIndex.from_arrays([addresses, y], names=["address", "y"])
    return first.reindex(asked).to_numpy(dtype=np.float64)


def _groups_of(dataset: Dataset, slices: Slices) -> tuple[SplitGroup, ...]:
    """Wallets between training and the tests, and cases. That wallets come again in `test_time` is meant; `test_new` is free of
    them."""
    wallets, cases = codes_of(dataset.snapshots.loc[:, "address"]), codes_of(dataset.label_details.loc[:, "case"])
    train, later, new = slices.train.rows, slices.test_time.rows, slices.test_new.rows
    found = [
        SplitGroup(
            "address in test_new", wallets[train], wallets[new], False, "a split in which no wallet is on both sides"
        )
    ]
    if not len(new):
        found = [SplitGroup("address", wallets[train], wallets[later], True, "set split.held_out_addresses above 0")]
    leave_out = "compare with leave-one-case-out: a case known from training is easier than a new one"
    return (*found, SplitGroup("case", cases[train], cases[later], True, leave_out))


def _run(table: AuditTable, rank: Callable[[AuditTable], dict[str, shortcut_checks.Ranking]]) -> AuditReport:
    measured, why = _measured(table, rank)
    found = list(_checks(table, measured, why))
    return AuditReport(tuple(found), shortcut_checks.shortcut_table(measured or {}), _about(table))


def _measured(
    table: AuditTable, rank: Callable[[AuditTable], dict[str, shortcut_checks.Ranking]]
) -> tuple[dict[str, shortcut_checks.ShortcutFigures] | None, str]:
    try:
        return shortcut_checks.measure_shortcuts(table, rank(table)), ""
    except NotRunError as reason:
        return None, str(reason)


def _checks(
    table: AuditTable, measured: dict[str, shortcut_checks.ShortcutFigures] | None, why: str
) -> Iterator[Check]:
    """All checks in order; one that cannot run says why."""

    def against(check: Callable[[dict[str, shortcut_checks.ShortcutFigures]], Check]) -> Callable[[], Check]:
        def run() -> Check:
            if measured is None:
                raise NotRunError(why)
            return check(measured)

        return run

    proxies = _one("date_proxies", lambda: check_proxies(table, _date_tells(measured)))
    followed = proxies.verdict in ("warn", "fail")
    before = [
        _one(shortcut_checks.DATE, against(lambda measured: shortcut_checks.check_date(table, measured, followed))),
        _one(shortcut_checks.MISSING, against(lambda measured: shortcut_checks.check_missing(table, measured))),
        _one(shortcut_checks.SIZE, against(lambda measured: shortcut_checks.check_size(table, measured))),
        _one(shortcut_checks.SINGLE, against(shortcut_checks.check_single)),
        _one("row_numbers", lambda: shortcut_checks.check_row_names(table)),
        _one("duplicates", lambda: check_duplicates(table)),
        _one("group_overlap", lambda: check_overlap(table)),
        _one("source", lambda: check_source(table)),
        _one("known_later", lambda: check_known_later(table)),
        proxies,
    ]
    yield _one("too_good", against(lambda measured: shortcut_checks.check_too_good(measured, before)))
    yield from before
    yield _one("adversarial", lambda: check_adversarial(table))


def _date_tells(measured: dict[str, shortcut_checks.ShortcutFigures] | None) -> bool:
    """Whether dates alone come near the full model."""
    return (
        measured is not None
        and shortcut_checks.DATE in measured
        and measured[shortcut_checks.DATE].verdict(thresholds.DATE_WARN, thresholds.DATE_FAIL) != "pass"
    )


def _one(name: str, check: Callable[[], Check]) -> Check:
    try:
        return check()
    except NotRunError as reason:
        return Check(name, "skipped", f"not run: {reason}")


def _about(table: AuditTable) -> dict[str, object]:
    return {
        "rows": len(table.y),
        "positives": int(table.y.sum()),
        "features": table.X.shape[1],
        "train": len(table.train),
        "test": len(table.test),
        "split": table.split,
        "notes": [*table.notes, *_sampled(table)],
    }


def _sampled(table: AuditTable) -> list[str]:
    """What was looked at in part only."""
    train, test, both = len(table.train), len(table.test), len(table.both)
    limits = (
        (train > thresholds.FIT_ROWS, f"{thresholds.FIT_ROWS:,} training rows for what was fitted to the label"),
        (both > thresholds.SMALL_ROWS, f"{thresholds.SMALL_ROWS:,} rows for adversarial and date_proxies"),
        (
            table.source is not None and both > 2 * thresholds.SOURCE_SAMPLE,
            f"{thresholds.SOURCE_SAMPLE:,} rows of a source and of the others for source",
        ),
        (
            test > thresholds.TWIN_TEST or train > thresholds.TWIN_TRAIN,
            f"{thresholds.TWIN_TEST:,} test and {thresholds.TWIN_TRAIN:,} training rows for near-equal rows",
        ),
    )
    used = [said for over, said in limits if over]
    return [f"taken by hash of their content, at most: {'; '.join(used)}"] if used else []
