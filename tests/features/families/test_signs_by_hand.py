"""Swaps, signatures, sizes and hours of wallet "w" beside those of the chain: small cases worked out by hand."""

from math import isnan, log, sqrt

import pytest
from samples.small_ledger import assert_features, fingerprint

HOUR = 3_600


def test_swap_and_back():
    """Gets 1 ETH, swaps it for 300 dollars, gets 50 more, and swaps 300 back for 0.97 ETH: a loop at a loss.

    a ─1 ETH─► w ═1 ETH═► pool ═300 USDT═► w        one transaction
    b ─50 USDT─► w ═300 USDT═► pool ═0.97 ETH═► w   another, two hours later
    """
    lines = """
        01 09:00:00 a w 1
        01 10:00:00 w pool 1 tx_id=there
        01 10:00:00 pool w 300 tx_id=there asset=USDT
        01 10:30:00 b w 50 asset=USDT
        01 12:00:00 w pool 300 tx_id=back asset=USDT
        01 12:00:00 pool w 0.97 tx_id=back
        """
    expected = {
        "assets__in__distinct": 2,
        "assets__swap__share": 4 / 6,
        "assets__swap__to_native_share": 1 / 2,
        "assets__swap__delay": (3_600 + 5_400) / 2,
        "assets__to_native__delay": 5_400,  # b's dollars, at 10:30
        "assets__dollar__delay": (2 * HOUR + 5_400) / 2,  # both the 300 and the 50 leave at 12:00
        "assets__native__share": 3 / 6,
        "assets__dollar__share": 3 / 6,
        "assets__unsold__share": 0,
        "assets__loop__share": 1 / 2,
        "assets__loop__kept": 0.97,
    }
    assert_features(fingerprint(lines), expected)
    kept = lines.replace("01 12:00:00", "02 10:00:01")
    assert fingerprint(kept)["assets__loop__share"] == 0  # a day and a second later
    separate = lines.replace("tx_id=back", "")
    assert fingerprint(separate)["assets__swap__share"] == 2 / 6


def test_chain_hop():
    """10 ETH go to a bridge on one chain, and 9.95 come back 20 minutes later on another.

    w ═10 (ethereum)═► bridge ═9.95 (bsc)═► w
    """
    lines = """
        01 10:00:00 w bridge 10 chain=ethereum
        01 10:20:00 bridge w 9.95 chain=bsc
        """
    hop = "assets__chain_hop__"
    assert_features(fingerprint(lines), {f"{hop}share": 1, f"{hop}delay": 1_200, "assets__chains__distinct": 2})
    for other in (("bsc", "ethereum"), ("9.95", "9.89"), ("10:20:00", "11:00:00"), ("10:20:00", "10:00:00")):
        assert fingerprint(lines.replace(*other))[f"{hop}share"] == 0


def test_own_token():
    """Sends a token that nobody had moved before, and one that somebody had."""
    lines = """
        01 10:00:00 w a 10 asset=FAKE
        01 11:00:00 x w 10 asset=REAL
        01 12:00:00 w a 10 asset=REAL
        """
    assert fingerprint(lines)["assets__self_made__share"] == 1 / 2


def test_runs_of_nonces():
    """Signs nonces 5, 6 and 7 within minutes, one of them failed, then skips one; calls a method twice."""
    got = fingerprint(
        """
        01 10:00:00 w a 1 nonce=5
        01 10:00:30 w b 0 nonce=6 method=0xa9059cbb failed=true
        01 10:02:10 w c 0 nonce=7 method=0xa9059cbb
        01 10:02:20 w d 0 nonce=9 method=swap
        01 10:05:00 x w 1 nonce=88
        """
    )
    expected = {
        "fees__nonce__run_10min": 3,
        "fees__nonce__next_within_1min_share": 1
        / 3,  # 6 follows 5 after 30 s; 7 comes 100 s later, and 9 is not the next
        "fees__nonce__skip_share": 1 / 3,
        "fees__nonce__first": 5,
        "fees__failed__share": 1 / 4,
        "fees__calls__share": 3 / 4,
        "fees__calls__mode_share": 2 / 3,
        "activity__transfers__out": 3,  # what failed moved nothing
    }
    assert_features(got, expected)


def test_gas_price_against_the_chain():
    """The chain pays 10, 20 and 30 gwei between 10 and 11, w 50 and 20 in the hour after.

    Its own hour does not count: both are compared with the median of 20.
    """
    got = fingerprint(
        """
        01 10:00:00 a z 1 nonce=1 gas_price=10e9
        01 10:20:00 b z 1 nonce=1 gas_price=20e9
        01 10:59:59 c z 1 nonce=1 gas_price=30e9
        01 11:00:00 w z 1 nonce=1 gas_price=50e9
        01 11:30:00 w z 1 nonce=2 gas_price=20e9
        """
    )
    expected = {
        "fees__price__relative_median": (2.5 + 1) / 2,
        "fees__price__relative_cv": 0.75 / 1.75,
        "fees__price__urgent_share": 1 / 2,
        "fees__price__mode_share": 1 / 2,
        "fees__price__whole_gwei_share": 1,
    }
    assert_features(got, expected)


OTHERS = "\n".join(f"0{1 + i % 3} 10:00:00 payer r{i} {i + 1}" for i in range(40))
"""Forty wallets get 1 to 40 ETH on the first three days of March, before the week that begins on the 4th."""


def test_rank_of_a_size():
    """w gets 40 and sends 100 in the week after forty transfers of 1 to 40."""
    got = fingerprint(f"{OTHERS}\n05 10:00:00 a w 40\n05 11:00:00 w b 100")
    expected = {
        "value__in__rank_mean": 39.5 / 40,  # 39 are below, one is equal
        "value__out__rank_mean": 1,
        "value__high__share": 1 / 2,  # 39.5 ÷ 40 is less than 0.99
        "value__high__most_1d": 1,
        "funding__first_in__rank": 39.5 / 40,
    }
    assert_features(got, expected)
    assert isnan(fingerprint(f"{OTHERS}\n03 10:00:00 a w 40")["value__in__rank_mean"])  # the same week


def test_rank_in_the_cohort():
    """w gets 10.5 and 1 in the week after; the cohort is the forty, who got one transfer each, and their payer."""
    got = fingerprint(f"{OTHERS}\n05 10:00:00 a w 10.5\n05 11:00:00 a w 1")
    expected = {
        "cohort__in__total_rank": 11 / 40,  # 11.5 is more than 1 to 11
        "cohort__in__mean_rank": 5 / 40,  # 5.75
        "cohort__in__max_rank": 10 / 40,  # 10.5
        "cohort__transfers__rank": 40 / 41,  # two transfers; the payer sent 40
    }
    assert_features(got, expected)
    assert isnan(got["cohort__out__total_rank"])


def test_hours_against_the_chain():
    """The chain sends at 10 o'clock. w sends once at 10 and once at 22, v at 22 only."""
    lines = f"{OTHERS}\n05 10:30:00 w a 1\n05 22:00:00 w a 1\n05 22:00:00 v a 1"
    # (½, ½) against (1, 0): the entropy of (¾, ¼) less half the entropy of (½, ½), in bits
    expected = -(3 / 4 * log(3 / 4) + 1 / 4 * log(1 / 4)) / log(2) - 1 / 2
    assert fingerprint(lines)["timing__out_hour__divergence"] == pytest.approx(expected)
    assert fingerprint(lines, "v")["timing__out_hour__divergence"] == pytest.approx(1)
    assert fingerprint(lines, "payer")["timing__out_hour__divergence"] == pytest.approx(0)


def test_just_below_thresholds():
    """Of five priced payments two lie within a tenth below 1,000 dollars, one below 3,000, one below 10,000."""
    prices = [899.99, 900, 999.99, 2_999, 9_500, ""]
    payments = [f"01 10:00:0{i} w a {i + 1} " + (f"usd={usd}" if usd else "") for i, usd in enumerate(prices)]
    expected = {f"amounts__out__below_{label}": share / 5 for label, share in (("1k", 2), ("3k", 1), ("10k", 1))}
    assert_features(fingerprint("\n".join(payments)), expected)


def test_groups_of_equal_sizes():
    """10, 10 and 10, then 7, then 100 and 100.9: three of one size, four powers of ten, a longest run of three."""
    got = fingerprint(
        """
        01 10:00:00 w a 10
        01 10:01:00 w b 10
        01 10:03:00 w c 10
        01 10:04:00 w d 7
        01 10:05:00 w e 100
        01 10:06:00 w f 100.9
        """
    )
    expected = {
        "amounts__out__repeated_3x_share": 3 / 6,
        "amounts__out__power_of_ten_share": 4 / 6,
        "amounts__out__equal_run_share": 3 / 6,
        # pauses before a payment of the size of the one before: 60, 120, 60
        "timing__equal_gap__cv": sqrt((20**2 + 40**2 + 20**2) / 3) / 80,
        "timing__equal_gap__memory": -1,
        "value__burst_out__gini": (-5 * 7 - 3 * 10 - 1 * 10 + 1 * 10 + 3 * 100 + 5 * 100.9) / (6 * 237.9),
    }
    assert_features(got, expected)
