"""Transfers to ask about: hypothesis strategies that sit on every border, and a larger random table. No formulas.

No two assets share an amount, so that no two transfers of different assets stand at one place of the order: which of
two such assets leads is left open by the formulas.
"""

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

START = 1_609_459_200  # 2021-01-01, a Friday, so that weekends are near
HOUR, DAY = 3_600, 86_400
WALLETS = [f"0x{digit}{'0' * 38}{digit}" for digit in "123456"]
STRANGER = "0x" + "f" * 40
SMALL = [0.1, 0.2, 0.3, 0.099, 0.98, 0.99, 1e-18]
AMOUNTS = {
    "ETH": [0.0, *SMALL, 1.0, 1.01, 4.9, 9.99, 10.0, 49.0, 99.0, 100.0, 1e9, 1.234, 1.2345678],
    "USDT": [0.0, 500.0, 495.0, 499.99, 30.0, 3.0, 5e-7, 2e9, 123.45],
    "DUST": [0.0, 3e-18, 0.6, 0.07],
}
SECONDS = [0, 0, 1, 59, 60, 599, 600, 601, HOUR - 1, HOUR, HOUR + 1]
STEPS = [*SECONDS, 9 * HOUR - 1, 9 * HOUR, DAY - 1, DAY, DAY + 1, 2 * DAY, 2 * DAY + 1, 7 * DAY, 40 * DAY]
WINDOWS = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY, "all": None}
COLUMNS = ["timestamp", "sender", "receiver", "amount", "asset", "tx_id", "usd", "failed"]


def chain(least: int = 0, most: int = 40) -> st.SearchStrategy[pd.DataFrame]:
    """Histories of a few wallets that deal with each other, in canonical columns; times in order, often equal.

    As often short as long: hypothesis alone keeps lists at some six, and much here takes ten transfers of one wallet.
    """
    few = st.lists(_any_transfer(), min_size=least, max_size=6)
    many = st.lists(_any_transfer(), min_size=most // 2, max_size=most)
    return st.one_of(few, many).map(_frame)


@st.composite
def _any_transfer(draw) -> dict:
    return _transfer(lambda pool: draw(st.sampled_from(pool)), WALLETS)


def _transfer(choose: Callable[[list], Any], wallets: list[str]) -> dict:
    """One transfer, each part chosen from a pool; every other one of a chain's ends is its first wallet."""
    asset = choose(["ETH", "ETH", "ETH", "ETH", "USDT", "DUST"])
    often = [*wallets[:1] * len(wallets), *wallets]
    return {
        "step": choose(STEPS),
        "sender": choose(often),
        "receiver": choose(often),
        "amount": choose(AMOUNTS[asset]),
        "asset": asset,
        "usd": choose([None, 0.0, 0.1, 0.2, 1e6]),
        "failed": choose([None, None, None, False, False, False, True]),
    }


def _frame(transfers: list[dict]) -> pd.DataFrame:
    times = START + np.cumsum([row["step"] for row in transfers], dtype=np.int64)
    rows = [{**row, "tx_id": f"t{i}"} for i, row in enumerate(transfers)]
    frame = pd.DataFrame(rows, columns=[c for c in COLUMNS if c != "timestamp"])
    frame = frame.astype({"amount": "float64", "usd": "float64", "failed": "boolean"})
    return frame.assign(timestamp=pd.to_datetime(times, unit="s", utc=True))[COLUMNS]


def moments(frame: pd.DataFrame) -> st.SearchStrategy[list[pd.Timestamp]]:
    """As-of dates on and beside the transfers' times, and a window after them."""
    return st.lists(st.sampled_from(_borders(frame)).map(moment), min_size=1, max_size=3, unique=True)


def _borders(frame: pd.DataFrame) -> list[int]:
    times = frame["timestamp"].astype("datetime64[s, UTC]").astype("int64").unique().tolist() or [START]
    shifts = [0, 1, -1] + [seconds + off for seconds in WINDOWS.values() if seconds for off in (0, 1)]
    return [t + shift for t in times for shift in shifts]


def moment(seconds: int) -> pd.Timestamp:
    """A unix second as pandas knows it."""
    return pd.Timestamp(seconds, unit="s", tz="UTC")


def snapshots_at(moments_asked: list[pd.Timestamp], wallets: list[str] | None = None) -> pd.DataFrame:
    """Every wallet (and one that nobody knows) at every moment."""
    pairs = [(wallet, as_of) for as_of in moments_asked for wallet in wallets or [*WALLETS, STRANGER]]
    frame = pd.DataFrame(pairs, columns=["address", "as_of"])
    return frame.astype({"address": "str", "as_of": "datetime64[us, UTC]"})


def border_table(seed: int = 11, chains: int = 60, transfers: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Many chains of the same kind as `chain` at once, each of three wallets, and snapshots on their borders."""
    rng = random.Random(seed)
    tables, snapshots = [], []
    for i in range(chains):
        wallets = [f"0x{i:039x}{end}" for end in "abc"]
        table = _frame([_transfer(rng.choice, wallets) for _ in range(transfers)])
        tables.append(table.assign(tx_id=f"{i}-" + table["tx_id"]))
        snapshots.append(snapshots_at([moment(t) for t in rng.sample(_borders(table), 4)], wallets))
    return pd.concat(tables, ignore_index=True), pd.concat(snapshots, ignore_index=True)


def hub(seed: int = 5, transfers: int = 6_000) -> pd.DataFrame:
    """One wallet (the first) with very many transfers, most at the same time and of the same size as others."""
    rng = random.Random(seed)
    rows = [_transfer(rng.choice, WALLETS) | {"step": rng.choice([0] * 8 + SECONDS)} for _ in range(transfers)]
    ends = [
        rng.choice([(WALLETS[0], f"0x{i % 900:040x}"), (f"0x{i % 700:040x}", WALLETS[0])]) for i in range(transfers)
    ]
    return _frame([row | {"sender": a, "receiver": b} for row, (a, b) in zip(rows, ends, strict=True)])


def random_table(seed: int = 7, transfers: int = 6_000, wallets: int = 200) -> pd.DataFrame:
    """A larger table: busy and quiet wallets, bursts and pauses, forwarding, repeated and round sizes, empty calls."""
    rng = np.random.default_rng(seed)
    addresses = np.array([f"0x{i:040x}" for i in range(1, wallets + 1)])
    busy = rng.permutation(wallets)[np.minimum(rng.zipf(1.6, (2, transfers)) - 1, wallets - 1)]
    anyone = rng.integers(0, wallets, (2, transfers))
    sender, receiver = np.where(rng.random((2, transfers)) < 0.5, busy, anyone)
    clustered = np.repeat(rng.integers(0, 200 * DAY, transfers // 4 + 1), 4)[:transfers]
    time = START + clustered + rng.choice([0, 1, 30, 400, 3_000, 50_000], transfers)
    asset = rng.choice(["ETH", "USDT", "WBTC"], transfers, p=[0.7, 0.2, 0.1])
    amount = _random_amounts(rng, transfers, asset)
    forwards = rng.integers(1, transfers, transfers // 4)
    sender[forwards], asset[forwards] = receiver[forwards - 1], asset[forwards - 1]
    amount[forwards] = amount[forwards - 1] * rng.choice([1.0, 0.97, 0.05], len(forwards))
    time[forwards] = time[forwards - 1] + rng.choice([60, 3_000, 90_000], len(forwards))
    frame = pd.DataFrame({"timestamp": pd.to_datetime(time, unit="s", utc=True), "sender": addresses[sender]})
    frame = frame.assign(receiver=addresses[receiver], amount=amount, asset=asset)
    frame = frame.assign(tx_id=[f"t{i}" for i in range(transfers)])
    usd = np.where(rng.random(transfers) < 0.6, np.round(amount * 100, 2), np.nan)
    return frame.assign(usd=usd, failed=pd.array(rng.random(transfers) < 0.03, dtype="boolean"))[COLUMNS]


def _random_amounts(rng: np.random.Generator, n: int, asset: np.ndarray) -> np.ndarray:
    """Log-normal sizes, some written with two digits, some just below round, some nothing; no two assets share one."""
    plain = rng.lognormal(0, 2, n)
    kinds = [plain, np.round(plain, 1) + 0.1, np.ceil(plain) * 0.999, rng.choice([0.5, 1.0, 2.0], n), np.zeros(n)]
    amount = np.choose(rng.choice(5, n, p=[0.4, 0.2, 0.15, 0.15, 0.1]), kinds)
    return amount * np.where(asset == "ETH", 1.0, np.where(asset == "USDT", 1.70123, 7.0311))
