"""Histories drawn as lines, for cases worked out by hand. Knows no formula.

A line is day, time, sender, receiver and amount, then what differs from ETH in a transaction of its own: `asset=`, `nonce=` …
All days are in March 2021. The 4th is a Thursday: a week of the chain begins.
"""

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

NUMBERS = ["amount", "usd", "nonce", "gas_price"]


def drawn(lines: str) -> pd.DataFrame:
    """The table of transfers that the lines draw."""
    rows = []
    for i, line in enumerate(filter(str.strip, lines.splitlines())):
        day, time, sender, receiver, amount, *more = line.split()
        row = {"timestamp": f"2021-03-{day}T{time}Z", "sender": sender, "receiver": receiver, "amount": amount}
        rows.append({**row, "asset": "ETH", "tx_id": str(i), **dict(part.split("=") for part in more)})
    table = pd.DataFrame(rows)
    return table.assign(**{name: table[name].astype("float64") for name in NUMBERS if name in table})


def fingerprint(lines: str, wallet: str = "w", as_of: str = "2021-03-10") -> dict[str, float]:
    """All features of one wallet, of all that came before as_of."""
    vector = extract(Ledger.from_transfers(drawn(lines)), snapshots_of([wallet], as_of))
    return vector.drop(columns=["address", "as_of"]).iloc[0].to_dict()


def many(n: int, line: str) -> str:
    """The line n times over, `{}` in it the number."""
    return "\n".join(line.format(i) for i in range(n))


def assert_features(got: dict[str, float], expected: dict[str, float]) -> None:
    wrong = {name: got[name] for name, value in expected.items() if got[name] != pytest.approx(value, rel=1e-12)}
    assert not wrong, f"{wrong} should be { ({name: expected[name] for name in wrong}) }"
