"""Features of family exposure: equal to their oracle, correct in time, and not a stranger's to move.

What the passes over all transfers say is held against its own oracle in `test_exposure.py`. Dates of labels are whole seconds.
"""

import sys
from functools import cache
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles.chain import Chain
from oracles.families.exposure_features import CATEGORIES, DECLARED, ORACLES, exposures, labels_among, table_of_labels
from oracles.histories import (
    DAY,
    HOUR,
    START,
    STRANGER,
    WALLETS,
    as_of_dates,
    chain,
    random_table,
    snapshots_at,
    timestamp,
)
from samples.small_ledger import ledger_from_rows, transfers_from_rows

from walletprint.features import Ledger, catalogue, extract
from walletprint.features.base.errors import UsageError
from walletprint.features.exposure import with_attribution

NAMES = [declared.name for declared in DECLARED]
SHARES = [declared.name for declared in DECLARED if declared.unit == "share"]
OF_BALANCE = [name for name in SHARES if name.endswith("__held_share")]
EARLY = START - 1
MIDDLE = [timestamp(START + day * DAY) for day in (60, 130)]
quick = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def labels_of(draw, transfers: pd.DataFrame, most: int = 5) -> pd.DataFrame:
    """Labels of the wallets of a chain, and of one it does not know; their dates on and beside those of the transfers."""
    times = [int(t.timestamp()) + more for t in transfers["timestamp"].unique() for more in (0, 1)] or [START]
    known_from = st.sampled_from([None, EARLY, EARLY, *times])
    row = st.tuples(st.sampled_from([*WALLETS, STRANGER]), st.sampled_from(CATEGORIES), known_from)
    rows = []
    for wallet, category, known in draw(st.lists(row, max_size=most)):
        case = draw(st.sampled_from(["one", "other", None])) if category == "theft" else None
        later = [t for t in times if known is not None and t > known]
        rows.append((wallet, category, case, known, draw(st.sampled_from([None, None, *later]))))
    return table_of_labels(rows)


def vectors(
    transfers: pd.DataFrame,
    labels: pd.DataFrame,
    snapshots: pd.DataFrame,
    names: list[str] = NAMES,
    window: str | None = None,
) -> pd.DataFrame:
    return extract(
        with_attribution(Ledger.from_transfers(transfers), labels), snapshots, features=names, window=window
    )[names]


def assert_equal(got: pd.DataFrame, expected: pd.DataFrame, snapshots: pd.DataFrame) -> None:
    """The same numbers to nine digits and the same nulls; says the first feature and snapshot that differ."""
    for name in NAMES:
        same = np.isclose(got[name], expected[name], rtol=1e-9, atol=1e-12, equal_nan=True)
        if not same.all():
            row = int(np.argmin(same))
            where = f"{snapshots['address'][row]} as of {snapshots['as_of'][row]}"
            pytest.fail(f"{name} of {where}: {got[name][row]!r}, the oracle says {expected[name][row]!r}")


def assert_same_bits(got: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Every float64 equal byte for byte, nulls and the sign of zero included."""
    moved = [name for name in expected if got[name].to_numpy().tobytes() != expected[name].to_numpy().tobytes()]
    assert not moved, "\n".join(f"{name}: {got[name].tolist()} is not {expected[name].tolist()}" for name in moved)


def dated(labels: pd.DataFrame, known_from: pd.Timestamp | None) -> pd.DataFrame:
    """The same labels, known from that moment on."""
    dates = {
        name: pd.Series(t, labels.index, "datetime64[us, UTC]")
        for name, t in (("known_from", known_from), ("known_until", None))
    }
    return labels.assign(**dates)


@pytest.fixture(scope="module")
def known() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """A chain of many wallets, labels, snapshots in the middle, and all their features, asked for at once."""
    transfers = random_table(transfers=1_000, wallets=60)
    wallets = sorted({*transfers["sender"], *transfers["receiver"]})
    labels, snapshots = labels_among(wallets, START, START + 200 * DAY, among=0.5), snapshots_at(MIDDLE, wallets)
    return transfers, labels, snapshots, vectors(transfers, labels, snapshots)


# Equal to the oracle.


def test_every_feature_has_an_oracle_and_every_oracle_a_feature():
    assert set(ORACLES) == set(NAMES)
    assert len(NAMES) == 44


@settings(quick, max_examples=40)
@given(st.data())
def test_features_equal_the_oracle(data):
    transfers = data.draw(chain(least=1))
    labels = data.draw(labels_of(transfers))
    snapshots = snapshots_at(data.draw(as_of_dates(transfers)))
    assert_equal(vectors(transfers, labels, snapshots), exposures(Chain(transfers), labels, snapshots), snapshots)


def test_features_equal_the_oracle_on_a_chain_of_many_wallets(known):
    transfers, labels, snapshots, got = known
    expected = exposures(Chain(transfers), labels, snapshots)
    assert (expected.nunique() > 1).all()
    assert_equal(got, expected, snapshots)


# Correct in time.


@quick
@given(st.data())
def test_later_transfers_and_later_labels_change_nothing(data):
    past, later = data.draw(chain(least=1)), data.draw(chain(least=1))
    as_of = data.draw(as_of_dates(past))[0]
    future = later.assign(
        timestamp=later["timestamp"] - later["timestamp"].min() + as_of, tx_id="later-" + later["tx_id"]
    )
    labels, more, snapshots = data.draw(labels_of(past)), data.draw(labels_of(past, most=8)), snapshots_at([as_of])
    later_labels = dated(more, as_of + data.draw(st.sampled_from([pd.Timedelta(0), pd.Timedelta("1s")])))
    stands = labels["known_from"].notna() & labels["known_until"].isna()
    withdrawn = labels.assign(known_until=labels["known_until"].mask(stands, as_of + pd.Timedelta("1s")))
    afterwards = pd.concat([later_labels, withdrawn], ignore_index=True)
    got = vectors(pd.concat([past, future], ignore_index=True), afterwards, snapshots)
    assert_same_bits(got, vectors(past, labels, snapshots))


@pytest.mark.parametrize(
    ("known_from", "known_until", "stands"),
    [(9, None, True), (10, None, False), (0, 10, False), (0, 11, True), (None, None, False)],
)
def test_a_label_stands_after_the_day_it_is_known_and_until_it_is_withdrawn(known_from, known_until, stands):
    dates = [None if t is None else START + t for t in (known_from, known_until)]
    transfers = transfers_from_rows([(5, "thief", "w"), (6, "thief", "w")])
    got = vectors(
        transfers, table_of_labels([("thief", "theft", None, *dates)]), snapshots_at([timestamp(START + 10)], ["w"])
    )
    assert got["exposure__theft_in__share"].tolist() == [float(stands)]


def test_labels_without_a_date_are_never_used(known):
    transfers, labels, snapshots, expected = known
    undated = dated(labels.assign(category=labels["category"].iloc[::-1].to_numpy()), None)
    both = pd.concat([undated, labels], ignore_index=True)
    assert_same_bits(vectors(transfers, both, snapshots), expected)
    nobody = vectors(transfers, undated, snapshots)
    assert_same_bits(nobody, vectors(transfers, labels.iloc[:0], snapshots))
    assert nobody[SHARES].max().max() == 0


# However one asks.


@quick
@given(st.data(), st.randoms(use_true_random=False))
def test_the_order_of_rows_and_of_labels_changes_nothing(data, rng):
    transfers = data.draw(chain(least=1))
    labels, snapshots = data.draw(labels_of(transfers)), snapshots_at(data.draw(as_of_dates(transfers)))
    rows, tags = rng.sample(range(len(transfers)), len(transfers)), rng.sample(range(len(labels)), len(labels))
    shuffled = vectors(transfers.iloc[rows], labels.iloc[tags], snapshots)
    assert_same_bits(shuffled, vectors(transfers, labels, snapshots))


def test_asking_in_another_order_or_for_others_too_changes_nothing(known):
    transfers, labels, snapshots, together = known
    order = np.random.default_rng(4).permutation(len(snapshots))[: len(snapshots) // 3]
    alone = vectors(transfers, labels, snapshots.iloc[order])
    assert_same_bits(alone, together.iloc[order])


@pytest.mark.parametrize("window", ["1h", "7d"])
def test_the_window_changes_nothing(known, window):
    transfers, labels, snapshots, expected = known
    assert_same_bits(vectors(transfers, labels, snapshots, window=window), expected)


@pytest.mark.parametrize(("threads", "block"), [(1, 200_000), (3, 50), (2, 1)])
def test_the_number_of_threads_and_the_size_of_blocks_change_nothing(known, threads, block):
    transfers, labels, snapshots, expected = known
    with (
        patch.object(sys.modules["walletprint.features.extraction.engine"], "_BLOCK", block),
        patch("os.sched_getaffinity", return_value=range(threads)),
    ):
        assert_same_bits(vectors(transfers, labels, snapshots), expected)


@pytest.mark.parametrize("name", NAMES)
def test_a_feature_asked_for_alone_is_the_same(known, name):
    """Of a ledger, too, that was read for this feature only."""
    transfers, labels, snapshots, together = known
    ledger = with_attribution(Ledger.from_transfers(transfers, features=[name]), labels)
    assert_same_bits(extract(ledger, snapshots, features=[name])[[name]], together[[name]])


def test_a_ledger_without_labels_has_no_exposure():
    ledger, snapshots = ledger_from_rows([(0, "v", "w")]), snapshots_at([timestamp(START + 1)], ["w"])
    with pytest.raises(UsageError, match=r"exposure.*labels.*with_attribution") as refused:
        extract(ledger, snapshots, features=["activity__transfers__total", NAMES[0]])
    assert "\n" not in str(refused.value)
    assert [name for name in extract(ledger, snapshots) if name.startswith("exposure__")] == []


def test_labels_add_exposure_and_change_nothing_else(known):
    transfers, labels, snapshots, _ = known
    ledger, some = Ledger.from_transfers(transfers), snapshots.iloc[:20]
    everything, before = extract(with_attribution(ledger, labels), some), extract(ledger, some)
    assert list(everything) == ["address", "as_of", *(declared.name for declared in catalogue())]
    assert_same_bits(everything.drop(columns=["address", "as_of", *NAMES]), before.drop(columns=["address", "as_of"]))


# What a stranger can do to it.

HONEST = [
    (0, "employer", "w", 100, "ETH"),
    (DAY, "w", "shop", 20, "ETH"),
    (2 * DAY, "w", "bridge", 30, "ETH"),
    (3 * DAY, "employer", "w", 60, "ETH"),
    (4 * DAY, "w", "friend", 10, "ETH"),
    (5 * DAY, "w", "exchange", 20, "ETH"),
    (6 * DAY, "w", "lookalike-not", 5, "ETH"),
]
"""An innocent wallet: 160 received, 75 held at the end."""
THIEF = [(i * HOUR, "mark", stranger, 1_000, "ETH") for i, stranger in enumerate(("thief", "tainted"))]
THIEF += [(3 * HOUR, "thief", "tainted", 5_000, "ETH")]
BAD = ["thief", "banned", "tumbler", "phisher"]
LABELS = table_of_labels(
    [
        *zip(
            BAD,
            ("theft", "sanctioned", "mixer", "phishing"),
            ("heist", None, None, None),
            [EARLY] * 4,
            [None] * 4,
            strict=True,
        ),
        ("bridge", "bridge", None, EARLY, None),
        ("exchange", "exchange", None, EARLY, None),
    ]
)
WHENEVER = [HOUR * 4, 3 * DAY, 6 * DAY + HOUR]


@cache
def innocent(*unsolicited: tuple) -> pd.Series:
    """The features of the innocent wallet, with what strangers sent it besides."""
    transfers = transfers_from_rows([*HONEST, *THIEF, *unsolicited])
    return vectors(transfers, LABELS, snapshots_at([timestamp(START + 7 * DAY)], ["w"])).iloc[0]


def unmoved(got: pd.Series, expected: pd.Series, names: list[str]) -> bool:
    return got[names].equals(expected[names])


@pytest.mark.parametrize("t", WHENEVER)
@pytest.mark.parametrize("stranger", [*BAD, "tainted"])
def test_dust_moves_shares_by_no_more_than_its_part_of_all_received(stranger, t):
    dust = 0.5
    before, after = innocent(), innocent((t, stranger, "w", dust, "ETH"))
    assert before[SHARES].notna().sum() == len(SHARES) - 1  # it paid no mixer
    moved = (after[SHARES].fillna(-1) - before[SHARES].fillna(-1)).abs()
    assert (moved.drop(OF_BALANCE) <= dust / 160).all()
    assert (moved[OF_BALANCE] <= dust / 75).all()
    others = [name for name in NAMES if name not in SHARES and name != "exposure__bridge_out__lag"]
    assert unmoved(after, before, others)


@pytest.mark.parametrize("t", WHENEVER)
@pytest.mark.parametrize("stranger", [*BAD, "tainted"])
@pytest.mark.parametrize("asset", ["SCAM", "USDT"])
def test_a_large_amount_of_another_token_moves_no_share(stranger, asset, t):
    after = innocent((t, stranger, "w", 1e9, asset), (t + 1, stranger, "w", 1e9, asset))
    assert unmoved(after, innocent(), [name for name in NAMES if name != "exposure__bridge_out__lag"])


@pytest.mark.parametrize("t", WHENEVER)
@pytest.mark.parametrize("bad", [*BAD, "lookalike", "bridge"])
def test_transfers_of_nothing_move_nothing(bad, t):
    """In both directions: some tokens let anybody write down that the wallet sent nothing to somebody."""
    assert unmoved(
        innocent((t, bad, "w", 0, "ETH"), (t, "w", bad, 0, "ETH"), (t, "w", bad, 0, "USDT")), innocent(), NAMES
    )


def test_look_alikes_move_shares_by_no_more_than_their_dust():
    """Addresses like those it pays send it a millionth of what it paid, just after: the labels of a look-alike are its own."""
    poison = [
        (t + 60, "lookalike-" + to, "w", amount * 1e-6, "ETH") for t, sender, to, amount, _ in HONEST if sender == "w"
    ]
    labels = table_of_labels([(row[1], "phishing", None, EARLY, None) for row in poison])
    snapshot, everyone = (
        snapshots_at([timestamp(START + 7 * DAY)], ["w"]),
        pd.concat([LABELS, labels], ignore_index=True),
    )
    after = vectors(transfers_from_rows([*HONEST, *THIEF, *poison]), everyone, snapshot).iloc[0]
    moved = (after[SHARES].fillna(-1) - innocent()[SHARES].fillna(-1)).abs()
    assert moved.max() <= 85e-6 / 75
    assert moved.drop(OF_BALANCE).max() <= 85e-6 / 160
