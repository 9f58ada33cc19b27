"""A small chain with what Spark must not trip over: spellings, copies, failures, bad rows, a hub, tokens, nonces. No tests."""

import numpy as np
import pandas as pd

AS_OF = "2021-04-01"
HUB = 0
_START = int(pd.Timestamp("2020-12-20", tz="UTC").timestamp())
_SPAN = 115 * 86_400  # beyond AS_OF at one end, before its window at the other


def address(number: int) -> str:
    return f"0x{number * 7919:040x}"


def chain(rows: int = 3_000, wallets: int = 60, seed: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    ends = [np.where(random.random(rows) < share, HUB, random.integers(0, wallets, rows)) for share in (0.25, 0.1)]
    time = _START + random.integers(0, _SPAN // 60, rows) * 60  # many at one time
    usd = np.where(random.random(rows) < 0.5, np.nan, random.integers(1, 20_000, rows))
    frame = pd.DataFrame(
        {
            "timestamp": pd.to_datetime(time, unit="s", utc=True).as_unit("us"),
            "sender": [address(number) for number in ends[0]],
            "receiver": [address(number) for number in ends[1]],
            "amount": random.integers(0, 400, rows) / 8,
            "asset": random.choice(["ETH", "USDT", "XYZ"], rows, p=[0.6, 0.3, 0.1]),
            "tx_id": [f"0x{number:064x}" for number in random.integers(0, 2 * rows, rows)],
            "usd": usd,
            "chain": random.choice(["ethereum", "bsc"], rows, p=[0.9, 0.1]),
            "gas_price": random.integers(1, 90, rows) * 1e9,
            "nonce": random.integers(0, 500, rows),
            "failed": random.random(rows) < 0.04,
            "method": random.choice(["", "0xa9059cbb"], rows),
        }
    )
    frame = _swaps(frame, random)
    return _blemished(frame, random)


def _swaps(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """For some transfers another one of the same transaction that pays back in another asset."""
    some = frame.sample(frac=0.1, random_state=1)
    back = some.assign(sender=some["receiver"], receiver=some["sender"], asset="DAI", amount=some["amount"] * 2)
    return pd.concat([frame, back], ignore_index=True)


def _blemished(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Copies, rows without an id, other spellings, and rows that no reader takes."""
    frame = pd.concat([frame, frame.sample(frac=0.05, random_state=2)], ignore_index=True)
    at = lambda share: np.flatnonzero(random.random(len(frame)) < share)  # noqa: E731
    frame.loc[at(0.03), "tx_id"] = None
    upper = at(0.2)
    frame.loc[upper, "sender"] = " 0x" + frame.loc[upper, "sender"].str[2:].str.upper() + "\t"
    frame.loc[at(0.01), "amount"] = -1.0
    frame.loc[at(0.01), "receiver"] = "0x12"
    return frame.sample(frac=1, random_state=4).reset_index(drop=True)
