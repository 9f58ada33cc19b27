"""Scores lists of addresses of any length in parts: bounded memory, whole files; what was interrupted goes on to the same bytes.

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
from ..drift.monitor import BatchDrift
from ..scoring.output import SCORES_SCHEMA
from ..scoring.rows import reference_column
from ..scoring.scorer import Scorer
from .disk import alone, write_output
from .inputs import find_lists, rows_of, signature
from .list_rows import ASIDE, Aside, Asked
from .output_location import Place
from .record import Totals, aside_counts, asked_for, counted, write_json

PART = 20_000
"""Rows of a part, set-aside ones included: some 200 MB while it is scored."""

_LETTERS = 1 << 25
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
    """Score every address of some files, in their order, and write the rows to a folder or a file.

    Args:
        scorer: the model.
        ledger: the transfers.
        addresses: a file, folder or glob of CSV and Parquet files with a column `address` (and perhaps `as_of`; others are
            echoed as `reference`), and of text files with an address a line.
        out: a folder (a name without suffix), or a file .parquet, .csv, .jsonl.
        as_of: as for `Scorer.score`.
        reasons: as for `Scorer.score`.
        resume: go on with what an interrupted run has done, which must have been asked the same.
        scored_at: the moment that the rows carry; None for now, or when the run that is resumed began.
        rows_per_part: how many rows are in memory at a time, at most; fewer where they are wide.
        on_progress: called with (rows done, rows in all as far as is known).

    Returns:
        The summary of `docs/batches.md`: what was asked, rows, bands, flagged, unscored, set aside, drift, and how long it
        took. The same call again finds its output complete and changes nothing: `already_done` is true.

    Raises:
        UsageError: no date, an output of something else, or one that another run is writing.
        DataError: no file, no row that can be read, or a disk that is full.
    """
    began = time.monotonic()
    moment = None if as_of is None else parse_as_of(as_of).isoformat()
    place, files = Place.of(Path(out)), find_lists(addresses)
    _refuse_own_output(place, files)
    with alone(place.lock):
        signed = [signature(file) for file in files]
        asked = asked_for(scorer, ledger, [file for file, _ in signed], moment, reasons, rows_per_part)
        manifest, kept = place.complete(asked), None
        if already := manifest is not None:
            place.clear()
        else:
            asked = place.begin(asked | {"scored_at": (scored_at or datetime.now(UTC)).isoformat()}, resume)
            batch = _Batch(scorer, ledger, place, as_of, reasons, datetime.fromisoformat(asked["scored_at"]))
            totals, kept = batch.run(_chunks(files, rows_per_part), on_progress, sum(rows for _, rows in signed))
            manifest = asked | totals.told() | {"parts": totals.parts}
            place.finish(manifest)
    return _summary(manifest, place, already, kept, time.monotonic() - began)


def write_summary(summary: dict[str, Any], place: Path) -> None:
    """Write what `score_batch` returned as JSON, whole or not at all. Raises DataError if the place cannot be written."""
    write_json(place, summary)


class _Batch:
    """One run over the parts."""

    def __init__(
        self, scorer: Scorer, ledger: Ledger, place: Place, as_of: Any, reasons: str, scored_at: datetime
    ) -> None:
        self._scorer, self._ledger, self._place = scorer, ledger, place
        self._as_of, self._how = as_of, {"reasons": reasons, "scored_at": scored_at}

    def run(
        self, chunks: Iterator[list[Asked | Aside]], on_progress: Progress | None, total: int
    ) -> tuple[Totals, int]:
        """Make the parts that are not there yet; the totals of all, and how many rows were there."""
        totals, kept = Totals(self._scorer), 0
        for number, chunk in enumerate(chunks):
            record = self._place.kept(number)
            kept += record["rows"] if record else 0
            totals.add(record or self._make(number, chunk))
            if on_progress:
                on_progress(totals.rows, max(total, totals.rows))
        if totals.aside and not totals.rows:
            self._nothing_to_score(totals)
        return totals, kept

    def _make(self, number: int, chunk: list[Asked | Aside]) -> dict[str, Any]:
        """Score a part and write it; its record comes last, and says that it is whole."""
        asked = [row for row in chunk if isinstance(row, Asked)]
        aside = pa.Table.from_pylist([row._asdict() for row in chunk if isinstance(row, Aside)], ASIDE)
        if asked and self._as_of is None and all(row.as_of is None for row in asked):
            self._no_date(number)
        table, drift = self._score(asked)
        name, aside_name, place = self._place.names(number)
        digest = write_output(self._place.folder / name, lambda file: pq.write_table(table, file, compression="zstd"))
        record = counted(table) | {"file": name, "sha256": digest, "drift": drift.counts()}
        record["set_aside"] = aside_counts(aside)
        if len(aside):
            there = self._place.folder / aside_name
            record["set_aside"]["sha256"] = write_output(
                there, lambda file: pq.write_table(aside, file, compression="zstd")
            )
        write_json(place, record)
        return record

    def _score(self, asked: list[Asked]) -> tuple[pa.Table, BatchDrift]:
        """The scored rows of a part, and how far each different wallet and date among them has moved."""
        model = self._scorer.model
        drift, at = BatchDrift(model), SCORES_SCHEMA.get_field_index("reference")

        def watch(X: pd.DataFrame, percentile: np.ndarray) -> None:
            drift.add(X if model.profile else None, percentile)

        table = self._scorer.score_table(_frame(asked), self._ledger, self._as_of, watch=watch, **self._how)
        # beside the scorer, for each file of a list has columns of its own
        references = reference_column([(row.names, row.values) for row in asked])
        return table.set_column(at, SCORES_SCHEMA.field(at), references), drift

    def _no_date(self, number: int) -> None:
        """The first part tells that a date was forgotten; later it is the mistake of the rows."""
        if number == 0:
            self._place.clear()
            raise UsageError("--as-of: a date is needed (2021-04-01), or a column as_of in the list of addresses")

    def _nothing_to_score(self, totals: Totals) -> None:
        first = pq.read_table(self._place.folder / self._place.names(0)[1]).slice(0, 1).to_pylist()[0]
        self._place.clear()
        self._place.drop_parts()
        where = f"{first['file']}{', row ' + str(first['row']) if first['row'] else ''}"
        raise DataError(
            f"{where}: {first['reason']}; no row of the list of addresses can be read (places like this: {totals.aside})"
        )


def _frame(asked: list[Asked]) -> pd.DataFrame:
    """Addresses, and dates where there is any; every reader gives texts that are UTF-8."""
    frame = pd.DataFrame({"address": pd.Series([row.address for row in asked], dtype="str")})
    dates = [row.as_of for row in asked]
    return frame if all(date is None for date in dates) else frame.assign(as_of=pd.Series(dates, dtype=object))


def _chunks(files: list[Path], size: int) -> Iterator[list[Asked | Aside]]:
    """The rows of all files, `size` at a time and fewer where they are wide; an empty piece if there is none at all."""
    piece: list[Asked | Aside] = []
    letters, none = 0, True
    for row in rows_of(files):
        piece.append(row)
        letters += row.size() if isinstance(row, Asked) else 0
        if len(piece) == size or letters >= _LETTERS:
            yield piece
            piece, letters, none = [], 0, False
    if piece or none:
        yield piece


def _refuse_own_output(place: Place, files: list[Path]) -> None:
    if inside := [file for file in files if place.out.resolve() in (file.resolve(), *file.resolve().parents)]:
        raise UsageError(f"{place.out}: holds {inside[0].name}, which is to be read; give another --out")


def _summary(manifest: dict[str, Any], place: Place, already: bool, kept: int | None, seconds: float) -> dict[str, Any]:
    made = 0 if kept is None else manifest["rows"] - kept
    return {
        **{key: value for key, value in manifest.items() if key not in ("parts", "files")},
        "out": str(place.out),
        "set_aside_in": str(place.aside) if manifest["set_aside"]["places"] else None,
        "already_done": already,
        "rows_kept": manifest["rows"] if kept is None else kept,
        "seconds": round(seconds, 3),
        "rows_per_second": round(made / seconds, 1) if made and seconds > 0 else None,
    }
