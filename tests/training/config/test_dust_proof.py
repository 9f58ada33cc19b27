"""Dust moves the features that are said to be proof against it within their bounds alone: random histories, and a hub."""

import random
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from oracles.chain import Chain
from oracles.families.activity import since_share
from oracles.families.counterparties import parties_that_carry
from oracles.families.exposure_features import labels_among, table_of_labels
from oracles.families.value import transfers_that_carry
from oracles.histories import DAY, START, WALLETS, chain, hub, snapshots_at, timestamp
from oracles.history import History

from walletprint.features import Ledger, catalogue, extract, feature
from walletprint.features.exposure import with_attribution
from walletprint.training import load_config
from walletprint.training.config.dust_proof import (
    DUST,
    PROOFS,
    SHARE_OF_VALUE,
    SHARE_REACHED,
    WALLET_ONLY,
    dust_proof_features,
    proof_of,
)
from walletprint.training.config.model_features import feature_names

NAMES = dust_proof_features()
BY = {
    why: [name for name in NAMES if proof_of(name).why == why] for why in (WALLET_ONLY, SHARE_OF_VALUE, SHARE_REACHED)
}
UNMOVED = [name for name in BY[WALLET_ONLY] if "ranks" not in feature(name).needs]  # ranks move with the whole chain
THIEF = "0x" + "7" * 40
LABELS = pd.concat(
    [labels_among(WALLETS, START - DAY, START), table_of_labels([(THIEF, "theft", "heist", START - DAY, None)])],
    ignore_index=True,
)
REMEDY = "take it out of PROOFS in training/config/dust_proof.py, or name it in `but` there"
EPSILON = Fraction(DUST)
SLACK = Fraction(1, 10**6)  # of a share: where a border is met to the last digit, either side will do
ORACLES = {
    "value__in__count_for_90pct": lambda history, share: transfers_that_carry(history, "in", share),
    "counterparties__in__count_for_90pct": lambda history, share: parties_that_carry(history, "in", share),
    **{
        f"activity__value_in__p{percent}_days": lambda history, share: since_share(history, "in", 100 * share)
        for percent in (10, 50, 90)
    },
}


def dust_for(history: History, rng: random.Random) -> pd.DataFrame:
    """What strangers send a wallet within its window: coins up to the budget in one or many pieces, tokens and nothing."""
    first, last = history.times[0], history.as_of - 1
    budget = float(EPSILON * sum(history.sizes("in"))) * (1 - 1e-9)
    pieces = np.array([rng.random() ** 3 for _ in range(rng.choice([1, 3, 20]))])
    kinds = [(history.leading, float(size)) for size in budget * pieces / pieces.sum()]
    kinds += [(rng.choice(["SPAM", "ETH", "USDT"]), 0.0), ("SPAM", 1e9), ("SPAM", 1.0)]
    rows = [
        {
            "timestamp": timestamp(rng.randint(first, last)),
            "sender": rng.choice([THIEF, f"0x{k:040x}"]),
            "receiver": history.wallet,
            "amount": amount,
            "asset": asset,
            "tx_id": f"dust {k}",
            "failed": False,
        }
        for k, (asset, amount) in enumerate(kinds)
    ]
    return pd.DataFrame(rows).astype({"failed": "boolean"})


def vector(transfers: pd.DataFrame, snapshot: pd.DataFrame, window: str | None) -> pd.Series:
    ledger = with_attribution(Ledger.from_transfers(transfers), LABELS)
    return extract(ledger, snapshot, window=window, features=NAMES).loc[0, NAMES].astype(float)


def holds(transfers: pd.DataFrame, wallet: str, as_of: int, window: str | None, rng: random.Random) -> bool:
    """Dust a wallet and compare; False if it received nothing, or its leading asset hangs on what it received."""
    before = History(Chain(transfers), wallet, as_of, None if window is None else int(window[:-1]) * DAY)
    if not before.sizes("in"):
        return False
    dusted = pd.concat([transfers, dust_for(before, rng)], ignore_index=True).sort_values("timestamp", kind="stable")
    for seconds in {before.window, None}:
        was, now = (History(Chain(table), wallet, as_of, seconds) for table in (transfers, dusted))
        if was.leading != now.leading:
            return False
    snapshot = snapshots_at([timestamp(as_of)], [wallet])
    within_bounds(before, *(vector(table, snapshot, window) for table in (transfers, dusted)))
    return True


def within_bounds(before: History, old: pd.Series, new: pd.Series) -> None:
    """Hold what came out after the dust against what came out before."""
    same = np.isclose(new[UNMOVED], old[UNMOVED], rtol=1e-9, atol=1e-9, equal_nan=True)
    assert same.all(), (
        f"dust moves {[name for name, unmoved in zip(UNMOVED, same, strict=True) if not unmoved]}: {REMEDY}"
    )
    moved = (new - old)[BY[SHARE_OF_VALUE]].abs()
    assert not (moved > DUST + 1e-9).any(), f"{moved.nlargest(3)}: {REMEDY}"
    for name in BY[SHARE_REACHED]:
        assert name in ORACLES, f"{name}: give ORACLES above its formula for any share"
        low, high = sorted(reached(name, before))
        assert low - 1e-9 <= new[name] <= high + 1e-9, f"{name}: {REMEDY}"


def reached(name: str, before: History) -> list[float]:
    """What the feature was where shares a little less and a little more of the value were reached."""
    share = Fraction(int(name.rpartition("__p")[2].removesuffix("_days")), 100) if "__p" in name else Fraction(9, 10)
    least = share * (1 + EPSILON) - EPSILON - SLACK
    most = min(Fraction(1), share * (1 + EPSILON) + SLACK)
    return [float(ORACLES[name](before, part)) for part in (least, most)]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(chain(), st.integers(0, 10**6), st.sampled_from(["1d", "30d", None]))
def test_dust_moves_what_is_proof_by_no_more_than_its_bound(transfers, seed, window):
    assume(len(transfers))
    rng = random.Random(seed)
    last = int(transfers["timestamp"].max().timestamp())
    assume(holds(transfers, rng.choice(WALLETS), last + rng.choice([1, DAY // 2]), window, rng))


@pytest.mark.parametrize("seed", range(3))
def test_dust_moves_a_hub_by_no_more_than_the_bounds(seed):
    transfers = hub(transfers=1_500)
    last = int(transfers["timestamp"].max().timestamp())
    assert holds(transfers, transfers["receiver"].mode()[0], last + 1, "30d", random.Random(seed))


def test_what_counts_transfers_received_is_not_proof():
    moved = {"activity__transfers__in", "activity__span__days", "timing__gap__longest", "flow__retention__share"}
    assert not moved & set(NAMES)


def test_what_looks_at_other_wallets_is_not_proof():
    others = {"degrees", "paths", "relays", "peels", "cycles", "scatters", "cohorts", "hours"}
    assert not [name for name in NAMES if others & set(feature(name).needs)]


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: proof.why[:20])
def test_no_name_of_the_list_is_idle(proof):
    names = [declared.name for declared in catalogue()]
    assert all(
        any(name.startswith(start) and name not in proof.exceptions for name in names) for start in proof.prefixes
    )
    assert all(name in names and name.startswith(proof.prefixes) for name in proof.exceptions)


def test_a_config_asks_for_nothing_else():
    asked = {"families": ["activity", "exposure"], "dust_proof": True}
    chosen = feature_names(load_config({"features": asked}, head="laundering").features)
    assert "activity__recency_out__days" in chosen
    assert "exposure__theft_in__direct_share" in chosen
    assert set(chosen) < {declared.name for family in asked["families"] for declared in catalogue(family)}
    assert chosen == dust_proof_features(chosen)
