"""Habits of wallets as numbers: what a wallet did in a season (90 days), from its own transfers. Fits nothing.

The generator of ordinary users takes these very numbers, so what is measured here can be simulated there.
"""

from typing import Any

import numpy as np
import pandas as pd

from ..input_files import Frame

SEASON = 90 * 86_400
MIN_TRANSFERS = 3  # in a season, for it to be measured
HABITS = (
    "log_n", "out_share", "span", "in_gap_sd", "in_memory", "out_gap_sd", "delay", "delay_sd", "run_gap", "switches", "in_median",
    "in_sd", "out_median", "out_sd", "in_round", "out_round", "in_distinct", "out_distinct", "in_top", "out_top", "in_again",
    "out_again", "in_short", "out_short", "in_modal", "out_modal", "forward", "ratio", "in_hours", "out_hours", "out_memory",
)  # fmt: skip
"""log_n: ln of the number of transfers; span: first to last, as a share of the season; gap_sd, memory: spread of ln gaps
among ins (or outs), and how much a gap is like the one before; delay, delay_sd: mean and spread of ln seconds from an in to the
out after it; run_gap: the mean from an out to the out next to it; switches: share of neighbours of different direction; medians
and spreads of ln amounts; round: share with one or two significant digits; distinct: counterparties for each transfer; top: share
of the busiest one; again: share of amounts that come twice; short: share with at most four significant digits; modal: share of
amounts about as large as the commonest; forward: share of the outs that send on all that came since the out
before; ratio: ln of value sent to value received; hours: how concentrated the hours of the day are (0 to 1).
"""
_ROUND_TO, _SHORT_TO, _SAME, _ABOUT, _MOST_RATIO = 2, 4, 0.03, 0.02, 6.0


def seasons(table: Frame) -> Frame:
    """Habits of each wallet in each season with MIN_TRANSFERS transfers or more: index (wallet, season), columns HABITS."""
    ordered = table.assign(season=table["t"] // SEASON).sort_values(["wallet", "season", "t"], kind="stable")
    size = ordered.groupby(["wallet", "season"], sort=False)["t"].transform("size")
    return measured(ordered[size >= MIN_TRANSFERS].reset_index(drop=True), ["wallet", "season"])


def measured(rows: Frame, by: list[str]) -> Frame:
    """HABITS of each group of rows, which stand together and in order of time."""
    group = rows.groupby(by, sort=False)
    key = group.ngroup().to_numpy()
    found: Any = pd.DataFrame(index=group.size().index)
    n = np.bincount(key)
    found["log_n"], found["out_share"] = np.log(n), group["out"].mean()
    found["span"] = ((group["t"].max() - group["t"].min()) / SEASON).clip(upper=1.0)
    for name, values in _order(rows, key, len(n)).items():
        found[name] = values
    for side, out in (("in", False), ("out", True)):
        mine = (rows["out"] == out).to_numpy()
        both = _side(rows[mine], key[mine], len(n)) | _rhythm(rows["t"].to_numpy()[mine], key[mine], len(n))
        for name, values in both.items():
            found[f"{side}_{name}"] = values
    return found[list(HABITS)]


def _order(rows: Frame, key: np.ndarray, groups: int) -> dict[str, np.ndarray]:
    """What follows what, and how soon, by group."""
    t, out, amount = (rows[name].to_numpy() for name in ("t", "out", "amount"))
    inner = np.flatnonzero(np.diff(key, prepend=-1) == 0)
    gap, k = np.log(np.maximum(t[inner] - t[inner - 1], 1.0)), key[inner]
    on, run = ~out[inner - 1] & out[inner], out[inner - 1] & out[inner]
    delay = _mean(gap[on], k[on], groups)
    all_on = inner[on & (np.abs(amount[inner] / _since_last_out(out, amount, key)[inner] - 1) < _SAME)]
    sent, received = (np.bincount(key, np.where(out == side, amount, 0.0), groups) for side in (True, False))
    several = np.bincount(k[on], minlength=groups) >= 2
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.clip(np.log(sent / received), -_MOST_RATIO, _MOST_RATIO)
        return {
            "delay": delay,
            "delay_sd": np.where(several, np.sqrt(_mean((gap[on] - delay[k[on]]) ** 2, k[on], groups)), np.nan),
            "run_gap": _mean(gap[run], k[run], groups),
            "switches": _mean((out[inner] != out[inner - 1]).astype(float), k, groups),
            "forward": np.bincount(key[all_on], minlength=groups) / np.bincount(key, out, groups),
            "ratio": np.where((sent > 0) & (received > 0), ratio, np.nan),
        }


def _rhythm(t: np.ndarray, key: np.ndarray, groups: int) -> dict[str, np.ndarray]:
    """Gaps and hours of one direction, by group."""
    n = np.bincount(key, minlength=groups)
    inner = np.flatnonzero(np.diff(key, prepend=-1) == 0)
    gap, k = np.log(np.maximum(t[inner] - t[inner - 1], 1.0)), key[inner]
    off = gap - _mean(gap, k, groups)[k]
    spread = np.sqrt(_mean(off**2, k, groups))
    pairs = np.flatnonzero((np.diff(k, prepend=-1) == 0) & (n[k] >= 5))
    product = _mean(off[pairs] * off[pairs - 1], k[pairs], groups)
    angle = 2 * np.pi * (t % 86_400) / 86_400
    square = _mean(np.cos(angle), key, groups) ** 2 + _mean(np.sin(angle), key, groups) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "gap_sd": np.where(n >= 3, spread, np.nan),
            "memory": np.clip(product / spread**2, -0.9, 0.9),
            "hours": np.where(n >= 2, np.sqrt(np.maximum((n * square - 1) / (n - 1), 0.0)), np.nan),
        }


def _since_last_out(out: np.ndarray, amount: np.ndarray, key: np.ndarray) -> np.ndarray:
    """For each transfer the sum of what came in since the group's out before it (NaN if nothing did), (rows,)."""
    stretch = np.cumsum(np.concatenate([[0], (out[:-1] | (np.diff(key) != 0)).astype(int)]))
    total = np.bincount(stretch, np.where(out, 0.0, amount))[stretch]
    return np.where(total > 0, total, np.nan)


def _side(rows: Frame, key: np.ndarray, groups: int) -> dict[str, np.ndarray]:
    """Amounts and counterparties of one direction, by group."""
    amount, ln = rows["amount"].to_numpy(), np.log(rows["amount"].to_numpy())
    count = np.bincount(key, minlength=groups)
    mean = _mean(ln, key, groups)
    by_amount: Any = pd.DataFrame({"key": key, "amount": amount}).groupby(["key", "amount"])["amount"].transform("size")
    sizes: Any = pd.DataFrame({"key": key, "size": np.floor(ln / _ABOUT)}).value_counts()
    alike = sizes.groupby("key").max()
    pairs: Any = pd.DataFrame({"key": key, "other": rows["other"].to_numpy()}).value_counts().reset_index()
    most = pairs.groupby("key")["count"].agg(["size", "max"]).reindex(range(groups))
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "median": pd.Series(ln).groupby(key).median().reindex(range(groups)).to_numpy(),
            "sd": np.where(count >= 2, np.sqrt(_mean((ln - mean[key]) ** 2, key, groups)), np.nan),
            "round": _mean(is_round(amount, _ROUND_TO).astype(float), key, groups),
            "short": _mean(is_round(amount, _SHORT_TO).astype(float), key, groups),
            "modal": alike.reindex(range(groups)).to_numpy() / count,
            "distinct": most["size"].to_numpy() / count,
            "top": most["max"].to_numpy() / count,
            "again": _mean((by_amount.to_numpy() > 1).astype(float), key, groups),
        }


def is_round(amount: np.ndarray, digits: int) -> np.ndarray:
    """Whether amounts > 0 have no more than this many significant digits."""
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(amount)))
    return np.abs(amount * scale - np.round(amount * scale)) < 1e-6


def _mean(values: np.ndarray, key: np.ndarray, groups: int) -> np.ndarray:
    """The mean by group, NaN where there is nothing."""
    count = np.bincount(key, minlength=groups)
    return np.where(count > 0, np.bincount(key, values, groups) / np.maximum(count, 1), np.nan)
