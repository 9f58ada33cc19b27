"""Six small wallets such as launderers use, and the borders of periods and sizes, worked out by hand for wallet "w"."""

from math import isnan, log, log10

import pandas as pd
import pytest
from samples.small_ledger import assert_features, fingerprint


def assert_null(got: dict[str, float], *names: str) -> None:
    assert [name for name in names if not isnan(got[name])] == []


def test_pass_through_mule():
    """Takes 100 and passes 99 on within the hour, comes back the next day for 50 and passes those on in 8 minutes.

    First in, first out: 40 stay 300 s, 59 stay 1800 s, and 1 is left; the 50 of the next day are that 1, a day and
    480 s old, and 49 of the new 50, 480 s old; 1 of those is left. So of 150 received 149 are sent on.
    """
    got = fingerprint(
        """
        2021-03-01 10:00:00 a w 100
        2021-03-01 10:05:00 w b 40
        2021-03-01 10:30:00 w c 59
        2021-03-02 10:00:00 a w 50
        2021-03-02 10:08:00 w b 50
        """,
        as_of="2021-03-04",
    )
    expected = {
        "activity__transfers__total": 5,
        "activity__out__share": 3 / 5,
        "activity__active__days": 2,
        "activity__busiest__1d_share": 3 / 5,  # 10:00 of the second day is no longer within 24 hours of the first
        "value__in__total": 150,
        "value__out__median": 50,
        "value__first_in__share": 100 / 150,
        "amounts__out__echo_share": 1 / 3,  # 50 out after 50 in; 40 and 59 do not echo the 100 before them
        "counterparties__all__distinct": 3,
        "counterparties__out__top_value_share": 90 / 149,
        "counterparties__return__value_share": 0,
        "flow__pass_through__10min": (40 + 49) / 150,
        "flow__pass_through__1h": (40 + 49 + 59) / 150,
        "flow__pass_through__1d": (40 + 49 + 59) / 150,
        "flow__pass_through__7d": 149 / 150,
        "flow__dwell__mean": (40 * 300 + 59 * 1_800 + 1 * 86_880 + 49 * 480) / 149,
        "flow__dwell__median": 480,  # 40 had left by 300 s, 89 by 480 s; half is 74.5
        "flow__dwell__p90": 1_800,  # 148 had left by then; nine tenths are 134.1
        "flow__retention__share": 1 / 150,
        "flow__uncovered__share": 0,
        "flow__patience__days": 38 / 24,  # the 1 that is left came on the 2nd at 10:00
        "flow__drain__share": 2 / 3,  # 59 of 60 and 50 of 51; 40 of 100 is no drain
        "flow__drain__value_share": 109 / 149,
        "flow__reaction__median": 480,  # 300, 1800 and 480 s after the latest inflow
        "flow__consolidation__senders_1d": 1,
        "flow__peak__share": 100 / 150,
        "flow__exit__2d": 1,
        "flow__first_out__delay": 300,
        "flow__forward__1d": 1,  # 99 ≥ 90 and 50 ≥ 45
        "flow__switch__share": 3 / 4,  # in out | out | in | out: three of four turns
        "flow__day_kept__mean": (1 / 100 + 0 / 50) / 2,
        "flow__burner__flag": 0,
    }
    assert_features(got, expected)


def test_step_of_a_peel_chain():
    """Receives 100, peels 3 off and sends the rest on a second later; 0.1 stays."""
    got = fingerprint(
        """
        2021-03-01 10:00:00 before w 100
        2021-03-01 10:02:00 w service 3
        2021-03-01 10:02:01 w next 96.9
        """,
        as_of="2021-03-02",
    )
    expected = {
        "flow__peel_step__share": 1,  # 3 ÷ 96.9 < 0.1
        "flow__drain__share": 1 / 2,  # 96.9 of 97
        "flow__retention__share": 0.1 / 100,
        "flow__burner__flag": 1,  # lived 121 s, two payments, 0.1 ≤ 1 left
        "flow__large_in__age_days": 0,
        "value__out__max_share": 96.9 / 99.9,
        "value__out__gini": (-1 * 3 + 1 * 96.9) / (2 * 99.9),
        "value__size__out_share": 49.95 / (49.95 + 100),
        "amounts__out__repeat_share": 0,
        "counterparties__fan__out_share": 2 / 3,
        "timing__gap__median": (120 + 1) / 2,
        "timing__gap__burstiness": (59.5 - 60.5) / (59.5 + 60.5),  # gaps 120 and 1: mean 60.5, deviation 59.5
        "timing__gap__under_1min": 1 / 2,
        "timing__out_gap__median": 1,
        "activity__rate__per_day": 3,
    }
    assert_features(got, expected)
    assert_null(got, "timing__gap__memory", "timing__out_gap__burstiness", "timing__day__fano")


def test_payments_just_below_round_numbers():
    """Six payments, ten minutes apart on a Saturday night, five of them just below 5, 10 or 20; nothing came in."""
    got = fingerprint(
        """
        2021-03-06 01:00:00 w a 9.9
        2021-03-06 01:10:00 w b 9.9
        2021-03-06 01:20:00 w c 9.9
        2021-03-06 01:30:00 w d 19.8
        2021-03-06 01:40:00 w e 4.95
        2021-03-06 01:50:00 w f 3
        """,
        as_of="2021-03-07",
    )
    expected = {
        "amounts__out__below_round_share": 5 / 6,  # a 3 is round, not below
        "amounts__out__round_share": 4 / 6,  # 9.9, 9.9, 9.9 and 3; 19.8 and 4.95 have three digits
        "amounts__out__short_share": 1,
        "amounts__out__repeat_share": 2 / 5,
        "amounts__out__mode_share": 3 / 6,
        "amounts__out__distinct_share": 4 / 6,
        # tenths of an order of magnitude: 9 thrice, 12, 6 and 4
        "amounts__out__entropy": (1 / 2 * log(2) + 3 / 6 * log(6)) / log(6),
        "timing__gap__burstiness": -1,
        "timing__busiest__10min": 1,  # the next payment comes exactly ten minutes later: too late
        "timing__out_hour__entropy": 0,
        "timing__out_hour__night_share": 1,
        "timing__out_weekend__share": 1,
        "activity__transfers__in": 0,
        "value__in__total": 0,
        "value__out__share": 1,
        "counterparties__fan_in__1d": 0,
        "counterparties__out__entropy": 1,
        "flow__uncovered__share": 1,
        "flow__drain__share": 0,
        "flow__peel_step__share": 0,
    }
    assert_features(got, expected)
    assert_null(got, "timing__gap__memory", "flow__retention__share", "flow__dwell__mean", "flow__burner__flag")
    assert_null(got, "amounts__in__round_share", "amounts__out__echo_share", "value__size__out_share")


def test_patient_holder():
    """Received 600 and 300 some seven hundred days ago, and has sent 100 since: 500 and 300 are left."""
    got = fingerprint(
        """
        2020-01-01 00:00:00 theft w 600
        2020-01-11 00:00:00 theft w 300
        2021-11-21 00:00:00 w mixer 100
        """,
        as_of="2021-12-01",
    )
    # 2020 was a leap year: as_of is 700 days after the first inflow, 690 after the second, 10 after the payment
    expected = {
        "flow__patience__days": (500 * 700 + 300 * 690) / 800,
        "flow__retention__share": 800 / 900,
        "flow__pass_through__7d": 0,
        "flow__dwell__mean": 690 * 86_400,
        "flow__peak__share": 1,
        "flow__forward__1d": 0,
        "flow__exit__2d": 0,
        "flow__drain__share": 0,
        "flow__day_kept__mean": 1,
        "timing__gap__longest": 680 * 86_400,
        "timing__gap__longest_share": 680 / 690,
        "timing__after_gap__burst_1d": 1 / (3 / 690),
        "timing__day__fano": (3 / 691 - (3 / 691) ** 2) / (3 / 691),  # three days with one transfer out of 691
        "activity__active__days_share": 3 / 691,
        "activity__recency__days": 10,
        "activity__recency_in__days": 690,
        "activity__recency_out__days": 10,
        "activity__age__days": 700,
        "counterparties__in__once_share": 0,
    }
    assert_features(got, expected)
    assert_null(got, "flow__consolidation__senders_1d", "timing__gap__memory")


BURNER = """
    2021-03-01 11:00:00 gas w 0.1
    2021-03-01 12:00:00 victim w 4.9
    2021-03-01 12:00:00 w w 0
    2021-03-01 12:00:00 w boss 5
"""


def test_burner():
    """Funded, filled and emptied in an hour, with a call to itself in between; never seen again."""
    got = fingerprint(BURNER, as_of="2021-03-08")
    expected = {
        "flow__burner__flag": 1,
        "flow__drain__share": 1,
        "flow__consolidation__senders_1d": 2,
        "flow__retention__share": 0,
        "flow__dwell__median": 0,  # 4.9 of 5 stayed no second: an in comes before an out of the same second
        "flow__dwell__mean": 0.1 * 3_600 / 5,
        "flow__large_in__age_days": 1 / 24,
        "value__leading__share": 1,
        "activity__self__share": 1 / 4,
        "activity__zero_out__share": 0,  # the call went to itself
        "flow__last_out__flag": 1,
        "activity__out__share": 1 / 3,
        "activity__recency__days": 6.5,
        "timing__gap__zero_share": 2 / 3,
    }
    assert_features(got, expected)
    # of the gaps 3600, 0 and 0 the latter two do not vary
    assert_null(got, "flow__patience__days", "timing__gap__memory", "flow__peel_step__share")


def test_a_second_life_makes_it_no_burner():
    later = "2021-03-02 12:00:00 other w 1"
    assert fingerprint(BURNER + later, as_of="2021-03-08")["flow__burner__flag"] == 0
    assert fingerprint(BURNER + later, as_of="2021-03-02T12:00Z")["flow__burner__flag"] == 1


def test_fan_out():
    """Splits 100 into ten payments of 10 to ten wallets, half a minute apart."""
    payments = "\n".join(f"2021-03-01 10:{5 + i // 2:02}:{30 * (i % 2):02} w r{i} 10" for i in range(10))
    got = fingerprint(f"2021-03-01 10:04:30 a w 100\n{payments}", as_of="2021-03-02")
    expected = {
        "counterparties__fan_out__1d": 10,
        "counterparties__fan_in__1d": 1,
        "counterparties__fan__out_share": 10 / 11,
        "counterparties__out__distinct_share": 1,
        "counterparties__out__entropy": 1,
        "counterparties__out__top_share": 1 / 10,
        "counterparties__out__once_share": 1,
        "counterparties__reciprocal__share": 0,
        "value__out__gini": 0,
        "value__out__cv": 0,
        "value__size__out_share": 10 / 110,
        "value__last_out__share": 1 / 10,
        "amounts__out__mode_share": 1,
        "amounts__out__repeat_share": 1,
        "amounts__out__distinct_share": 1 / 10,
        "amounts__out__entropy": 0,
        "amounts__both__digit_deviation": 1 - log10(2),  # eleven amounts, every first digit a 1
        "flow__drain__share": 1 / 10,  # only the last 10 of 10
        "flow__pass_through__10min": 1,
        "flow__dwell__mean": sum(30 * i for i in range(1, 11)) / 10,
        "flow__dwell__median": 150,
        "flow__dwell__p90": 270,
        "flow__switch__share": 1 / 10,
        "timing__busiest__10min": 11,
        "timing__gap__under_1min": 1,
        "timing__gap__burstiness": -1,
        "timing__out_gap__median": 30,
    }
    assert_features(got, expected)
    assert_null(got, "timing__gap__memory", "timing__day__fano", "flow__patience__days")


def passed_on(seconds: int) -> dict[str, float]:
    """Features of a wallet that gets 10 on Monday midnight and sends 10 on this many seconds later."""
    later = pd.Timestamp("2021-03-01") + pd.Timedelta(seconds=seconds)
    return fingerprint(f"2021-03-01 00:00:00 a w 10\n{later:%Y-%m-%d %H:%M:%S} w b 10", as_of="2021-04-01")


@pytest.mark.parametrize(
    ("feature", "last", "value", "beyond"),
    [
        ("flow__pass_through__10min", 600, 1, 0),
        ("flow__pass_through__1h", 3_600, 1, 0),
        ("flow__pass_through__1d", 86_400, 1, 0),
        ("flow__pass_through__7d", 604_800, 1, 0),
        ("flow__exit__2d", 172_800, 1, 0),
        ("flow__forward__1d", 86_400, 1, 0),
        ("flow__consolidation__senders_1d", 86_399, 1, 0),
        ("flow__burner__flag", 86_399, 1, 0),
        ("timing__gap__under_1min", 59, 1, 0),
        ("timing__gap__zero_share", 0, 1, 0),
        ("timing__busiest__10min", 599, 2, 1),
        ("timing__out_hour__night_share", 32_399, 1, 0),
        ("timing__out_weekend__share", 6 * 86_400 + 86_399, 1, 0),
        ("activity__busiest__1d_share", 86_399, 1, 1 / 2),
        ("activity__active__days", 86_399, 1, 2),
        ("flow__day_kept__mean", 86_399, 0, 1),
    ],
)
def test_the_last_second_of_a_period(feature, last, value, beyond):
    assert passed_on(last)[feature] == value
    assert passed_on(last + 1)[feature] == beyond


@pytest.mark.parametrize(
    ("feature", "received", "sent", "value"),
    [
        ("flow__drain__share", [10], [9], 1),
        ("flow__drain__share", [10], [8.999], 0),
        ("flow__forward__1d", [0.3], [0.27], 1),
        ("flow__forward__1d", [0.3], [0.269], 0),
        ("flow__burner__flag", [1], [0.99], 1),
        ("flow__burner__flag", [1], [0.989], 0),
        ("flow__burner__flag", [1], [0.3, 0.3, 0.4], 0),
        ("flow__peel_step__share", [], [0.3, 3], 0),
        ("flow__peel_step__share", [], [0.299, 3], 1),
        ("amounts__out__repeat_share", [], [1, 0.99], 1),
        ("amounts__out__repeat_share", [], [0.099, 0.1], 1),
        ("amounts__out__repeat_share", [], [1, 0.9899], 0),
        ("amounts__out__echo_share", [0.1], [0.099], 1),
        ("amounts__out__echo_share", [0.1], [0.1011], 0),
        ("amounts__out__mode_share", [], [0.3, 0.303], 1),
        ("amounts__out__mode_share", [], [0.3, 0.3031], 1 / 2),
        ("amounts__out__below_round_share", [], [4.9, 0.98, 49, 0.1, 100], 0),
        ("amounts__out__below_round_share", [], [4.91, 0.9801, 99.9, 0.0199], 1),
        ("amounts__out__round_share", [], [0.11, 1e-18, 33e6], 1),
        ("amounts__out__round_share", [], [0.111, 101], 0),
        ("amounts__out__short_share", [], [1.234, 0.001], 1),
        ("amounts__out__short_share", [], [1.2345], 0),
    ],
)
def test_amounts_on_the_border_in_any_unit(feature, received, sent, value):
    lines = [f"a w {amount!r}" for amount in received] + [f"w b {amount!r}" for amount in sent]
    timed = "\n".join(f"2021-03-01 10:00:{second:02} {line}" for second, line in enumerate(lines))
    assert fingerprint(timed, as_of="2021-04-01")[feature] == pytest.approx(value, rel=1e-9)


def test_first_digits_are_those_that_were_written():
    """0.3 is stored a little below three tenths; its first digit is a 3 all the same."""
    threes = "\n".join(f"2021-03-01 10:00:{second:02} w b 0.3" for second in range(10))
    got = fingerprint(threes, as_of="2021-04-01")
    assert got["amounts__both__digit_deviation"] == pytest.approx(1 - log10(4 / 3))


def test_less_than_a_millionth_left_is_nothing_left():
    """It leaves the queue and has no age any more, but was not sent on all the same."""
    received = "2021-03-01 00:00:00 a w 1\n"
    dust = fingerprint(received + "2021-03-02 00:00:00 w b 0.9999991", as_of="2021-03-03")
    more = fingerprint(received + "2021-03-02 00:00:00 w b 0.9999989", as_of="2021-03-03")
    assert_null(dust, "flow__patience__days")
    assert dust["flow__retention__share"] == pytest.approx(9e-7)
    assert more["flow__patience__days"] == 2
    assert more["flow__retention__share"] == pytest.approx(1.1e-6)
