"""Small ledgers for tests: transfers drawn as lines, or from rows of a few values. Knows no formula.

A line is day, time, sender, receiver and amount, then other columns: `asset=` (else ETH), `tx_id=` (else one per line), `nonce=`.
A day is a date, or a number for a day in March 2021. The 4th is a Thursday: a week of the chain begins.
"""

from collections.abc import Iterable
from typing import Any

import pandas as pd
import pytest

from walletprint.features import Ledger, extract, snapshots_of

SCATTER = """
    01 10:00:00 x y1 10
    01 10:01:00 x y2 10
    01 10:02:00 x y3 10
    01 11:00:00 y1 w 9
    01 11:10:00 y2 w 9
    01 11:20:00 y3 w 9
    """
"""One source pays one target over three middles."""

CYCLE = """
    01 10:00:00 a b 10
    01 11:00:00 b c 9
    02 09:59:59 c a 8
    """
"""Value that comes back to where it set out from, a second before a day is over."""

START = "2021-01-01T00:00:00Z"
NUMBERS = ["amount", "usd", "nonce", "gas_price"]


def transfers_from_lines(lines: str) -> pd.DataFrame:
    """Transfers drawn as lines."""
    rows = []
    for i, line in enumerate(filter(str.strip, lines.splitlines())):
        day, time, sender, receiver, amount, *more = line.split()
        date = day if "-" in day else f"2021-03-{day}"
        row = {"timestamp": f"{date}T{time}Z", "sender": sender, "receiver": receiver, "amount": amount}
        rows.append({**row, "asset": "ETH", "tx_id": str(i), **dict(part.split("=") for part in more)})
    table = pd.DataFrame(rows)
    return table.assign(**{name: table[name].astype("float64") for name in NUMBERS if name in table})


def transfers_from_rows(rows: Iterable[tuple], start: Any = START) -> pd.DataFrame:
    """Transfers from rows of (date, or seconds after `start`; sender, receiver, amount = 1, asset = ETH, tx_id = one per row)."""
    full = [(*row, *(1.0, "ETH", f"t{i}")[len(row) - 3 :]) for i, row in enumerate(rows)]
    frame = pd.DataFrame(full, columns=["time", "sender", "receiver", "amount", "asset", "tx_id"])
    if pd.api.types.is_numeric_dtype(frame["time"]) or frame.empty:
        times = pd.Timestamp(start) + pd.to_timedelta(frame["time"].astype("int64"), unit="s")
    else:
        times = pd.to_datetime(frame["time"], utc=True, format="ISO8601")
    kinds = {"sender": "str", "receiver": "str", "amount": "float64", "asset": "str", "tx_id": "str"}
    return frame.astype(kinds).drop(columns="time").assign(timestamp=times)


def ledger_from_rows(rows: Iterable[tuple], start: Any = START) -> Ledger:
    """The ledger of `transfers_from_rows`."""
    return Ledger.from_transfers(transfers_from_rows(rows, start))


def fingerprint(lines: str, wallet: str = "w", as_of: str = "2021-03-10") -> dict[str, float]:
    """All features of one wallet, from all transfers before as_of."""
    vector = extract(Ledger.from_transfers(transfers_from_lines(lines)), snapshots_of([wallet], as_of))
    return vector.drop(columns=["address", "as_of"]).iloc[0].to_dict()


def many(n: int, line: str) -> str:
    """The line n times over, `{}` in it the number."""
    return "\n".join(line.format(i) for i in range(n))


def assert_features(got: dict[str, float], expected: dict[str, float]) -> None:
    wrong = {name: got[name] for name, value in expected.items() if got[name] != pytest.approx(value, rel=1e-12)}
    assert not wrong, f"{wrong} should be { ({name: expected[name] for name in wrong}) }"
