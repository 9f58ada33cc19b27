"""Extraction on Spark: one shuffle brings every wallet's transfers together, then the kernels of one machine run on them.

Imports nothing of Spark: a frame brings its session along. Spark's SQL only moves rows here. It computes no number that a
feature sees, as it reads the literal 1.0 as a decimal and silently rounds averages. `worker.py` runs on the workers.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import pyarrow as pa

from ..base.errors import DataError, UsageError
from ..base.periods import parse_as_of, parse_window
from ..families.registry import needs_of, refuse_others, self_contained_features
from ..ledger.builder import columns_for
from ..ledger.transfer_inputs import checked_rows_of_table
from ..transfers.columns import in_utc
from ..transfers.input_files import refuse_repeated
from ..transfers.schema import SCHEMA, no_good_row_message, require_columns
from .worker import CALLER_COLUMN, VECTOR_KEYS, rejected_rows, vectors_of_batches

SparkFrame: TypeAlias = Any
"""A `pyspark.sql.DataFrame`, classic or of Spark Connect."""

_UNUSED = ("self_transfer", "chain", "method")  # computed again, or read only if a feature needs them
_TEXT = ("string", "varchar", "char")
_NUMBER = ("bigint", "int", "smallint", "tinyint", "double", "decimal")
_MOST_BROADCAST = 1_000_000  # requested addresses sent to every executor, to drop other transfers before the shuffle
_PROBE = 1_000  # rows checked before the job, so that a column of the wrong type is reported at once
# A number per address that all its spellings share. Addresses that share it by chance only travel together.
_KEY = "xxhash64(regexp_replace(lower(coalesce({0}, '')), '[^a-z0-9]', ''))"


class SnapshotFrame(NamedTuple):
    """Snapshots on their way to the workers.

    Attributes:
        rows: a Spark frame of wallet (key), address, as_of, and the columns `CALLER_COLUMN…`.
        caller_columns: the names of those columns.
        number: how many snapshots there are.
        undated: how many of them have no date.
        first, last: the first and last date, in seconds.
    """

    rows: SparkFrame
    caller_columns: tuple[str, ...]
    number: int
    undated: int
    first: int | None
    last: int | None


def extract_spark(
    transfers: SparkFrame, snapshots: SparkFrame, *, as_of: Any = None, window: str | None = None,
    features: Sequence[str] | None = None,
) -> SparkFrame:  # fmt: skip
    """Behavioural vectors of wallets, equal to those of `extract` on one machine.

    Args:
        transfers: a Spark frame with the columns of a transfer, as `Ledger.from_transfers` takes them; addresses are text.
        snapshots: a Spark frame with `address` (text) and perhaps `as_of` (timestamp), one row per vector. It is read twice.
        as_of: a date for all rows without a date.
        window: how far back to look from `as_of`, such as `90d`; None for all history.
        features: names from the catalogue; None for all self-contained ones (`self_contained_features`).

    Returns:
        A Spark frame of `address`, `as_of` and one double per feature; one row per snapshot, in no order. So far only the
        first and last date were computed, and a thousand transfers checked.

    Raises:
        UsageError: a feature needs the rest of the chain, a date is missing, or an argument is not such a frame.
        DataError: the transfers lack columns, or none of the first thousand is good.
    """
    names = self_contained_features() if features is None else refuse_others(features, "features")
    seconds = parse_window(window)
    requested = snapshot_frame(snapshots, as_of, "snapshots")
    if requested.undated:
        raise UsageError(
            f"snapshots: as_of is missing in {requested.undated:,} rows; give as_of=…, a date for those without one"
        )
    rows = rows_by_wallet(transfers, requested, seconds, names)
    schema = pa.schema([*VECTOR_KEYS, *(pa.field(name, pa.float64()) for name in names)])
    return rows.mapInArrow(partial(vectors_of_batches, names=tuple(names), window=window), ddl_of(schema))


def rejected_spark(transfers: SparkFrame) -> SparkFrame:
    """The transfers that would be rejected: `reason`, and the row as JSON in `record`. Needs another pass, but no shuffle.

    Raises:
        UsageError, DataError: as `extract_spark`.
    """
    columns, _ = _checked(transfers)
    return columns.mapInArrow(rejected_rows, "reason string, record string")


def snapshot_frame(addresses: SparkFrame, as_of: Any, what: str, keep_columns: bool = False) -> SnapshotFrame:
    """Addresses and dates, each with the key of its wallet; with `keep_columns` the other columns too, as text.

    Raises:
        UsageError: not a Spark frame, no column `address` of text, no date, dates that are not timestamps, or a binary column.
    """
    kinds = _kinds(addresses, what)
    if "address" not in kinds:
        raise UsageError(f"{what}: a column `address` is needed; got the columns {', '.join(kinds) or 'none'}")
    _refuse_kind(what, kinds, "address", _TEXT, "cast it to text")
    if "as_of" in kinds:
        _refuse_kind(what, kinds, "as_of", ("timestamp",), "cast it to a timestamp in UTC")
    elif as_of is None:
        raise UsageError("as_of: a date is needed, for all addresses (as_of=…) or as a column as_of beside address")
    date = f"coalesce(as_of, {_sql_timestamp(as_of)})" if "as_of" in kinds else _sql_timestamp(as_of)
    caller_columns = tuple(name for name in kinds if keep_columns and name not in ("address", "as_of"))
    rest = [f"{_as_text(what, name, kinds[name])} AS {CALLER_COLUMN}{k}" for k, name in enumerate(caller_columns)]
    address = _valid("address", "string")
    rows = addresses.selectExpr(f"{_KEY.format(address)} AS wallet", f"{address} AS address", f"{date} AS as_of", *rest)
    seconds = "unix_seconds(as_of)"
    found = rows.selectExpr("count(*)", "count(*) - count(as_of)", f"min({seconds})", f"max({seconds})").collect()[0]
    return SnapshotFrame(rows, caller_columns, *found)


def _sql_timestamp(as_of: Any) -> str:
    """A date in Spark's SQL: a point in time, also where TIMESTAMP alone means a time without a zone."""
    return (
        "CAST(NULL AS TIMESTAMP_LTZ)" if as_of is None else f"timestamp_seconds({int(parse_as_of(as_of).timestamp())})"
    )


def rows_by_wallet(
    transfers: SparkFrame, requested: SnapshotFrame, window: int | None, features: Iterable[str]
) -> SparkFrame:
    """Requested addresses and their transfers, each wallet in one partition: first its snapshots, then its transfers.

    Every transfer is there for its sender and for its receiver. This is the only shuffle.
    """
    columns, kinds = _checked(transfers)
    entries = _in_time(columns, kinds["timestamp"], requested, window)
    columns = _columns(kinds, features)
    keys = f"array({_KEY.format('sender')}, {_KEY.format('receiver')}) AS ends"
    entries = entries.selectExpr(keys, *columns).selectExpr("explode(array_distinct(ends)) AS wallet", "ends", *columns)
    entries = entries.selectExpr("wallet", "if(wallet = ends[0], ends[1], ends[0]) AS other", *columns)
    if requested.number <= _MOST_BROADCAST:
        wanted = requested.rows.select("wallet").distinct().hint("broadcast")
        entries = entries.join(wanted, "wallet", "left_semi")
    rows = requested.rows.selectExpr("*", "0 AS part").unionByName(
        entries.selectExpr("*", "1 AS part"), allowMissingColumns=True
    )
    return rows.repartition("wallet").sortWithinPartitions("wallet", "part")


def ddl_of(schema: pa.Schema) -> str:
    """An Arrow schema as Spark's DDL."""
    return ", ".join(f"`{field.name}` {_ddl(field.type)}" for field in schema)


def _ddl(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'`{field.name}`: {_ddl(field.type)}' for field in kind)}>"
    if pa.types.is_list(kind):
        return f"array<{_ddl(kind.value_type)}>"
    plain = {"int64": "bigint", "int32": "int", "double": "double", "bool": "boolean", "string": "string"}
    return "timestamp_ltz" if pa.types.is_timestamp(kind) else plain[str(kind)]


def _as_text(what: str, name: str, kind: str) -> str:
    """A caller's column as text. Raises UsageError for bytes, which Spark would silently take for text."""
    if "binary" in kind:
        raise UsageError(f"{what}: {name} is {kind}, which has no text; cast it (hex({name})), or leave it out")
    quoted = "`" + name.replace("`", "``") + "`"
    return _valid(f"CAST({quoted} AS STRING)", "string")


def _kinds(frame: SparkFrame, what: str) -> dict[str, str]:
    """The columns of a Spark frame and their types, by Spark's names."""
    if not hasattr(frame, "mapInArrow"):
        raise UsageError(
            f"{what}: a Spark DataFrame is needed, not {type(frame).__name__}; without Spark use `extract` or `Scorer.score`"
        )
    spelled = str if frame.sparkSession.conf.get("spark.sql.caseSensitive") == "true" else str.lower
    refuse_repeated([spelled(name) for name, _ in frame.dtypes], what)
    return dict(frame.dtypes)


def _checked(transfers: SparkFrame) -> tuple[SparkFrame, dict[str, str]]:
    """The columns of a transfer that the frame has, and their types."""
    kinds = _kinds(transfers, "transfers")
    require_columns(list(kinds), "transfers")
    for name in ("sender", "receiver"):
        _refuse_kind("transfers", kinds, name, _TEXT, "cast it to text")
    remedy = "cast it to a timestamp in UTC, or to unix seconds"
    _refuse_kind("transfers", kinds, "timestamp", ("timestamp", "string", *_NUMBER), remedy)
    columns = {name: kinds[name] for name in SCHEMA.names if name in kinds}
    frame = transfers.selectExpr(*(f"{_valid(name, kind)} AS {name}" for name, kind in columns.items()))
    _probe(frame.limit(_PROBE).toArrow())
    return frame, columns


def _valid(column: str, kind: str) -> str:
    """A column as valid text: Spark lets any bytes pass as text, and one such row would end the job."""
    return f"make_valid_utf8({column})" if kind == "string" else column


def _refuse_kind(what: str, kinds: dict[str, str], name: str, allowed: Sequence[str], remedy: str) -> None:
    if kinds[name].split("(")[0] not in allowed:
        raise UsageError(f"{what}: {name} must be {' or '.join(allowed)}, not {kinds[name]}; {remedy}")


def _probe(first: pa.Table) -> None:
    """Refuse transfers if none is good: a column in a wrong unit would silently leave every wallet without history."""
    for good, bad in checked_rows_of_table(in_utc(first), None):
        if len(bad) and not len(good):
            raise DataError(f"transfers, the first {len(first):,} rows: {no_good_row_message(bad)}")


def _columns(kinds: dict[str, str], features: Iterable[str]) -> list[str]:
    """The columns to shuffle. All numbers are among them, as a row with a bad one is rejected, here as on one machine."""
    needed = columns_for(needs_of(features))
    return [name for name in SCHEMA.names if name in kinds and (name not in _UNUSED or name in needed)]


def _in_time(transfers: SparkFrame, kind: str, requested: SnapshotFrame, window: int | None) -> SparkFrame:
    """Leave out transfers that no snapshot can see; Spark then skips files and partitions by their times."""
    if requested.first is None or requested.last is None or kind == "string":
        return transfers
    timestamp = "timestamp_seconds({})" if kind == "timestamp" else "{}"
    seen = transfers.where(f"timestamp < {timestamp.format(requested.last)}")
    return seen if window is None else seen.where(f"timestamp >= {timestamp.format(requested.first - window)}")
