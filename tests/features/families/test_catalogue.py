"""One loop over the whole catalogue: names that can be read back, honest nulls, and no number twice."""

import math
import re

import numpy as np
import pandas as pd
import pytest
from oracles.families.exposure_features import labels_among, table_of_labels
from oracles.histories import DAY, START, STRANGER, moment, random_table, snapshots_at

from walletprint.features import FAMILIES, Feature, Ledger, catalogue, extract
from walletprint.features.exposure import with_attribution
from walletprint.features.ledger.attribution import GROUPS

FEATURES = catalogue()
each = pytest.mark.parametrize("declared", FEATURES, ids=lambda declared: declared.name)
LATEST = START + 240 * DAY


LATER = snapshots_at([moment(LATEST)], ["w"])


@pytest.fixture(scope="module")
def vectors() -> pd.DataFrame:
    """Features of many snapshots, from wallets with one transfer to busy ones; none without transfers. A quarter have labels."""
    transfers = random_table()
    wallets = sorted({*transfers["sender"], *transfers["receiver"]})
    labels = labels_among(wallets, START, LATEST)
    assert labels["known_from"].between(moment(START), moment(LATEST)).any()
    assert labels["known_until"].notna().any()
    ledger = with_attribution(Ledger.from_transfers(transfers), labels)
    snapshots = snapshots_at([moment(START + day * DAY) for day in (5, 60, 120, 180, 240)], wallets)
    found = pd.concat([extract(ledger, snapshots, window=window) for window in ("1d", "7d", "90d", None)])
    return found[found["activity__transfers__total"] > 0].reset_index(drop=True)


def one_transfer(side: str, amount: float = 1.0) -> Ledger:
    """A ledger of one transfer, of wallet "w" with wallet "v", which is said to be of all groups."""
    sender, receiver = {"in": ("v", "w"), "out": ("w", "v"), "self": ("w", "w")}[side]
    row = {"sender": sender, "receiver": receiver, "amount": amount, "asset": "ETH", "tx_id": "t"}
    labels = table_of_labels(
        [("v", category, "heist", START - DAY, None) for of_group in GROUPS.values() for category in of_group]
    )
    return with_attribution(Ledger.from_transfers(pd.DataFrame([{"timestamp": moment(START), **row}])), labels)


def test_there_are_as_many_as_a_person_can_read():
    assert 150 <= len([declared for declared in FEATURES if "labels" not in declared.needs]) <= 250
    assert len(FEATURES) <= 300


def test_names_are_unique_and_of_a_known_family():
    assert len({declared.name for declared in FEATURES}) == len(FEATURES)
    assert {declared.family for declared in FEATURES} == set(FAMILIES)
    assert all(catalogue(family) == tuple(f for f in FEATURES if f.family == family) for family in FAMILIES)


@each
def test_declaration_is_complete(declared: Feature):
    assert re.fullmatch(r"[a-z]+(__[a-z0-9]+(_[a-z0-9]+)*){2}", declared.name)
    assert re.fullmatch(r"[a-z][^\n]*[^.\s]", declared.sentence)
    assert len(declared.sentence.split()) <= 25
    assert not re.search(r"\.\s|\{[a-z]*\}", declared.sentence + declared.formula + declared.null_when)
    assert declared.unit
    assert declared.formula
    assert declared.source
    assert math.isnan(declared.null) or declared.null == 0
    assert not declared.null_when.endswith(".")


def test_sentences_and_formulas_are_unique():
    assert len({declared.sentence for declared in FEATURES}) == len(FEATURES)
    assert len({declared.formula for declared in FEATURES}) == len(FEATURES)


@each
def test_an_empty_history_gives_the_declared_null(declared: Feature):
    nothing_yet = snapshots_at([moment(START)], ["w", "v"])
    unseen = pd.concat([nothing_yet, snapshots_at([moment(LATEST)], [STRANGER])])
    got = extract(one_transfer("in"), unseen, features=[declared.name])[declared.name]
    assert got.eq(declared.null).all() if declared.null == 0 else got.isna().all()


@pytest.fixture(scope="module")
def extremes() -> pd.DataFrame:
    """Features of a wallet with one transfer, of every kind."""
    ledgers = [one_transfer(side, amount) for side in ("in", "out", "self") for amount in (1.0, 0.0)]
    return pd.concat([extract(ledger, LATER) for ledger in ledgers])


@each
def test_it_says_when_it_is_null(declared: Feature, vectors: pd.DataFrame, extremes: pd.DataFrame):
    missing = pd.concat([vectors[declared.name], extremes[declared.name]]).isna().any()
    if math.isnan(declared.null):
        assert missing == bool(declared.null_when)
    else:
        assert not missing
        assert declared.null_when


@each
def test_it_varies(declared: Feature, vectors: pd.DataFrame):
    if declared.name.endswith("__truncated_share"):
        return  # bounds are met in test_bounds_by_hand.py, which these tables are too small for
    assert vectors[declared.name].nunique() > 1


@each
def test_it_stays_within_its_unit(declared: Feature, vectors: pd.DataFrame):
    values = vectors[declared.name].dropna()
    assert np.isfinite(values).all()
    if declared.unit in ("share", "flag"):
        assert values.between(-1e-12, 1 + 1e-12).all()
    elif declared.unit in ("transfers", "wallets", "hops", "transactions", "assets", "chains", "thefts"):
        assert (values == values.round()).all() or re.match("usual|mean", declared.sentence)
        assert (values >= 0).all()
    elif declared.unit in ("seconds", "days", "USD", "units of the leading asset"):
        assert (values >= 0).all()


def test_no_two_features_are_the_same_number(vectors: pd.DataFrame):
    numbers = vectors[[declared.name for declared in FEATURES if not declared.name.endswith("__truncated_share")]]
    same = [
        (a, b)
        for i, a in enumerate(numbers)
        for b in list(numbers)[i + 1 :]
        if np.allclose(numbers[a], numbers[b], rtol=1e-9, atol=1e-12, equal_nan=True)
    ]
    assert same == []
