"""The 36 features in pandas: one sorted frame of events, running sums in it, and groupings; no function of ours a wallet.

Sums over a time range are differences of running sums, found by a binary search on wallet and time as one number. How matches
follow from running sums without a queue is described in duckdb_sql.py.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .columns import AS_OF, COLUMNS, MONTH

Frame = Any  # a DataFrame: the annotations of pandas say of most of what it returns that it may be a Series as well
_AS_OF = int(AS_OF.timestamp())
_DAY = 86_400
_BITS = 1 << 33  # more than any time in seconds


def run(path: Path) -> pd.DataFrame:
    """The features of every wallet with a transfer before the date."""
    transfers, addresses = _numbered(path)
    events = _events(transfers)
    del transfers
    _add_running_sums(events)
    table = pd.concat([_wallets(events), _parties(events), _clocks(events)], axis=1)
    table = _features(table)
    table["address"] = addresses.take(table.index)
    return table[list(COLUMNS)]


def _numbered(path: Path) -> tuple[Frame, Any]:
    """Transfers before the date with wallets as numbers, and the addresses of those: text is slow to sort and to group by."""
    names = ["timestamp", "sender", "receiver", "amount", "asset"]
    table = pd.read_parquet(path, columns=names, filters=[("timestamp", "<", AS_OF)])
    ids, addresses = pd.factorize(pd.concat([table["sender"], table["receiver"]], ignore_index=True))
    t = table["timestamp"].astype("datetime64[s, UTC]").astype("int64")
    table = table.drop(columns=["timestamp", "sender", "receiver"])
    return table.assign(t=t, sender=ids[: len(table)], receiver=ids[len(table) :]), addresses


def _events(transfers: Frame) -> Frame:
    """Every transfer once for each wallet it concerns, in order; direction 0 in, 1 out, 2 to itself."""
    to_self = transfers["sender"] == transfers["receiver"]
    outs = transfers.rename(columns={"sender": "w", "receiver": "party"}).assign(direction=np.where(to_self, 2, 1))
    ins = transfers[~to_self].rename(columns={"receiver": "w", "sender": "party"}).assign(direction=0)
    both = pd.concat([outs, ins], ignore_index=True)
    both["asset"] = pd.factorize(both["asset"])[0]
    order = np.lexsort([both[name].to_numpy() for name in ("amount", "direction", "t", "w")])
    return both.take(order).reset_index(drop=True)


def _add_running_sums(e: Frame) -> None:
    """What a wallet's features need to know of its other transfers: gaps, sums so far, sums near in time, matches so far."""
    e["x_in"] = e["amount"].where(e["direction"] == 0, 0.0)
    e["x_out"] = e["amount"].where(e["direction"] == 1, 0.0)
    wallets = e.groupby("w", sort=False)
    e["gap"] = wallets["t"].diff()
    e["age"] = e["t"] - wallets["t"].transform("first")
    e["came"], e["went"] = wallets["x_in"].cumsum(), wallets["x_out"].cumsum()
    until = _SumsUntil(e)
    e["next_day"] = until("went", _DAY) - until("went", -1)
    e["old_1h"], e["old_1d"] = until("came", -3601), until("came", -_DAY - 1)
    e["matched"] = e["went"] - (e["went"] - e["came"]).groupby(e["w"], sort=False).cummax().clip(lower=0)
    e["matched_before"] = wallets["matched"].shift(fill_value=0.0)
    e["matched_in_all"] = wallets["matched"].transform("last")


class _SumsUntil:
    """A running sum of each row's wallet as it stood some seconds after (or before) that row."""

    def __init__(self, events: Frame) -> None:
        self.events = events
        self.wallet = events["w"].to_numpy()
        self.key = self.wallet * _BITS + events["t"].to_numpy()

    def __call__(self, column: str, seconds: int) -> np.ndarray:
        position = np.searchsorted(self.key, self.key + seconds, side="right") - 1
        same = (position >= 0) & (self.wallet[position] == self.wallet)
        return np.where(same, self.events[column].to_numpy()[position], 0.0)


def _wallets(e: Frame) -> Frame:
    """Sums, means and extremes per wallet. A conditional value first gets a column of its own, which is fast in pandas."""
    parts = _summands(e)
    wallets = parts.groupby(e["w"], sort=False)
    outs, ins = parts["amount_out"].groupby(e["w"], sort=False), parts["amount_in"].groupby(e["w"], sort=False)
    times, gaps = e.groupby("w", sort=False)["t"], e.groupby("w", sort=False)["gap"]
    table = wallets[[name for name in parts if not name.startswith("amount")]].sum()
    return table.assign(
        n=times.size(),
        t_1=times.first(),
        t_n=times.last(),
        assets=e.groupby("w", sort=False)["asset"].nunique(),
        matched=e.groupby("w", sort=False)["matched"].last(),
        mean_out=outs.mean(),
        mean_in=ins.mean(),
        max_out=outs.max(),
        max_in=ins.max(),
        sd_out=outs.std(ddof=0),
        sd_in=ins.std(ddof=0),
        sizes=outs.nunique(),
        longest=gaps.max(),
        mean_gap=gaps.mean(),
        sd_gap=gaps.std(ddof=0),
    )


def _summands(e: Frame) -> Frame:
    """A column for each number that is summed a wallet, and the amounts sent and received."""
    t, amount, gap = (e[name].to_numpy() for name in ("t", "amount", "gap"))
    out, came = e["direction"].to_numpy() == 1, e["direction"].to_numpy() == 0
    digits = 10 * amount / 10.0 ** np.floor(np.log10(amount))
    month = t >= _AS_OF - MONTH
    new_day = np.isnan(gap) | (t // _DAY != (t - gap) // _DAY)
    parts = {
        "outs": out,
        "ins": came,
        "days": new_day,
        "zero_gaps": gap == 0,
        "rounds": out & (np.abs(digits - np.round(digits)) <= 1e-7),
        "night": out & (t % _DAY < 32_400),
        "forwarded": came & (e["next_day"].to_numpy() >= 0.9 * amount * (1 - 1e-9)),
        "outs_month": out & month,
        "sum_out": e["x_out"],
        "sum_in": e["x_in"],
        "sum_in_month": np.where(month, e["x_in"], 0.0),
        "amount_out": np.where(out, amount, np.nan),
        "amount_in": np.where(came, amount, np.nan),
    }
    return pd.DataFrame(parts | _matches(e, out, came), copy=False)


def _matches(e: Frame, out: np.ndarray, came: np.ndarray) -> dict[str, np.ndarray]:
    """Value times the time it stayed, and the value that stayed longer than an hour and than a day."""
    age, before = e["age"].to_numpy(), e["matched_before"].to_numpy()
    step = e["matched"].to_numpy() - before
    spent_of_in = np.clip(e["matched_in_all"].to_numpy() - e["came"].to_numpy() + e["x_in"].to_numpy(), 0, e["x_in"])
    return {
        "dwelt": np.where(out, age * step, np.where(came, -age * spent_of_in, 0.0)),
        "slow_1h": np.clip(e["old_1h"].to_numpy() - before, 0, step),
        "slow_1d": np.clip(e["old_1d"].to_numpy() - before, 0, step),
    }


def _parties(e: Frame) -> Frame:
    """A wallet's counterparties: senders, receivers, both, and the transfers to the most frequent receiver."""
    others = e.loc[e["direction"] < 2, ["w", "party", "direction"]]
    pairs = others.groupby(["w", "party"], sort=False)["direction"].agg(["sum", "size"]).reset_index()
    out, came = pairs["sum"] > 0, pairs["size"] > pairs["sum"]
    columns = {"distinct_all": True, "distinct_out": out, "distinct_in": came, "distinct_both": out & came}
    wallets = pairs.assign(**columns).groupby("w", sort=False)
    return wallets[list(columns)].sum().assign(top_out=wallets["sum"].max())


def _clocks(e: Frame) -> Frame:
    """The evenness of the hours at which a wallet sends."""
    sent = e.loc[e["direction"] == 1, ["w", "t"]]
    n = sent.groupby(["w", sent["t"] % _DAY // 3600], sort=False).size().astype("float64")
    wallets: Frame = pd.DataFrame({"n": n, "weighted": n * np.log(n)}).groupby("w", sort=False).sum()
    entropy = np.log(wallets["n"]) - wallets["weighted"] / wallets["n"]
    return (entropy / np.log(24)).to_frame("timing__out_hour__entropy")


def _features(f: Frame) -> Frame:
    def share(part: Any, whole: Any) -> Any:
        return part / whole.where(whole > 0)

    span = f["t_n"] - f["t_1"]
    spread = (f["sd_gap"] - f["mean_gap"]) / (f["sd_gap"] + f["mean_gap"])
    columns = {
        "activity__transfers__out": f["outs"],
        "activity__transfers__in": f["ins"],
        "activity__self__share": (f["n"] - f["outs"] - f["ins"]) / f["n"],
        "activity__assets__distinct": f["assets"],
        "activity__age__days": (_AS_OF - f["t_1"]) / _DAY,
        "activity__recency__days": (_AS_OF - f["t_n"]) / _DAY,
        "activity__span__days": span / _DAY,
        "activity__active__days": f["days"],
        "value__out__total": f["sum_out"],
        "value__in__total": f["sum_in"],
        "value__out__mean": f["mean_out"],
        "value__in__mean": f["mean_in"],
        "value__out__max": f["max_out"],
        "value__in__max": f["max_in"],
        "value__out__cv": (f["sd_out"] / f["mean_out"]).where(f["outs"] > 1),
        "value__in__cv": (f["sd_in"] / f["mean_in"]).where(f["ins"] > 1),
        "amounts__out__round_share": share(f["rounds"], f["outs"]),
        "amounts__out__distinct_share": share(f["sizes"], f["outs"]),
        "timing__gap__longest": f["longest"],
        "timing__gap__longest_share": share(f["longest"], span),
        "timing__gap__zero_share": share(f["zero_gaps"], f["n"] - 1),
        "timing__gap__burstiness": spread.where((f["n"] > 2) & (span > 0)),
        "timing__out_hour__entropy": f["timing__out_hour__entropy"],
        "timing__out_hour__night_share": share(f["night"], f["outs"]),
        "counterparties__out__distinct": f["distinct_out"].fillna(0),
        "counterparties__in__distinct": f["distinct_in"].fillna(0),
        "counterparties__all__distinct": f["distinct_all"].fillna(0),
        "counterparties__reciprocal__share": share(f["distinct_both"], f["distinct_all"]),
        "counterparties__out__top_share": share(f["top_out"], f["outs"]),
        "flow__forward__1d": share(f["forwarded"], f["ins"]),
        "flow__pass_through__1h": share(f["matched"] - f["slow_1h"], f["sum_in"]),
        "flow__pass_through__1d": share(f["matched"] - f["slow_1d"], f["sum_in"]),
        "flow__dwell__mean": share(f["dwelt"], f["matched"]),
        "flow__retention__share": share(f["sum_in"] - f["matched"], f["sum_in"]),
        "activity__transfers__out__30d": f["outs_month"],
        "value__in__total__30d": f["sum_in_month"],
    }
    return pd.DataFrame(columns, copy=False)
