"""Transfers to ask about: hypothesis strategies that sit on every border, and a larger random table. No formulas.

The shapes that several wallets form (`shapes`) stand among transfers of any kind; a wallet's nonces ascend in time.
"""

import random
from collections.abc import Iterable

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from .shapes import DAY, HOUR, POOLS, SECONDS, any_shape, shape_of_several, transfer

START = 1_609_459_200  # 2021-01-01, a Friday, so that weekends are near
WALLETS = [f"0x{digit}{'0' * 38}{digit}" for digit in "123456"]
STRANGER = "0x" + "f" * 40
WINDOWS = {"1h": HOUR, "1d": DAY, "7d": 7 * DAY, "all": None}
MARKS = ("chain", "skip", "gas_price", "method")
COLUMNS = ["timestamp", "sender", "receiver", "amount", "asset", "tx_id", "usd", "failed"]
COLUMNS += ["chain", "nonce", "gas_price", "method"]


def chain(least: int = 0, most: int = 40) -> st.SearchStrategy[pd.DataFrame]:
    """Histories of a few wallets that deal with each other, in canonical columns; times in order, often equal.

    As often short as long: hypothesis alone keeps lists at some six, and much here takes ten transfers of one wallet.
    """
    few = st.lists(_any_shape(), min_size=least, max_size=6)
    many = st.lists(_any_shape(), min_size=most // 4, max_size=most // 2)
    return st.one_of(few, many).map(lambda drawn: table_of(_flat(drawn)))


@st.composite
def _any_shape(draw) -> list[dict]:
    return any_shape(lambda pool: draw(st.sampled_from(pool)), WALLETS)


def _flat(shapes: Iterable[list[dict]]) -> list[dict]:
    return [row for shape in shapes for row in shape]


def table_of(rows: list[dict]) -> pd.DataFrame:
    """A table of rows of `shapes`: `step` is the seconds since the one before, `same` of the same transaction as it."""
    times = START + np.cumsum([row["step"] for row in rows], dtype=np.int64)
    table = pd.DataFrame([row | {"tx_id": f"t{i}"} for i, row in enumerate(rows)], columns=[*COLUMNS, "skip", "same"])
    table = table.assign(timestamp=pd.to_datetime(times, unit="s", utc=True))
    return _typed(_in_transactions(table, table["same"].notna().to_numpy()))


def _in_transactions(table: pd.DataFrame, same: np.ndarray) -> pd.DataFrame:
    """Rows marked `same` join the transaction of the row before; nonces count up by sender, in time, by `skip`."""
    table.loc[same, ["skip", "gas_price", "method"]] = None
    for name in ("tx_id", "chain"):
        table[name] = table[name].mask(same).ffill() if name == "tx_id" else table[name].mask(same, table[name].shift())
    skips = table.sort_values("timestamp", kind="stable")[["sender", "skip"]].astype({"skip": "Int64"})
    nonce = skips["skip"].fillna(0).groupby(skips["sender"]).cumsum() - 1
    return table.assign(nonce=nonce.mask(skips["skip"].isna()))


def _typed(table: pd.DataFrame) -> pd.DataFrame:
    kinds = dict.fromkeys(("amount", "usd", "gas_price"), "float64")
    kinds |= {"nonce": "Int64", "failed": "boolean", "chain": "str", "method": "str"}
    return table.astype(kinds)[COLUMNS]


def as_of_dates(frame: pd.DataFrame) -> st.SearchStrategy[list[pd.Timestamp]]:
    """As-of dates on and beside the transfers' times, and a window after them."""
    return st.lists(st.sampled_from(_borders(frame)).map(timestamp), min_size=1, max_size=3, unique=True)


def _borders(frame: pd.DataFrame, windows: Iterable[str] = WINDOWS) -> list[int]:
    times = frame["timestamp"].astype("datetime64[s, UTC]").astype("int64").unique().tolist() or [START]
    lengths = [WINDOWS[window] for window in windows]
    shifts = [0, 1, -1] + [seconds + off for seconds in lengths if seconds for off in (0, 1)]
    return [t + shift for t in times for shift in shifts]


def timestamp(seconds: int) -> pd.Timestamp:
    """A unix second as pandas knows it."""
    return pd.Timestamp(seconds, unit="s", tz="UTC")


def snapshots_at(dates: list[pd.Timestamp], wallets: list[str] | None = None) -> pd.DataFrame:
    """Every wallet (and one that nobody knows) at every date."""
    pairs = [(wallet, as_of) for as_of in dates for wallet in wallets or [*WALLETS, STRANGER]]
    frame = pd.DataFrame(pairs, columns=["address", "as_of"])
    return frame.astype({"address": "str", "as_of": "datetime64[us, UTC]"})


def border_table(window: str, chains: int = 24, transfers: int = 60) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Many chains of the same kind as `chain` at once, each of three or six wallets, and snapshots on the window's borders."""
    rng = random.Random(window)
    tables, snapshots = [], []
    for i in range(chains):
        wallets = [f"0x{i:039x}{end}" for end in ("abc", "abcdef")[i % 2]]
        table = table_of(_flat(any_shape(rng.choice, wallets) for _ in range(transfers))[:transfers])
        tables.append(table.assign(tx_id=f"{i}-" + table["tx_id"]))
        snapshots.append(snapshots_at([timestamp(t) for t in rng.sample(_borders(table, [window]), 4)], wallets))
    return pd.concat(tables, ignore_index=True), pd.concat(snapshots, ignore_index=True)


def hub(seed: int = 5, transfers: int = 6_000) -> pd.DataFrame:
    """One wallet (the first) with very many transfers, most at the same time and of the same size as others."""
    rng = random.Random(seed)
    rows = [transfer(rng.choice, WALLETS) | {"step": rng.choice([0] * 8 + SECONDS)} for _ in range(transfers)]
    ends = [
        rng.choice([(WALLETS[0], f"0x{i % 900:040x}"), (f"0x{i % 700:040x}", WALLETS[0])]) for i in range(transfers)
    ]
    return table_of([row | {"sender": a, "receiver": b} for row, (a, b) in zip(rows, ends, strict=True)])


def crowd(seed: int = 3, transfers: int = 24_000, wallets: int = 3_000) -> pd.DataFrame:
    """Very many transfers of many wallets within three weeks, nearly all of one asset and a few round sizes."""
    rng = np.random.default_rng(seed)
    time = START + np.sort(rng.integers(0, 21 * DAY, transfers))
    ends = np.array([f"0x{i:040x}" for i in range(wallets)])[rng.integers(0, wallets, (2, transfers))]
    amount = np.round(rng.lognormal(1, 1, transfers), 2)
    table = pd.DataFrame({"sender": ends[0], "receiver": ends[1], "amount": amount, "asset": "ETH"})
    table = table.assign(timestamp=pd.to_datetime(time, unit="s", utc=True), tx_id=[f"t{i}" for i in range(transfers)])
    return _typed(table.reindex(columns=COLUMNS))


def random_table(seed: int = 7, transfers: int = 6_000, wallets: int = 200) -> pd.DataFrame:
    """A larger table: busy and quiet wallets, bursts and pauses, forwarding, repeated and round sizes, empty calls, shapes."""
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
    table = pd.DataFrame({"timestamp": pd.to_datetime(time, unit="s", utc=True), "sender": addresses[sender]})
    table = table.assign(receiver=addresses[receiver], amount=amount, asset=asset)
    table = table.assign(tx_id=[f"t{i}" for i in range(transfers)])
    usd = np.where(rng.random(transfers) < 0.6, np.round(amount * 100, 2), np.nan)
    table = table.assign(usd=usd, failed=pd.array(rng.random(transfers) < 0.03, dtype="boolean"))
    shapes = _random_shapes(random.Random(seed), addresses.tolist(), transfers // 30)
    return pd.concat([_signed_at_random(rng, table), shapes], ignore_index=True)


def _signed_at_random(rng: np.random.Generator, table: pd.DataFrame) -> pd.DataFrame:
    """With chains, nonces, gas prices and methods; some rows become the other half of a swap with the row before."""
    table = table.assign(**{name: _choices(rng, POOLS[name], len(table)) for name in MARKS})
    same = rng.random(len(table)) < 0.05
    same &= ~np.roll(same, 1)
    same[0] = False
    before = table.shift()
    for name, other in (
        ("timestamp", "timestamp"),
        ("sender", "receiver"),
        ("receiver", "sender"),
        ("failed", "failed"),
    ):
        table[name] = table[name].mask(same, before[other])
    others = before["asset"].map({"ETH": "USDT", "USDT": "WBTC", "WBTC": "ETH"})
    table = table.assign(
        asset=table["asset"].mask(same, others), amount=table["amount"].mask(same, before["amount"] * 1.2345)
    )
    return _typed(_in_transactions(table, same))


def _choices(rng: np.random.Generator, pool: list, n: int) -> np.ndarray:
    return np.array(pool, dtype=object)[rng.integers(0, len(pool), n)]


def _random_shapes(rng: random.Random, addresses: list[str], shapes: int) -> pd.DataFrame:
    """Shapes over six wallets each, every one at a time of its own."""
    tables = []
    for i in range(shapes):
        table = table_of(shape_of_several(rng.choice, rng.sample(addresses, 6))).assign(
            nonce=pd.array([None], "Int64")[0]
        )
        later = pd.Timedelta(seconds=rng.randrange(200 * DAY))
        tables.append(table.assign(timestamp=table["timestamp"] + later, tx_id=f"shape{i}-" + table["tx_id"]))
    return _typed(pd.concat(tables))


def _random_amounts(rng: np.random.Generator, n: int, asset: np.ndarray) -> np.ndarray:
    """Log-normal sizes, some written with two digits, some just below round, some nothing; no two assets share one."""
    plain = rng.lognormal(0, 2, n)
    kinds = [plain, np.round(plain, 1) + 0.1, np.ceil(plain) * 0.999, rng.choice([0.5, 1.0, 2.0], n), np.zeros(n)]
    amount = np.choose(rng.choice(5, n, p=[0.4, 0.2, 0.15, 0.15, 0.1]), kinds)
    return amount * np.where(asset == "ETH", 1.0, np.where(asset == "USDT", 1.70123, 7.0311))
