"""Runs all checks: on any table of features and labels, or on a training with what it has fitted already."""

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..data.dataset import Dataset
from ..data.large_matrix import evenly_spaced
from ..splits.time_split import Slices
from . import shortcut_checks as shortcuts
from . import thresholds
from .adversarial_check import check_adversarial
from .audit_report import AuditReport, Check, NotRunError
from .audit_table import AuditTable
from .date_checks import check_known_later, check_proxies
from .overlap_checks import check_duplicates, check_overlap
from .shortcut_checks import DATE, FULL, MISSING, SINGLE, SIZE, Ranking, ShortcutFigures
from .source_check import check_source
from .table_reader import ColumnRoles, read_audit_table
from .training_table import training_table

if TYPE_CHECKING:
    from ..config.train_config import TrainConfig
    from ..models.contenders import Contender

TRAINING_ROWS = 50_000
"""Rows per side of a training's split that its audit reads, evenly from first to last."""


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
    """Look for leaks in a table of features and labels, one row per sample.

    All columns without a role are features. Columns called address, as_of, known_from and source have the roles of these names,
    unless an argument names another column.

    Args:
        table: a CSV or Parquet file, or a frame.
        label: the column to be predicted, with two values; rows without one are left out.
        address: whose row it is.
        time: the as-of date of the row (its features see nothing later), or a number that rises with time.
        first: the date on which its history begins. The model does not see it, but a shortcut may.
        last: the date on which its history ends, read like `first`.
        known_from: the date from which its label can be known.
        source: the file or list that it comes from.
        split: a column that says train and test; other rows are left out.
        split_at: the last date trained on; later rows are the test. Without `split` and `split_at` rows are split at random,
            70 to 30, as most published results of this field do.
        groups: columns whose values should be on one side of the split only, such as a case.
        ignore: columns that are neither features nor anything else.
        seed: of the random split.

    Raises:
        UsageError: a column is missing or has two roles, or the split cannot be made.
        DataError: the file cannot be read, or the label does not have two values.
    """
    roles = ColumnRoles(
        label, address, time, first, last, known_from, source, split, split_at, tuple(groups), tuple(ignore), seed
    )
    return _report(read_audit_table(table, roles), shortcuts.fit_rankings)


def audit_training(
    dataset: Dataset, slices: Slices, contenders: "Sequence[Contender]", config: "TrainConfig"
) -> AuditReport:
    """Look for leaks in a training: its training slice against `test_time`, with the model and the shortcuts it fitted already.

    Args:
        dataset: the data of the training.
        slices: its split.
        contenders: from `fit_contenders`, the model first; the shortcuts are recognised by their names.
        config: the config of the training.
    """
    train, test = (evenly_spaced(part.rows, TRAINING_ROWS) for part in (slices.train, slices.test_time))
    table = training_table(dataset, slices, np.concatenate([train, test]), len(train))
    columns = {FULL: dataset.X.columns, DATE: dataset.dates.columns, SIZE: dataset.size.columns}
    fitted = {FULL: contenders[0]}
    fitted |= {contender.name: contender for contender in contenders if contender.name in (DATE, MISSING, SIZE, SINGLE)}

    def rankings(table: AuditTable) -> dict[str, Ranking]:
        table.need_rows()
        table.need_classes()
        return {
            name: Ranking(tuple(map(str, columns.get(name, [_noted_feature(contender)]))), contender.margin[test])
            for name, contender in fitted.items()
        }

    return _report(table, rankings)


def _noted_feature(contender: "Contender") -> str:
    """The feature that the note of a one-feature shortcut names: `high flow__pass_through__1d`."""
    return contender.note.partition(" ")[2]


def _report(table: AuditTable, rank: Callable[[AuditTable], dict[str, Ranking]]) -> AuditReport:
    try:
        measured, reason = shortcuts.measure_shortcuts(table, rank(table)), ""
    except NotRunError as error:
        measured, reason = None, str(error)
    results = tuple(_results(table, measured, reason))
    return AuditReport(results, shortcuts.shortcut_table(measured or {}), _about(table))


def _results(table: AuditTable, measured: dict[str, ShortcutFigures] | None, reason: str) -> Iterator[Check]:
    """All checks in order. A check that cannot run says why; `reason` is why the shortcuts could not be measured."""

    def against(check: Callable[[dict[str, ShortcutFigures]], Check]) -> Callable[[], Check]:
        def run() -> Check:
            if measured is None:
                raise NotRunError(reason)
            return check(measured)

        return run

    proxies = _run("date_proxies", lambda: check_proxies(table, _date_tells(measured)))
    followed = proxies.verdict in ("warn", "fail")
    explaining = [
        _run(DATE, against(lambda measured: shortcuts.check_date(table, measured, followed))),
        _run(MISSING, against(lambda measured: shortcuts.check_missing(table, measured))),
        _run(SIZE, against(lambda measured: shortcuts.check_size(table, measured))),
        _run(SINGLE, against(shortcuts.check_single)),
        _run("row_numbers", lambda: shortcuts.check_row_names(table)),
        _run("duplicates", lambda: check_duplicates(table)),
        _run("group_overlap", lambda: check_overlap(table)),
        _run("source", lambda: check_source(table)),
        _run("known_later", lambda: check_known_later(table)),
        proxies,
    ]
    yield _run("too_good", against(lambda measured: shortcuts.check_too_good(measured, explaining)))
    yield from explaining
    yield _run("adversarial", lambda: check_adversarial(table))


def _date_tells(measured: dict[str, ShortcutFigures] | None) -> bool:
    """Whether dates alone come near the full model."""
    dates = (measured or {}).get(DATE)
    return dates is not None and dates.verdict(thresholds.DATE_WARN, thresholds.DATE_FAIL) != "pass"


def _run(name: str, check: Callable[[], Check]) -> Check:
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
    """What was checked on a sample of the rows only."""
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
    used = [sample for over, sample in limits if over]
    return [f"taken by hash of their content, at most: {'; '.join(used)}"] if used else []
