"""Turns files of any known format into one file of transfers, with bounded memory: read, checked, deduplicated, sorted, written.

What a format's columns mean is in `sources/`; what a good row is, and what a duplicate, in `transfers/`.
"""

import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from ..base.atomic_write import move, sync, write_atomically
from ..base.errors import DataError, UsageError
from ..transfers.input_files import BAD_SUFFIX, PARQUET, DataFile, find_files, open_file
from ..transfers.schema import QUARANTINE
from .layout import ConversionContext, Layout, Lookup
from .source_registry import find_layout
from .work_folder import Merged, WorkFolder

_SHARES = (0.6, 0.3)  # of the whole work: reading the files, and merging until the first row is written
_STEPS = 1_000  # of progress that is reported

Inputs = list[tuple[DataFile, Layout]]


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingest did.

    Attributes:
        read: rows read, without those of look-up tables.
        good: transfers written.
        duplicates: transfers left out because they are copies of others.
        bad: rows (for Bitcoin also whole transactions) that went to `quarantine`.
        skipped: rows that carry no transfer and are no mistake, such as failed traces.
        self_transfers: transfers to oneself, which are kept and marked.
        first, last: times of the first and the last transfer (UTC).
        by_source: rows read per table layout, by "source: layout".
        reasons: number of bad rows per reason.
        notes: what the user should know about these data.
        out: the file of transfers.
        quarantine: the file of bad rows (file, row, reason, record); None if there are none.
    """

    read: int
    good: int
    duplicates: int
    bad: int
    skipped: int
    self_transfers: int
    first: datetime
    last: datetime
    by_source: dict[str, int]
    reasons: dict[str, int]
    notes: tuple[str, ...]
    out: Path
    quarantine: Path | None


def ingest(
    paths: str | Path | Sequence[str | Path],
    out: str | Path,
    source: str | None = None,
    quarantine: str | Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestReport:
    """Read files of known formats and write their transfers as one Parquet file in `SCHEMA`, with its mark.

    Args:
        paths: files, folders or glob patterns, Parquet or CSV. The columns of a file show its format (docs/formats.md).
        out: the Parquet file to write; replaced at the end, all at once.
        source: take all files for tables of this source (one of `SOURCES`).
        quarantine: where bad rows go; by default beside `out`, named `<its stem>.bad.parquet`. A quarantine that an
            earlier run left there is replaced, or removed if no row is bad now.
        on_progress: called during the work with the steps done and all steps.

    Raises:
        DataError: a file is missing, cannot be read, or has columns that fit no format; or no row is good (the bad ones
            are in the quarantine then).
        UsageError: the source is unknown, or an output cannot have that name.
    """
    target, bad_target = _targets(Path(out), quarantine)
    inputs = _inputs(paths, source)
    context = _context(inputs)
    tables = [(file, layout) for file, layout in inputs if layout.kind in ("transfers", "coins")]
    _require_transfers(tables, context)
    report = _share_reporter(on_progress)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".walletprint-") as folder:
        work = WorkFolder(Path(folder))
        _stage(tables, work, context, report)
        merged = work.merge(lambda share: report(sum(_SHARES) + (1 - sum(_SHARES)) * min(share, 1)))
        _put_quarantine(work.rejected.path, bad_target, bool(work.rejected.rows))
        if not merged.rows:
            raise DataError(_nothing_good(work, bad_target))
        sync(work.result)
        move(work.result, target)
    report(1.0)
    return _report(work, merged, _notes(tables, context), target, bad_target if work.rejected.rows else None)


def _targets(out: Path, quarantine: str | Path | None) -> tuple[Path, Path]:
    out = out.expanduser()
    bad = Path(quarantine).expanduser() if quarantine is not None else out.with_name(out.stem + BAD_SUFFIX)
    for path, what in ((out, "out"), (bad, "quarantine")):
        if not path.name.lower().endswith(PARQUET) or path.is_dir():
            raise UsageError(f"{what}: {path} must be the name of a Parquet file, ending in {' or '.join(PARQUET)}")
    if out.resolve() == bad.resolve():
        raise UsageError(f"quarantine: {bad} is the output file too; give the bad rows a file of their own")
    try:
        for path in (out, bad):
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"out: {path.parent} cannot be made a folder: {error.strerror}") from None
    return out, bad


def _inputs(paths: str | Path | Sequence[str | Path], source: str | None) -> Inputs:
    files = [open_file(path) for path in find_files(paths)]
    return [(file, find_layout(file.schema.names, str(file.path), source)) for file in files]


def _context(inputs: Inputs) -> ConversionContext:
    context = ConversionContext()
    for kind in ("blocks", "tokens"):
        files = [(file, layout) for file, layout in inputs if layout.kind == kind]
        pairs = [layout.convert(batch.table, context) for file, layout in files for batch in file.batches()]
        if pairs:
            setattr(context, kind, Lookup.from_batches(pairs))
    return context


def _require_transfers(tables: Inputs, context: ConversionContext) -> None:
    if not tables:
        raise DataError("no transfers among the files: all of them are look-up tables (blocks, tokens)")
    for file, layout in tables:
        if layout.time is not None and layout.time not in file.schema.names and not len(context.blocks):
            raise DataError(
                f"{file.path}: {layout.source} {layout.name} without the column {layout.time}: "
                "add the table of blocks (columns number, timestamp) to the files"
            )


def _stage(tables: Inputs, work: WorkFolder, context: ConversionContext, report: Callable[[float], None]) -> None:
    sizes = [file.path.stat().st_size for file, _ in tables]
    before, total = 0, max(sum(sizes), 1)
    for (file, layout), size in zip(tables, sizes, strict=True):
        context.file = str(file.path)
        for batch in file.batches():
            work.add(batch, layout, context)
            report(_SHARES[0] * (before + size * file.done) / total)
        before += size


def _share_reporter(on_progress: Callable[[int, int], None] | None) -> Callable[[float], None]:
    return lambda share: on_progress(round(share * _STEPS), _STEPS) if on_progress else None


def _put_quarantine(source: Path, target: Path, any_bad: bool) -> None:
    """Copy the bad rows to their file; if there are none, remove a quarantine of an earlier run and no other file."""
    if any_bad:
        with source.open("rb") as rows:
            write_atomically(target, lambda file: shutil.copyfileobj(rows, file))
    elif target.is_file() and _is_quarantine(target):
        target.unlink()


def _is_quarantine(path: Path) -> bool:
    try:
        return pq.read_schema(path).names == QUARANTINE.names
    except (pa.ArrowException, OSError):
        return False


def _nothing_good(work: WorkFolder, quarantine: Path) -> str:
    if not work.reasons:
        return f"no transfers in the files: {sum(work.read.values()):,} rows read, none of them is one"
    reason, count = work.reasons.most_common(1)[0]
    return (
        f"no good transfer among {sum(work.read.values()):,} rows, {work.rejected.rows:,} of them bad; the most common "
        f"reason ({count:,}): {reason}; see {quarantine}"
    )


def _notes(tables: Inputs, context: ConversionContext) -> tuple[str, ...]:
    raw = any(layout.name == "token_transfers" for _, layout in tables) and not len(context.tokens)
    if not raw:
        return ()
    return (
        "token amounts of ethereum-etl are in base units: no table of tokens (columns address, decimals) was given",
    )


def _report(work: WorkFolder, merged: Merged, notes: tuple[str, ...], out: Path, bad: Path | None) -> IngestReport:
    assert merged.first is not None
    assert merged.last is not None
    return IngestReport(
        read=sum(work.read.values()),
        good=merged.rows,
        duplicates=work.staged - merged.rows,
        bad=work.rejected.rows,
        skipped=work.skipped,
        self_transfers=merged.self_transfers,
        first=merged.first,
        last=merged.last,
        by_source=dict(work.read),
        reasons=dict(work.reasons.most_common()),
        notes=notes,
        out=out,
        quarantine=bad,
    )
