"""Extraction on Spark: one shuffle brings every wallet's transfers together, then the very kernels of one machine run on them.

Imports nothing of Spark: a frame brings its session along. Spark's SQL only moves rows here; it computes no number that a feature
sees (it reads the literal 1.0 as a decimal and rounds averages in silence). What runs on the workers is in `by_wallet.py`.
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
from .worker import ECHOED, VECTOR_KEYS, rejected_of, vectors_of

SparkFrame: TypeAlias = Any
"""A `pyspark.sql.DataFrame`, classic or of Spark Connect."""

_UNUSED = ("self_transfer", "chain", "method")  # made anew, or read only where a feature needs them
_TEXT = ("string", "varchar", "char")
_NUMBER = ("bigint", "int", "smallint", "tinyint", "double", "decimal")
_MOST_SENT = 1_000_000  # asked addresses that every executor gets, to drop other wallets' transfers before the shuffle
_PROBE = 1_000  # rows looked at before the job, so that a column of the wrong kind is told at once
# A number for each address that all its spellings share. Others may share it too: then they only travel together.
_KEY = "xxhash64(regexp_replace(lower(coalesce({0}, '')), '[^a-z0-9]', ''))"


class Asked(NamedTuple):
    """Snapshots on their way to the workers.

    Attributes:
        rows: a Spark frame of wallet (key), address, as_of, and the columns `ECHOED…`.
        echoed: what those are called.
        number: how many there are.
        undated: of them without a date.
        first, last: the dates between which they are, in seconds.
    """

    rows: SparkFrame
    echoed: tuple[str, ...]
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
        snapshots: a Spark frame with `address` (text) and perhaps `as_of` (timestamp), one row a vector. It is read twice.
        as_of: a date for all rows without one of their own.
        window: how far back to look from `as_of`, such as `90d`; None for all history.
        features: names from the catalogue; None for all that a wallet's own transfers tell (`self_contained_features`).

    Returns:
        A Spark frame of `address`, `as_of` and a double a feature, a row a snapshot, in no order. Nothing is computed yet but
        the first and last date, and a look at a thousand transfers.

    Raises:
        UsageError: a feature needs the rest of the chain, a date is missing, or what came is no such frame.
        DataError: the transfers lack columns, or none of the first thousand is good.
    """
    names = self_contained_features() if features is None else refuse_others(features, "features")
    seconds = parse_window(window)
    asked = asked_of(snapshots, as_of, "snapshots")
    if asked.undated:
        raise UsageError(
            f"snapshots: as_of is missing in {asked.undated:,} rows; give as_of=…, a date for those without one"
        )
    rows = gathered(transfers, asked, seconds, names)
    schema = pa.schema([*VECTOR_KEYS, *(pa.field(name, pa.float64()) for name in names)])
    return rows.mapInArrow(partial(vectors_of, names=tuple(names), window=window), ddl_of(schema))


def rejected_spark(transfers: SparkFrame) -> SparkFrame:
    """The transfers that would be refused: `reason`, and the row as JSON in `record`. One more pass over them, without a shuffle.

    Raises:
        UsageError, DataError: as `extract_spark`.
    """
    known, _ = _checked(transfers)
    return known.mapInArrow(rejected_of, "reason string, record string")


def asked_of(addresses: SparkFrame, as_of: Any, what: str, echo: bool = False) -> Asked:
    """Addresses and dates, each with the key of its wallet; with `echo` the other columns too, as text.

    Raises:
        UsageError: no Spark frame, no column `address` of text, no date at all, dates that are no timestamps, or bytes to echo.
    """
    kinds = _kinds(addresses, what)
    if "address" not in kinds:
        raise UsageError(f"{what}: a column `address` is needed; the columns that came: {', '.join(kinds) or 'none'}")
    _refuse_kind(what, kinds, "address", _TEXT, "cast it to text")
    if "as_of" in kinds:
        _refuse_kind(what, kinds, "as_of", ("timestamp",), "cast it to a timestamp in UTC")
    elif as_of is None:
        raise UsageError("as_of: a date is needed, for all addresses (as_of=…) or as a column as_of beside address")
    date = f"coalesce(as_of, {_moment(as_of)})" if "as_of" in kinds else _moment(as_of)
    echoed = tuple(name for name in kinds if echo and name not in ("address", "as_of"))
    rest = [f"{_echo(what, name, kinds[name])} AS {ECHOED}{k}" for k, name in enumerate(echoed)]
    address = _valid("address", "string")
    rows = addresses.selectExpr(f"{_KEY.format(address)} AS wallet", f"{address} AS address", f"{date} AS as_of", *rest)
    seconds = "unix_seconds(as_of)"
    found = rows.selectExpr("count(*)", "count(*) - count(as_of)", f"min({seconds})", f"max({seconds})").collect()[0]
    return Asked(rows, echoed, *found)


def _moment(as_of: Any) -> str:
    """A date as Spark's SQL has it: a moment, also where TIMESTAMP alone means a time without a zone."""
    return (
        "CAST(NULL AS TIMESTAMP_LTZ)" if as_of is None else f"timestamp_seconds({int(parse_as_of(as_of).timestamp())})"
    )


def gathered(transfers: SparkFrame, asked: Asked, window: int | None, features: Iterable[str]) -> SparkFrame:
    """Asked addresses and their transfers, those of a wallet in one partition, in order: first who asks, then what there is.

    Every transfer is there for its sender and for its receiver. The one shuffle is here.
    """
    known, kinds = _checked(transfers)
    entries = _in_time(known, kinds["timestamp"], asked, window)
    columns = _columns(kinds, features)
    keys = f"array({_KEY.format('sender')}, {_KEY.format('receiver')}) AS ends"
    entries = entries.selectExpr(keys, *columns).selectExpr("explode(array_distinct(ends)) AS wallet", "ends", *columns)
    entries = entries.selectExpr("wallet", "if(wallet = ends[0], ends[1], ends[0]) AS other", *columns)
    if asked.number <= _MOST_SENT:
        wanted = asked.rows.select("wallet").distinct().hint("broadcast")
        entries = entries.join(wanted, "wallet", "left_semi")
    rows = asked.rows.selectExpr("*", "0 AS part").unionByName(
        entries.selectExpr("*", "1 AS part"), allowMissingColumns=True
    )
    return rows.repartition("wallet").sortWithinPartitions("wallet", "part")


def ddl_of(schema: pa.Schema) -> str:
    """An Arrow schema in Spark's words."""
    return ", ".join(f"`{field.name}` {_ddl(field.type)}" for field in schema)


def _ddl(kind: pa.DataType) -> str:
    if pa.types.is_struct(kind):
        return f"struct<{', '.join(f'`{field.name}`: {_ddl(field.type)}' for field in kind)}>"
    if pa.types.is_list(kind):
        return f"array<{_ddl(kind.value_type)}>"
    plain = {"int64": "bigint", "int32": "int", "double": "double", "bool": "boolean", "string": "string"}
    return "timestamp_ltz" if pa.types.is_timestamp(kind) else plain[str(kind)]


def _echo(what: str, name: str, kind: str) -> str:
    """A column of the caller's as text. Raises UsageError for bytes, which Spark would take for text in silence."""
    if "binary" in kind:
        raise UsageError(f"{what}: {name} is {kind}, which has no text; cast it (hex({name})), or leave it out")
    quoted = "`" + name.replace("`", "``") + "`"
    return _valid(f"CAST({quoted} AS STRING)", "string")


def _kinds(frame: SparkFrame, what: str) -> dict[str, str]:
    """The columns of a Spark frame and their types, in Spark's words."""
    if not hasattr(frame, "mapInArrow"):
        raise UsageError(
            f"{what}: a Spark DataFrame is needed, not {type(frame).__name__}; without Spark use `extract` or `Scorer.score`"
        )
    spelled = str if frame.sparkSession.conf.get("spark.sql.caseSensitive") == "true" else str.lower
    refuse_repeated([spelled(name) for name, _ in frame.dtypes], what)
    return dict(frame.dtypes)


def _checked(transfers: SparkFrame) -> tuple[SparkFrame, dict[str, str]]:
    """The columns of a transfer that came, and their types."""
    kinds = _kinds(transfers, "transfers")
    require_columns(list(kinds), "transfers")
    for name in ("sender", "receiver"):
        _refuse_kind("transfers", kinds, name, _TEXT, "cast it to text")
    mend = "cast it to a timestamp in UTC, or to unix seconds"
    _refuse_kind("transfers", kinds, "timestamp", ("timestamp", "string", *_NUMBER), mend)
    known = {name: kinds[name] for name in SCHEMA.names if name in kinds}
    frame = transfers.selectExpr(*(f"{_valid(name, kind)} AS {name}" for name, kind in known.items()))
    _probe(frame.limit(_PROBE).toArrow())
    return frame, known


def _valid(column: str, kind: str) -> str:
    """A column, as text that every reader takes: Spark lets any bytes pass as such, and one row of them would end the job."""
    return f"make_valid_utf8({column})" if kind == "string" else column


def _refuse_kind(what: str, kinds: dict[str, str], name: str, allowed: Sequence[str], mend: str) -> None:
    if kinds[name].split("(")[0] not in allowed:
        raise UsageError(f"{what}: {name} must be {' or '.join(allowed)}, not {kinds[name]}; {mend}")


def _probe(first: pa.Table) -> None:
    """Refuse transfers of which not one is good: a column in a wrong unit would leave every wallet without history, unsaid."""
    for good, bad in checked_rows_of_table(in_utc(first), None):
        if len(bad) and not len(good):
            raise DataError(f"transfers, the first {len(first):,} rows: {no_good_row_message(bad)}")


def _columns(kinds: dict[str, str], features: Iterable[str]) -> list[str]:
    """What travels. Numbers that no feature needs do as well: a row with a bad one is refused, here as on one machine."""
    needed = columns_for(needs_of(features))
    return [name for name in SCHEMA.names if name in kinds and (name not in _UNUSED or name in needed)]


def _in_time(transfers: SparkFrame, kind: str, asked: Asked, window: int | None) -> SparkFrame:
    """Leave out transfers that no snapshot can see, before they are read where files or partitions tell their times."""
    if asked.first is None or asked.last is None or kind == "string":
        return transfers
    moment = "timestamp_seconds({})" if kind == "timestamp" else "{}"
    seen = transfers.where(f"timestamp < {moment.format(asked.last)}")
    return seen if window is None else seen.where(f"timestamp >= {moment.format(asked.first - window)}")
