"""Every feature against an independent oracle: exact plain Python on random histories, SQL on a larger table."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import ORACLES, WITHOUT_LABELS, oracle
from oracles.chain import Chain
from oracles.histories import (
    DAY,
    START,
    WALLETS,
    WINDOWS,
    as_of_dates,
    border_table,
    chain,
    crowd,
    hub,
    random_table,
    snapshots_at,
    timestamp,
)
from oracles.sql import FEATURES as IN_SQL
from oracles.sql import sql_oracle

from walletprint.features import Ledger, extract
from walletprint.features.families.declaration import ASSET_UNITS

NULLS = {declared.name: declared.null for declared in WITHOUT_LABELS}


def assert_equal(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    """The same numbers to nine digits and the same nulls; names the first feature and snapshot that differ."""
    for name in expected.columns:
        same = np.isclose(got[name], expected[name], rtol=1e-9, atol=1e-12, equal_nan=True)
        if not same.all():
            row = int(np.argmin(same))
            where = f"{got['address'][row]} as of {got['as_of'][row]}"
            pytest.fail(f"{name} of {where}: {got[name][row]!r}, the oracle says {expected[name][row]!r}")


def by_oracle(transfers: pd.DataFrame | Chain, snapshots: pd.DataFrame, window: str) -> pd.DataFrame:
    chain_of_all = transfers if isinstance(transfers, Chain) else Chain(transfers)
    asked = zip(snapshots["address"], snapshots["as_of"], strict=True)
    return pd.DataFrame([oracle(chain_of_all, address, as_of, WINDOWS[window]) for address, as_of in asked])


def test_every_feature_has_an_oracle_and_every_oracle_a_feature():
    assert set(ORACLES) == set(NULLS)
    assert {name for features in IN_SQL.values() for name in features} <= set(NULLS)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_features_equal_the_oracle(data):
    transfers = data.draw(chain())
    snapshots = snapshots_at(data.draw(as_of_dates(transfers)))
    window = data.draw(st.sampled_from([*WINDOWS, "all"]))
    got = extract(Ledger.from_transfers(transfers), snapshots, window=window)
    assert_equal(got, by_oracle(transfers, snapshots, window))


@pytest.mark.parametrize("window", ["1d", "7d", "all"])
def test_features_equal_the_oracle_on_many_borders(window):
    transfers, snapshots = border_table(window)
    got = extract(Ledger.from_transfers(transfers), snapshots, window=window)
    assert_equal(got, by_oracle(transfers, snapshots, window))


def test_features_equal_the_oracle_on_a_chain_of_many_wallets():
    """A quarter of the wallets as of each date in a window, another quarter over all history: one chain for all of them."""
    transfers = random_table()
    wallets = sorted({*transfers["sender"], *transfers["receiver"]})
    ledger, chain_of_all = Ledger.from_transfers(transfers), Chain(transfers)
    for first, (window, day) in enumerate([("7d", 30), ("7d", 60), ("7d", 100), ("7d", 150), ("all", 150)]):
        snapshots = snapshots_at([timestamp(START + day * DAY + 5)], wallets[first % 4 :: 4])
        assert_equal(extract(ledger, snapshots, window=window), by_oracle(chain_of_all, snapshots, window))


def test_features_equal_the_oracle_on_a_wallet_with_thousands_of_transfers():
    transfers = hub()
    middle = transfers["timestamp"].iloc[len(transfers) // 2]
    beside = snapshots_at([middle], sorted({*transfers["sender"][:15], *transfers["receiver"][:15]}))
    snapshots = pd.concat([snapshots_at([transfers["timestamp"].max()], WALLETS[:1]), beside], ignore_index=True)
    got = extract(Ledger.from_transfers(transfers), snapshots)
    assert got["activity__transfers__total"][0] > 5_000
    assert_equal(got, by_oracle(transfers, snapshots, "all"))


def test_features_equal_the_oracle_where_the_chain_is_sampled():
    """Weeks with more transfers of an asset than ranks look at, and periods with more than cohorts take in."""
    transfers = crowd()
    ledger, chain_of_all = Ledger.from_transfers(transfers), Chain(transfers)
    wallets = sorted({*transfers["sender"]})[::150]
    snapshots = snapshots_at([transfers["timestamp"].max(), timestamp(START + 14 * DAY)], wallets)
    sampled = [name for name in NULLS if name.startswith(("cohort__", "value__high", "value__in__rank"))]
    for window in ("7d", "all"):
        expected = by_oracle(chain_of_all, snapshots, window)
        assert expected[sampled].notna().any().all()
        assert_equal(extract(ledger, snapshots, window=window), expected)


@pytest.mark.parametrize("window", ["7d", "all"])
def test_features_equal_sql_on_a_larger_table(window):
    transfers = random_table()
    wallets = sorted({*transfers["sender"], *transfers["receiver"]})
    dates = [timestamp(START + day * DAY) for day in range(10, 231, 20)]
    snapshots = snapshots_at(dates, wallets)
    expected = sql_oracle(transfers, snapshots, WINDOWS[window]).fillna(NULLS)
    got = extract(Ledger.from_transfers(transfers), snapshots, window=window)
    assert len(expected.columns) >= 80
    assert_equal(got, expected)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_only_amounts_depend_on_the_unit_they_are_counted_in(data):
    transfers = data.draw(chain())
    snapshots = snapshots_at(data.draw(as_of_dates(transfers)))
    tenfold = transfers.assign(amount=transfers["amount"] * 10)
    expected = extract(Ledger.from_transfers(transfers), snapshots)
    for declared in WITHOUT_LABELS:
        if declared.unit == ASSET_UNITS:
            expected[declared.name] *= 10
    assert_equal(extract(Ledger.from_transfers(tenfold), snapshots), expected[list(NULLS)])
