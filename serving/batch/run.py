"""Scores lists of addresses of any length, in parts: bounded memory, whole files, and resumed runs write the same bytes.

`docs/batches.md` describes what it writes. The scores themselves are `Scorer.score`'s.
"""

import os
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ...features.base.errors import DataError, UsageError
from ...features.base.periods import parse_as_of
from ...features.ledger.ledger import Ledger
from ..address_lists.list_rows import REJECTS_SCHEMA, ListRow, Reject
from ..address_lists.reader import address_frame, find_lists, stream_rows
from ..drift.monitor import BatchDrift
from ..scoring.output import SCORES_SCHEMA
from ..scoring.row_columns import caller_column
from ..scoring.scorer import Scorer
from .batch_records import Totals, batch_request, file_signature, part_counts, write_json
from .disk import locked, write_output
from .output_location import OutputLocation

PART = 20_000
"""Rows of a part, rejects included: about 200 MB while it is scored."""

_CHARACTERS = 1 << 25
"""Characters of a list that a part holds, or one row more: lists may be wide."""

Progress = Callable[[int, int], None]


def score_batch(
    scorer: Scorer,
    ledger: Ledger,
    addresses: Any,
    out: str | os.PathLike[str],
    *,
    as_of: Any = None,
    reasons: str = "flagged",
    resume: bool = False,
    scored_at: datetime | None = None,
    rows_per_part: int = PART,
    on_progress: Progress | None = None,
) -> dict[str, Any]:
    """Score every address of some lists, in their order, and write the rows to a folder or a file.

    Args:
        scorer: the model.
        ledger: the transfers.
        addresses: a file, folder or glob of CSV and Parquet files with a column `address` (and perhaps `as_of`; others are
            echoed as `caller_columns`), and of text files with one address per line.
        out: a folder (a name without suffix), or a file .parquet, .csv, .jsonl.
        as_of: as for `Scorer.score`.
        reasons: as for `Scorer.score`.
        resume: continue what an interrupted run with the same request has done.
        scored_at: the time that the rows carry; None: now, or when the run that is resumed began.
        rows_per_part: how many rows are in memory at a time, at most; fewer where they are wide.
        on_progress: called with (rows done, rows in all as far as is known).

    Returns:
        The summary of `docs/batches.md`: the request, the counts, the drift, and how long it took. The same call again finds
        its output complete and changes nothing: `already_done` is true.

    Raises:
        UsageError: no date, an output of something else, or one that another run is writing.
        DataError: no file, no row that can be read, or a full disk.
    """
    began = time.monotonic()
    as_of_text = None if as_of is None else parse_as_of(as_of).isoformat()
    output, lists = OutputLocation.from_path(Path(out)), find_lists(addresses)
    _refuse_own_output(output, lists)
    with locked(output.lock):
        signatures = [file_signature(path) for path in lists]
        request = batch_request(scorer, ledger, [file for file, _ in signatures], as_of_text, reasons, rows_per_part)
        manifest, rows_kept = output.complete(request), None
        if already_done := manifest is not None:
            output.clear()
        else:
            request = output.begin(request | {"scored_at": (scored_at or datetime.now(UTC)).isoformat()}, resume)
            run = _Run(scorer, ledger, output, as_of, reasons, datetime.fromisoformat(request["scored_at"]))
            expected = sum(rows for _, rows in signatures)
            totals, rows_kept = run.make_parts(_chunks(lists, rows_per_part), on_progress, expected)
            manifest = request | totals.as_json() | {"parts": totals.parts}
            output.finish(manifest)
    return _summary(manifest, output, already_done, rows_kept, time.monotonic() - began)


def write_summary(summary: dict[str, Any], path: Path) -> None:
    """Write what `score_batch` returned as JSON. Raises DataError if the file cannot be written."""
    write_json(path, summary)


class _Run:
    """One run over the parts."""

    def __init__(
        self, scorer: Scorer, ledger: Ledger, output: OutputLocation, as_of: Any, reasons: str, scored_at: datetime
    ) -> None:
        self._scorer, self._ledger, self._output = scorer, ledger, output
        self._as_of, self._options = as_of, {"reasons": reasons, "scored_at": scored_at}

    def make_parts(
        self, chunks: Iterator[list[ListRow | Reject]], on_progress: Progress | None, expected: int
    ) -> tuple[Totals, int]:
        """Make the parts that do not exist yet. Returns the totals of all, and how many rows existed."""
        totals, rows_kept = Totals(self._scorer), 0
        for number, chunk in enumerate(chunks):
            record = self._output.finished_part(number)
            rows_kept += record["rows"] if record else 0
            totals.add(record or self._make_part(number, chunk))
            if on_progress:
                on_progress(totals.rows, max(expected, totals.rows))
        if totals.rejects and not totals.rows:
            self._refuse_unreadable(totals)
        return totals, rows_kept

    def _make_part(self, number: int, chunk: list[ListRow | Reject]) -> dict[str, Any]:
        """Score a part and write it; its record comes last, and says that the part is complete."""
        rows = [row for row in chunk if isinstance(row, ListRow)]
        rejects = pa.Table.from_pylist([row._asdict() for row in chunk if isinstance(row, Reject)], REJECTS_SCHEMA)
        if rows and self._as_of is None and all(row.as_of is None for row in rows):
            self._refuse_no_date(number)
        table, drift = self._score(rows)
        scores_name, rejects_name, record_file = self._output.part_files(number)
        record = part_counts(table, rejects) | {"file": scores_name, "drift": drift.counts()}
        record["sha256"] = self._write(table, scores_name)
        if len(rejects):
            record["quarantined"]["sha256"] = self._write(rejects, rejects_name)
        write_json(record_file, record)
        return record

    def _write(self, table: pa.Table, name: str) -> str:
        return write_output(self._output.folder / name, lambda file: pq.write_table(table, file, compression="zstd"))

    def _score(self, rows: list[ListRow]) -> tuple[pa.Table, BatchDrift]:
        """The scored rows of a part, and how far each different wallet and date among them has moved."""
        model = self._scorer.model
        drift, position = BatchDrift(model), SCORES_SCHEMA.get_field_index("caller_columns")

        def watch(X: pd.DataFrame, percentile: np.ndarray) -> None:
            drift.add(X if model.profile else None, percentile)

        table = self._scorer.score_table(address_frame(rows), self._ledger, self._as_of, watch=watch, **self._options)
        # Not through the scorer, because each list has columns of its own.
        callers = caller_column([(row.names, row.values) for row in rows])
        return table.set_column(position, SCORES_SCHEMA.field(position), callers), drift

    def _refuse_no_date(self, number: int) -> None:
        """In the first part a missing date is an error of the call; in later ones it is the rows' own."""
        if number == 0:
            self._output.clear()
            raise UsageError("--as-of: a date is needed (2021-04-01), or a column as_of in the list of addresses")

    def _refuse_unreadable(self, totals: Totals) -> None:
        first = pq.read_table(self._output.folder / self._output.part_files(0)[1]).slice(0, 1).to_pylist()[0]
        self._output.clear()
        self._output.drop_parts()
        where = f"{first['file']}{', row ' + str(first['row']) if first['row'] else ''}"
        raise DataError(
            f"{where}: {first['reason']}; no row of the list of addresses can be read (rejects: {totals.rejects})"
        )


def _chunks(lists: list[Path], size: int) -> Iterator[list[ListRow | Reject]]:
    """The rows of all lists, `size` at a time and fewer where they are wide; one empty chunk if there are none."""
    chunk: list[ListRow | Reject] = []
    characters, empty = 0, True
    for row in stream_rows(lists):
        chunk.append(row)
        characters += row.characters() if isinstance(row, ListRow) else 0
        if len(chunk) == size or characters >= _CHARACTERS:
            yield chunk
            chunk, characters, empty = [], 0, False
    if chunk or empty:
        yield chunk


def _refuse_own_output(output: OutputLocation, lists: list[Path]) -> None:
    if inside := [path for path in lists if output.out.resolve() in (path.resolve(), *path.resolve().parents)]:
        raise UsageError(f"{output.out}: holds {inside[0].name}, which is an input; give another --out")


def _summary(
    manifest: dict[str, Any], output: OutputLocation, already_done: bool, rows_kept: int | None, seconds: float
) -> dict[str, Any]:
    new_rows = 0 if rows_kept is None else manifest["rows"] - rows_kept
    return {
        **{key: value for key, value in manifest.items() if key not in ("parts", "files")},
        "out": str(output.out),
        "quarantine": str(output.quarantine) if manifest["quarantined"]["rejects"] else None,
        "already_done": already_done,
        "rows_kept": manifest["rows"] if rows_kept is None else rows_kept,
        "seconds": round(seconds, 3),
        "rows_per_second": round(new_rows / seconds, 1) if new_rows and seconds > 0 else None,
    }
