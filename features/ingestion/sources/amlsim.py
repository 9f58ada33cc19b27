"""IBM AMLSim: transactions of simulated bank accounts, which count time in days.

Account numbers become addresses, and amounts are USD. Step N is N days after `BASE_DATE`, AMLSim's own default.
"""

import pyarrow as pa

from ...base.arrow import pc
from ...transfers import columns as col
from ..layout import PROBLEM, ConversionContext, Layout, constant, pick

BASE_DATE = 1_483_228_800
"""2017-01-01 00:00 UTC: the default `base_date` in AMLSim's configuration."""
_LAST_STEP = 30_000  # 82 years; more is a time in another unit


def _edges(table: pa.Table, context: ConversionContext) -> pa.Table:
    return _transfers(table, ("sourceNodeId", "targetNodeId", "value"), _days(pick(table, "time")), "time")


def _transactions(table: pa.Table, context: ConversionContext) -> pa.Table:
    given = pick(table, "tran_timestamp")
    times = pc.coalesce(
        _days(given), col.unix_seconds(given)[0]
    )  # steps, or dates after AMLSim's conversion of its logs
    result = _transfers(table, ("orig_acct", "bene_acct", "base_amt"), times, "tran_timestamp")
    return result.append_column("tx_id", col.text(pick(table, "tran_id"))).append_column(
        "method", pick(table, "tx_type")
    )


def _transfers(table: pa.Table, names: tuple[str, str, str], times: pa.Array, time_name: str) -> pa.Table:
    sender, receiver, amount = (pick(table, name) for name in names)
    unknown = col.problem(
        pc.is_null(times), f"{time_name} is neither a step from 0 to {_LAST_STEP:,} nor a time with a zone"
    )
    data = {"timestamp": times, "sender": sender, "receiver": receiver, "amount": amount, PROBLEM: unknown}
    return pa.table(data | {"usd": amount, "asset": constant(table, "USD"), "chain": constant(table, "amlsim")})


def _days(steps: pa.Array) -> pa.Array:
    """Unix seconds of the day that is this many steps after `BASE_DATE`; null where there is no step."""
    days = col.whole_numbers(steps)
    fits = pc.and_(pc.greater_equal(days, 0), pc.less_equal(days, _LAST_STEP))
    return pc.add(pc.multiply(pc.if_else(fits, days, None), 86_400), BASE_DATE)


_STANDARD = ("orig_acct", "bene_acct", "base_amt", "tran_timestamp")

LAYOUTS = (
    Layout("amlsim", "edges", ("sourceNodeId", "targetNodeId", "value", "time"), _edges),
    Layout("amlsim", "transactions", _STANDARD, _transactions),
)
