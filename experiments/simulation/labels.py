"""What the world would know: labels that come late, cover a part of the wallets and are sometimes wrong; and wallets to score."""

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from .market import DAY, Floats
from .world import World

ILLICIT = ("laundering", "phishing", "scam", "theft", "state_linked")
TRUTH = ["address", "category", "actor", "case", "population"]
NEW_DAYS = 75  # a wallet is new if its first transfer lies so close to the end
COLLECTED_AFTER_DAYS = 120  # the label list was collected so long after the last transfer
WRONG = 0.01
UNDATED = 0.04
SHARES = {"exchange": 1.0, "mixer": 1.0, "service": 0.8, "merchant": 0.7, "user": 0.5}  # of each that have a label
SHARE, SHARE_ILLICIT = 0.6, 0.7  # of all others
SOURCES = {"exchange": "exchange tags", "exchange_deposit": "exchange tags", "state_linked": "analysts"}


def truth(world: World, addresses: pa.Array, rows: dict[str, npt.NDArray]) -> pd.DataFrame:
    """What each wallet with a transfer really is: TRUTH, and the second of its `first` transfer and the number of `transfers`."""
    w, n = world.wallets, len(world.wallets)
    ends = np.concatenate([rows["sender"], rows["receiver"]])
    first = np.full(n, world.end)
    np.minimum.at(first, ends, np.concatenate([rows["t"], rows["t"]]))
    columns = {"category": w.category, "actor": w.actor, "case": w.case, "population": w.population}
    counts = np.bincount(ends, minlength=n)
    frame = pd.DataFrame({"address": addresses.to_pylist(), **columns, "first": first, "transfers": counts})
    return frame.loc[counts > 0].reset_index(drop=True)


def known(world: World, true: pd.DataFrame, wallets: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The label list, and the wallets to score, which are in no list; `wallets` is how many the chain was asked to have."""
    new = _new_wallets(world.rng, true, world.end - NEW_DAYS * DAY, int(0.04 * wallets))
    labels = _labels(world, true.drop(new)).sort_values("address")
    return labels, true.loc[new, ["address"]].sort_values("address")


def _new_wallets(rng: np.random.Generator, true: pd.DataFrame, since: int, count: int) -> npt.NDArray:
    """Rows of up to `count` new wallets: half of the state's and of the launderers' (a ninth in all at most), the rest honest."""
    enough = (true["transfers"].to_numpy() >= 3) | (rng.random(len(true)) < 0.1)
    new = np.flatnonzero((true["first"].to_numpy() >= since) & enough)
    category = true["category"].to_numpy()[new]
    state, bad = category == "state_linked", np.isin(category, ILLICIT)
    taken = [
        rng.permutation(part)[: min((len(part) + 1) // 2, count // 18)] for part in (new[state], new[bad & ~state])
    ]
    honest = rng.permutation(new[~bad])
    left = min(count - sum(map(len, taken)), len(honest) * 3 // 4)
    return np.concatenate([*taken, honest[:left]])


def _labels(world: World, true: pd.DataFrame) -> pd.DataFrame:
    """Labels of a part of the wallets, with the day from which each was known."""
    rng, illicit = world.rng, true["category"].isin(ILLICIT).to_numpy()
    share = np.array([SHARES.get(category, SHARE) for category in true["category"]])
    drawn = rng.random(len(true)) < np.where(illicit, SHARE_ILLICIT, share)
    labels = true.loc[drawn, ["address", "category", "actor", "case"]].copy()
    at = _known_from(world, labels["case"].tolist(), true.loc[drawn, "first"].to_numpy())
    iso = pd.to_datetime(at, unit="s", utc=True).strftime("%Y-%m-%dT%H:%M:%SZ")
    labels["known_from"] = np.where(rng.random(len(labels)) < UNDATED, "", iso)
    labels["source"] = [SOURCES.get(category, "community") for category in labels["category"]]
    labels["confidence"] = np.round(rng.beta(8, 2, len(labels)), 2)
    return _mistaken(rng, labels).loc[at < world.end + COLLECTED_AFTER_DAYS * DAY]


def _known_from(world: World, case: list[str], first: Floats) -> npt.NDArray[np.int64]:
    """Honest wallets: some weeks after they appear. Others: days to weeks after their case began, and after they appear."""
    rng, began = world.rng, world.wallets.case_start
    lag = {name: rng.lognormal(np.log(20), 0.7) * DAY for name in began}
    heard = np.array([began[name] + lag[name] if name else 0.0 for name in case])
    wait = rng.exponential(np.where(heard > 0, 12 * DAY, 25 * DAY))
    return (np.maximum(heard, first + DAY) + wait).astype(np.int64)


def _mistaken(rng: np.random.Generator, labels: pd.DataFrame) -> pd.DataFrame:
    """One label in a hundred is wrong: an honest wallet is taken for a launderer, a launderer for a user."""
    illicit, wrong = labels["category"].isin(ILLICIT).to_numpy(), rng.random(len(labels)) < WRONG
    labels.loc[wrong & illicit, ["category", "actor", "case"]] = ["user", "", ""]
    labels.loc[wrong & ~illicit, "category"] = "laundering"
    return labels
