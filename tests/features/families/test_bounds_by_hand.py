"""Where the search for a pattern ends: each bound, met and passed by one, and the feature that counts cuts."""

import pytest
from samples.small_ledger import CYCLE, SCATTER, assert_features, fingerprint, many


@pytest.mark.parametrize(("others", "cut"), [(99, 0), (100, 1)])
def test_a_cycle_is_not_searched_beyond_a_hub(others, cut):
    """c, which closes the cycle, has b's and 99 more transfers in the day before (100: no more are allowed), or 100 more."""
    got = fingerprint(CYCLE + many(others, "02 08:00:00 s{} c 0.01"), "a")
    # a has one out, to b, and one in, from c
    assert_features(got, {"structure__cycle__returned_share": 1 - cut, "structure__cycle__truncated_share": cut / 2})


@pytest.mark.parametrize(("others", "cut"), [(97, 0), (98, 1)])
def test_a_scatter_gather_into_a_hub_is_not_counted(others, cut):
    """w has 97 transfers besides those of the three middles, 100 in all; or 98."""
    lines = SCATTER + many(others, "01 10:30:00 s{} w 0.01")
    assert fingerprint(lines)["structure__scatter_gather__target"] == (2 if cut else 3)
    # y3 has one in, from x, and one out, to w
    last = fingerprint(lines, "y3")
    expected = {
        "structure__scatter_gather__middle_share": 1 - cut,
        "structure__scatter_gather__truncated_share": cut / 2,
    }
    assert_features(last, expected)


@pytest.mark.parametrize(("others", "hops", "cut"), [(63, 2, 0), (64, 1, 1)])
def test_a_relay_is_sought_among_the_last_64_entries(others, hops, cut):
    """a ─100─► w, then others pay w a little, then w ─99─► b."""
    got = fingerprint(f"01 10:00:00 a w 100\n{many(others, '01 11:00:00 s{} w 0.01')}\n01 12:00:00 w b 99")
    assert_features(got, {"structure__relay__longest_out": hops, "structure__relay__truncated_share": cut})


@pytest.mark.parametrize(("others", "reach", "cut"), [(63, 63, 0), (64, 63, 1)])
def test_two_hops_reach_over_64_entries(others, reach, cut):
    """w ──► a, which then pays 63 others (64 entries with w's payment), or 64."""
    got = fingerprint(f"01 10:00:00 w a 100\n{many(others, '01 11:00:00 a r{} 1')}")
    assert_features(got, {"structure__two_hop_out__reach": reach, "structure__two_hop__truncated_share": cut})


def test_two_hops_start_from_the_last_64_payments():
    """Of 70 payments to wallets that pay one other each, the first 6 are not followed."""
    got = fingerprint(
        many(70, "01 10:{0:02}:00 w a{0} 1").replace("10:6", "11:0") + "\n" + many(70, "02 10:00:00 a{0} b{0} 1")
    )
    assert_features(got, {"structure__two_hop_out__reach": 64, "structure__two_hop__truncated_share": 6 / 70})


@pytest.mark.parametrize(("others", "hub"), [(99, 0), (100, 1)])
def test_a_hub_is_what_a_hundred_others_paid(others, hub):
    got = fingerprint(many(others, "01 10:00:00 s{} shop 1") + "\n02 10:00:00 w shop 1")
    assert_features(got, {"structure__receiver_fan__hub_share": hub, "structure__receiver_fan__median": others})


def test_a_chain_hop_is_sought_among_64_entries():
    """The money that comes back is the 65th entry after the payment."""
    ends = "01 10:00:00 w bridge 10 chain=ethereum\n{}\n01 10:20:00 bridge w 10 chain=bsc"
    hops = [fingerprint(ends.format(many(n, "01 10:10:00 s{} w 1")))["assets__chain_hop__share"] for n in (63, 64)]
    assert hops == [1, 0]


@pytest.mark.parametrize(("branches", "cut"), [(40, 0), (60, 1)])
def test_a_search_for_a_cycle_ends_after_ten_thousand_transfers(branches, cut):
    """a pays n wallets, each of which pays n more, and these a sink; c, which pays a, is paid by n wallets, each of them by n
    more, and these by a spring. Nothing joins the two trees: from both ends, and a fifth transfer further, a search that is not
    cut looks at 2·(n + n²) + n² transfers: 4,880, or 10,920."""
    pairs = [(i, j) for i in range(branches) for j in range(branches)]
    lines = [f"01 10:00:00 z a 1\n{many(branches, '01 10:10:00 a x{} 1')}\n{many(branches, '01 10:30:00 u{} c 1')}"]
    lines += [f"01 10:20:00 x{i} y{i}_{j} 1\n01 10:30:00 y{i}_{j} sink{i} 1" for i, j in pairs]
    lines += [f"01 10:10:00 spring{i} v{i}_{j} 1\n01 10:20:00 v{i}_{j} u{i} 1" for i, j in pairs]
    got = fingerprint("\n".join([*lines, "01 11:00:00 c a 1"]), "c")
    # of c's transfers, n in and one out, the one out closes a cycle if any does
    assert_features(got, {"structure__cycle__truncated_share": cut / (branches + 1)})
