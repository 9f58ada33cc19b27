"""Scores wallets on Spark: the scored rows of `Scorer.score`, computed on the workers by the same code. Fits nothing.

It imports nothing of Spark, because a frame holds its session. The model is sent as the bytes of its files, which each worker
checks again.
"""

import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from ..features.base.arrow import pc
from ..features.base.errors import UsageError
from ..features.base.periods import parse_window
from ..features.families.registry import refuse_others
from ..features.ledger.ledger import Ledger
from ..features.spark.driver import SparkFrame, ddl_of, rows_by_wallet, snapshot_frame
from ..features.spark.worker import by_group
from .model import model_registry as registry
from .model.bundled_models import bundled_folder
from .model.model_folder import LARGEST
from .model.signature import CHECKING, SIGNING
from .scoring.output import SCORES_SCHEMA
from .scoring.scorer import Scorer, check_reasons

Files = tuple[tuple[str, bytes], ...]
_NOWHERE = "no history: this address is in none of the transfers"


def score_spark(
    model: Scorer | str | os.PathLike[str], transfers: SparkFrame, addresses: SparkFrame, as_of: Any = None, *,
    reasons: str = "flagged", scored_at: datetime | None = None,
) -> SparkFrame:  # fmt: skip
    """Score addresses on Spark, as `Scorer.score` does on one machine: equal rows, in any order.

    Args:
        model: a scorer, or what `Scorer.load` takes. Its features must depend only on a wallet's own transfers.
        transfers: a Spark frame with the columns of a transfer, as `Ledger.from_transfers` takes them; addresses are text.
        addresses: a Spark frame with `address` (text) and perhaps `as_of` (timestamp). Duplicates are kept; other columns are
            echoed as the texts that Spark makes of them. The frame is read twice.
        as_of: a date for all rows without one of their own.
        reasons: as `Scorer.score` takes it.
        scored_at: the time that the rows carry; None: the time of this call.

    Returns:
        A Spark frame with the columns of `SCORES_SCHEMA`. Transfers outside the model's window are not read: an address that has
        only those gets the error that it has none in the window, and `coverage.truncated` is null. `exposure`, `labels` and
        `override` are null too, because they depend on the rest of the chain.

    Raises:
        UsageError: a feature of the model depends on the rest of the chain, there is no date at all, an argument is not such a
            frame, or `reasons` is another word.
        DataError: the model cannot be loaded, the transfers lack columns, or none of the first thousand is valid.
    """
    check_reasons(reasons)
    scorer, files = _with_files(model)
    names = refuse_others(scorer.model.features, f"model {scorer.model.name}")
    requested = snapshot_frame(addresses, as_of, "addresses", keep_columns=True)
    rows = rows_by_wallet(transfers, requested, parse_window(scorer.model.window), names)
    options = {"reasons": reasons, "scored_at": scored_at or datetime.now(UTC)}
    work = partial(_scored, files=files, echoed=requested.caller_columns, options=options)
    return rows.mapInArrow(work, ddl_of(SCORES_SCHEMA))


def _scored(
    batches: Iterator[pa.RecordBatch],
    files: Files,
    echoed: tuple[str, ...],
    options: dict[str, Any],
) -> Iterator[pa.RecordBatch]:
    """The scored rows of the addresses in some batches."""
    scorer = _loaded(files)

    def work(requested: pa.Table, ledger: Ledger) -> pa.Table:
        frame = requested.rename_columns(["address", "as_of", *echoed]).to_pandas()
        return _without_full_history(scorer.score_table(frame, ledger, **options))

    return by_group(batches, scorer.model.features, work)


def _without_full_history(rows: pa.Table) -> pa.Table:
    """The rows without claims about a wallet's full history, of which only the window was read."""
    error = pc.if_else(pc.equal(rows["error"], _NOWHERE), f"{_NOWHERE} in the window", rows["error"])
    coverage, fields = rows["coverage"].combine_chunks(), list(SCORES_SCHEMA.field("coverage").type)
    columns = [
        pa.nulls(len(coverage), field.type) if field.name == "truncated" else pc.struct_field(coverage, field.name)
        for field in fields
    ]
    changed = {"error": error, "coverage": pa.StructArray.from_arrays(columns, fields=fields)}
    columns = [changed.get(name, rows[name]) for name in rows.column_names]
    return pa.Table.from_arrays(columns, schema=SCORES_SCHEMA)


def _with_files(model: Scorer | str | os.PathLike[str]) -> tuple[Scorer, Files]:
    """The scorer, and the files that it is loaded from: those of its folder, so that they include a signature."""
    if isinstance(model, Scorer):
        return model, _saved_files(model)
    if str(model).startswith(registry.PREFIX):
        with registry.fetched(str(model)) as folder:
            return _with_files(folder)
    folder = bundled_folder(model) or Path(model)
    return Scorer.load(folder), _read_files(folder)


def _saved_files(scorer: Scorer) -> Files:
    """The files of a scorer in memory."""
    if os.environ.get(CHECKING) and not os.environ.get(SIGNING):
        raise UsageError(
            f"model: {CHECKING} asks for a signature, which a scorer in memory does not have; give its folder or models:/…"
        )
    with tempfile.TemporaryDirectory() as folder:
        return _read_files(scorer.model.save(Path(folder) / "model"))


def _read_files(folder: Path) -> Files:
    """The files of a model folder, by name."""
    return tuple((name, (folder / name).read_bytes()) for name in LARGEST if (folder / name).is_file())


@lru_cache(maxsize=2)
def _loaded(files: Files) -> Scorer:
    """The model of these files, loaded once per worker."""
    with tempfile.TemporaryDirectory() as folder:
        for name, data in files:
            (Path(folder) / name).write_bytes(data)
        return Scorer.load(folder)
