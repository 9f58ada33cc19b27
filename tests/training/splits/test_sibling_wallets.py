"""Siblings against sets built transfer by transfer."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from samples.small_ledger import ledger_from_rows

from walletprint.features import UsageError
from walletprint.training.splits import sibling_wallets as module
from walletprint.training.splits.sibling_wallets import siblings_by_case, siblings_of

START = pd.Timestamp("2020-01-01", tz="UTC")


def name(wallet):
    return f"0x{wallet:040x}"


def ledger_of(rows):
    """[(second, sender, receiver, amount)]."""
    return ledger_from_rows(
        [(second, name(sender), name(receiver), amount) for second, sender, receiver, amount in rows], START
    )


def numbers(addresses):
    return {int(a, 16) for a in addresses}


def slow(rows, wallets, hub_degree, hub_funded):
    """Siblings by the definition, from plain sets."""
    dealt, first = {}, {}
    for second, s, r, amount in rows:
        if s != r:
            dealt.setdefault(s, set()).add(r)
            dealt.setdefault(r, set()).add(s)
            if amount > 0:
                first.setdefault(r, []).append((second, s))
    funder = {}
    for wallet, came in first.items():
        at_once = {s for second, s in came if second == min(came)[0]}
        if len(at_once) == 1:
            funder[wallet] = at_once.pop()
    found = set()
    for _, s, r, amount in rows:
        for one, other in ((s, r), (r, s)):
            if one in wallets and amount > 0 and len(dealt.get(other, ())) <= hub_degree:
                found.add(other)
    for wallet in wallets & set(funder):
        alike = {w for w, f in funder.items() if f == funder[wallet]}
        found |= alike if len(alike) <= hub_funded else set()
    return found - wallets


ROWS = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 12), st.integers(1, 12), st.sampled_from([0, 1, 1, 2])),
    min_size=1,
    max_size=60,
    unique=True,
)


@given(ROWS, st.sets(st.integers(1, 12), max_size=4), st.integers(0, 6), st.integers(0, 6))
@settings(max_examples=30, deadline=None)
def test_siblings_are_those_of_plain_sets(rows, wallets, hub_degree, hub_funded):
    found = siblings_of(ledger_of(rows), [name(w) for w in wallets], hub_degree, hub_funded)
    assert numbers(found) == slow(rows, wallets, hub_degree, hub_funded)


@given(ROWS, st.sets(st.integers(1, 12), max_size=4), st.integers(0, 6))
@settings(max_examples=15, deadline=None)
def test_the_parts_in_which_a_ledger_is_read_change_nothing(rows, wallets, hub_degree):
    ledger, asked = ledger_of(rows), [name(w) for w in wallets]
    whole = siblings_of(ledger, asked, hub_degree, 3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_CHUNK", 3)
        patch.setattr(module, "_GLANCE", 1)
        assert siblings_of(ledger, asked, hub_degree, 3) == whole


EXCHANGE, LAUNDERER, HELPER, DEPOSIT, STRANGER = 500, 1, 2, 3, 4


def a_theft():
    """An exchange pays 300 wallets first, the launderer and a stranger among them. The launderer pays a helper, who
    pays a deposit address of the exchange."""
    paid = [LAUNDERER, STRANGER, *range(1000, 1298)]
    rows = [(i, EXCHANGE, wallet, 5) for i, wallet in enumerate(paid)]
    return [*rows, (900, LAUNDERER, HELPER, 4), (950, HELPER, DEPOSIT, 3), (990, DEPOSIT, EXCHANGE, 3)]


def test_an_exchange_makes_nobody_a_sibling():
    found = siblings_of(ledger_of(a_theft()), [name(LAUNDERER)], hub_degree=100, hub_funded=100)
    assert numbers(found) == {
        HELPER
    }  # not the exchange, nor the stranger whom it paid first too, nor what is two steps away


def test_who_has_the_same_small_funder_is_a_sibling():
    found = siblings_of(ledger_of(a_theft()), [name(LAUNDERER)], hub_degree=100, hub_funded=300)
    assert STRANGER in numbers(found)
    assert EXCHANGE not in numbers(found)


def test_later_transfers_count_too():
    rows = a_theft()
    later = [*rows, (10**8, 77, LAUNDERER, 1)]
    assert numbers(siblings_of(ledger_of(later), [name(LAUNDERER)], hub_funded=9)) == {HELPER, 77}


def test_by_case():
    ledger = ledger_of(a_theft())
    addresses = [name(LAUNDERER), name(DEPOSIT), name(STRANGER)]
    found = siblings_by_case(ledger, addresses, ["theft", "other", None], hub_funded=9)
    assert {case: numbers(near) for case, near in found.items()} == {"other": {HELPER}, "theft": {HELPER}}


def test_unknown_wallets_have_none_and_spelling_does_not_matter():
    ledger = ledger_of(a_theft())
    assert siblings_of(ledger, ["0xunknown", name(123456)]) == set()
    assert siblings_of(ledger, []) == set()
    rows = [(1, 0xAB, 2, 1)]
    assert siblings_of(ledger_of(rows), [name(0xAB).upper().replace("X", "x")]) == {name(2)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((name(1),), "addresses: a sequence is needed"),
        (([], -1), "hub_degree: a number from 0 on is needed, not -1"),
        (([], 1, -2), "hub_funded: a number from 0 on is needed, not -2"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        siblings_of(ledger_of(a_theft()), *arguments)
