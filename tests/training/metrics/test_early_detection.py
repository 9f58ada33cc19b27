"""Time to detection, by hand and against a walk through each wallet's transfers."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.small_ledger import ledger_from_rows

from walletprint.features import UsageError, coverage
from walletprint.training.metrics.early_detection import early_snapshots, time_to_detection

START = pd.Timestamp("2020-01-01", tz="UTC")
HOUR, DAY = 3_600, 86_400


def name(wallet):
    return f"0x{wallet:040x}"


def ledger_of(rows):
    """[(second since START, sender, receiver)]."""
    return ledger_from_rows([(second, name(sender), name(receiver)) for second, sender, receiver in rows], START)


def seconds(moments):
    return ((moments - START) // pd.Timedelta(seconds=1)).astype(int).tolist()


def as_rows(snapshots):
    return set(zip(snapshots["address"], seconds(snapshots["as_of"]), snapshots["stage"], strict=True))


# wallet 1 receives at 0, sends at 2 h and 30 h; wallet 2 receives at 30 h; something else happens on day 20
LIFE = [(0, 9, 1), (2 * HOUR, 1, 8), (30 * HOUR, 1, 2), (20 * DAY, 9, 8)]


def test_stages_by_hand():
    found = as_rows(early_snapshots(ledger_of(LIFE), [name(1), name(2), name(5)]))
    assert found == {
        (name(1), 1, "transfers_1"),
        (name(1), 30 * HOUR + 1, "transfers_3"),
        (name(1), HOUR, "age_1h"),
        (name(1), DAY, "age_1d"),
        (name(1), 7 * DAY, "age_7d"),
        (name(2), 30 * HOUR + 1, "transfers_1"),
        (name(2), 31 * HOUR, "age_1h"),
        (name(2), 54 * HOUR, "age_1d"),
        (name(2), 30 * HOUR + 7 * DAY, "age_7d"),
    }


def test_a_snapshot_sees_the_transfers_of_its_stage():
    ledger = ledger_of(LIFE)
    shots = early_snapshots(ledger, [name(1)], transfers=(1, 2, 3), ages=("2h", "3h"))
    assert coverage(ledger, shots)["transfers"].tolist() == [
        1,
        2,
        3,
        1,
        2,
    ]  # what is at two hours is not younger than that


def test_an_age_beyond_the_end_of_the_data_was_not_observed():
    ledger = ledger_of(LIFE[:3])
    assert "age_7d" not in set(early_snapshots(ledger, [name(1)])["stage"])


ROWS = st.lists(
    st.tuples(st.integers(0, 30 * DAY), st.integers(1, 5), st.integers(1, 5)), min_size=1, max_size=50, unique=True
)


@given(ROWS)
@settings(max_examples=25, deadline=None)
def test_stages_are_those_of_a_walk_through_the_transfers(rows):
    end = max(second for second, *_ in rows) + 1
    expected = set()
    for wallet in range(1, 6):
        times = sorted(second for second, s, r in rows if wallet in (s, r))
        for n in (1, 3, 10):
            if len(times) >= n:
                expected.add((name(wallet), times[n - 1] + 1, f"transfers_{n}"))
        for age, length in (("1h", HOUR), ("1d", DAY), ("7d", 7 * DAY)):
            if times and times[0] + length <= end:
                expected.add((name(wallet), times[0] + length, f"age_{age}"))
    assert as_rows(early_snapshots(ledger_of(rows), [name(w) for w in range(1, 6)])) == expected


def test_recall_and_days_by_hand():
    ledger = ledger_of(LIFE)
    asked = []

    def score(snapshots):
        """Flags from the second transfer on; unscored before an hour is over."""
        asked.append(snapshots)
        seen = coverage(ledger, snapshots)["transfers"].to_numpy()
        return np.where(seconds(snapshots["as_of"]) == np.array(1), np.nan, seen / 10)

    found = time_to_detection(ledger, [name(1), name(2), name(5)], score, threshold=0.2)
    stages = found.stages.set_index("stage")
    assert stages.index.tolist() == ["transfers_1", "transfers_3", "transfers_10", "age_1h", "age_1d", "age_7d"]
    assert stages["wallets"].tolist() == [2, 1, 0, 2, 2, 2]
    assert stages["scored"].tolist() == [1, 1, 0, 2, 2, 2]
    assert stages["flagged"].tolist() == [0, 1, 0, 0, 1, 1]
    assert stages["recall"].iloc[[0, 1, 3, 4]].tolist() == [0, 1, 0, 0.5]
    assert math.isnan(stages["recall"]["transfers_10"])
    wallets = found.wallets.set_index("address")
    assert wallets["days"].iloc[:2].tolist() == [1.0, math.inf]  # the second transfer is seen first after a day
    assert math.isnan(wallets["days"][name(5)])
    assert seconds(wallets["first_transfer"].iloc[:2]) == [0, 30 * HOUR]
    assert wallets["first_flag"].isna().tolist() == [False, True, True]
    assert found.never == 0.5
    assert found.days.set_index("quantile")["days"].to_dict() == {
        0.1: 1.0,
        0.25: 1.0,
        0.5: 1.0,
        0.75: math.inf,
        0.9: math.inf,
    }
    assert len(asked) == 1
    assert not asked[0].duplicated().any()
    assert asked[0].columns.tolist() == ["address", "as_of"]


def test_wallets_without_a_transfer_are_counted_nowhere():
    found = time_to_detection(ledger_of(LIFE), [name(77)], lambda shots: np.ones(len(shots)), 0.5)
    assert found.stages["wallets"].sum() == 0
    assert math.isnan(found.never)
    assert found.days["days"].isna().all()
    assert found.wallets["first_transfer"].isna().all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"transfers": (0,)}, "transfers: whole numbers from 1 on are needed, not 0"),
        ({"ages": ("all",)}, "ages: lengths such as 1h or 7d are needed, not 'all'"),
        ({"ages": ("soon",)}, "a number and a unit are allowed"),
        ({"transfers": (), "ages": ()}, "at least one stage is needed"),
        ({"addresses": [name(1), name(1)]}, "is repeated; give each wallet once"),
        (
            {"score": lambda shots: [1.0]},
            r"score: one score for each of \d+ snapshots is needed; got the shape \(1,\)",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, message):
    given = {"addresses": [name(1)], "score": lambda shots: np.ones(len(shots)), "threshold": 0.5} | arguments
    with pytest.raises(UsageError, match=message):
        time_to_detection(ledger_of(LIFE), **given)
