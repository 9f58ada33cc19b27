"""One loop over each family of the catalogue: names that can be read back, honest nulls, and no number twice."""

import math
import pkgutil
import re
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from oracles.families.exposure_features import labels_among, table_of_labels
from oracles.histories import DAY, START, STRANGER, random_table, snapshots_at, timestamp
from samples.small_ledger import ledger_from_rows

from walletprint.features import FAMILIES, Feature, Ledger, catalogue, extract, families
from walletprint.features.exposure import with_attribution
from walletprint.features.ledger.attribution import GROUPS

FEATURES = catalogue()
LATEST = START + 240 * DAY
LATER = snapshots_at([timestamp(LATEST)], ["w"])
each_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture(scope="module")
def vectors() -> pd.DataFrame:
    """Features of many snapshots, from wallets with one transfer to busy ones; none without transfers. A quarter have labels."""
    transfers = random_table()
    wallets = sorted({*transfers["sender"], *transfers["receiver"]})
    labels = labels_among(wallets, START, LATEST)
    assert labels["known_from"].between(timestamp(START), timestamp(LATEST)).any()
    assert labels["known_until"].notna().any()
    ledger = with_attribution(Ledger.from_transfers(transfers), labels)
    snapshots = snapshots_at([timestamp(START + day * DAY) for day in (5, 60, 120, 180, 240)], wallets)
    found = pd.concat([extract(ledger, snapshots, window=window) for window in ("1d", "7d", "90d", None)])
    return found[found["activity__transfers__total"] > 0].reset_index(drop=True)


def one_transfer(side: str, amount: float = 1.0) -> Ledger:
    """A ledger of one transfer of wallet "w" with wallet "v", which has labels of all groups."""
    sender, receiver = {"in": ("v", "w"), "out": ("w", "v"), "self": ("w", "w")}[side]
    labels = table_of_labels(
        [("v", category, "heist", START - DAY, None) for of_group in GROUPS.values() for category in of_group]
    )
    return with_attribution(ledger_from_rows([(0, sender, receiver, amount)]), labels)


def test_there_are_as_many_as_a_person_can_read():
    assert len(FEATURES) <= 300


def test_names_are_unique_and_of_a_known_family():
    assert len({declared.name for declared in FEATURES}) == len(FEATURES)
    assert {declared.family for declared in FEATURES} == set(FAMILIES)
    assert all(catalogue(family) == tuple(f for f in FEATURES if f.family == family) for family in FAMILIES)


def test_every_file_of_features_is_a_family_of_the_list():
    files = [file.name for file in pkgutil.iter_modules(families.__path__)]
    declaring = {name for name in files if hasattr(import_module(f"{families.__name__}.{name}"), "FEATURES")}
    assert declaring == set(FAMILIES), "add the new family to FAMILIES in features/families/registry.py"


@each_family
def test_a_family_needs_labels_for_all_of_its_features_or_for_none(family: str):
    """So that a config without `families` trains on whole families: on all but those of labels."""
    assert len({declared.needs_labels for declared in catalogue(family)}) == 1


def mistakes_of(declared: Feature) -> list[str]:
    """What is wrong with a declaration, in a few words each."""
    texts = declared.sentence + declared.formula + declared.null_when
    checks = {
        "name is family__measure__parameter": re.fullmatch(r"[a-z]+(__[a-z0-9]+(_[a-z0-9]+)*){2}", declared.name),
        "sentence begins small and ends without a full stop": re.fullmatch(r"[a-z][^\n]*[^.\s]", declared.sentence),
        "sentence has at most 25 words": len(declared.sentence.split()) <= 25,
        "texts have no second sentence and no braces": not re.search(r"\.\s|\{[a-z]*\}", texts),
        "unit, formula and source are there": declared.unit and declared.formula and declared.source,
        "null is NaN or 0": math.isnan(declared.null) or declared.null == 0,
        "null_when ends without a full stop": not declared.null_when.endswith("."),
    }
    return [f"{declared.name}: {rule}" for rule, holds in checks.items() if not holds]


@each_family
def test_declarations_are_complete(family: str):
    assert [mistake for declared in catalogue(family) for mistake in mistakes_of(declared)] == []


def test_sentences_and_formulas_are_unique():
    assert len({declared.sentence for declared in FEATURES}) == len(FEATURES)
    assert len({declared.formula for declared in FEATURES}) == len(FEATURES)


@each_family
def test_an_empty_history_gives_the_declared_null(family: str):
    """Also: each feature can be extracted alone."""
    ledger = one_transfer("in")
    nothing_yet = snapshots_at([timestamp(START)], ["w", "v"])
    unseen = pd.concat([nothing_yet, snapshots_at([timestamp(LATEST)], [STRANGER])])
    for declared in catalogue(family):
        values = extract(ledger, unseen, features=[declared.name])[declared.name]
        assert (values.eq(0) if declared.null == 0 else values.isna()).all(), declared.name


@pytest.fixture(scope="module")
def extremes() -> pd.DataFrame:
    """Features of a wallet with one transfer, of every kind."""
    ledgers = [one_transfer(side, amount) for side in ("in", "out", "self") for amount in (1.0, 0.0)]
    return pd.concat([extract(ledger, LATER) for ledger in ledgers])


@each_family
def test_features_say_when_they_are_null(family: str, vectors: pd.DataFrame, extremes: pd.DataFrame):
    for declared in catalogue(family):
        missing = pd.concat([vectors[declared.name], extremes[declared.name]]).isna().any()
        if math.isnan(declared.null):
            assert missing == bool(declared.null_when), declared.name
        else:
            assert not missing, declared.name
            assert declared.null_when, declared.name


def is_bound(declared: Feature) -> bool:
    """Whether it says how often a search was cut, which these tables are too small for; see test_bounds_by_hand.py."""
    return declared.name.endswith("__truncated_share")


@each_family
def test_features_vary(family: str, vectors: pd.DataFrame):
    names = [declared.name for declared in catalogue(family) if not is_bound(declared)]
    assert [name for name in names if vectors[name].nunique() < 2] == []


@each_family
def test_features_stay_within_their_unit(family: str, vectors: pd.DataFrame):
    for declared in catalogue(family):
        values = vectors[declared.name].dropna()
        assert np.isfinite(values).all(), declared.name
        if declared.unit in ("share", "flag"):
            assert values.between(-1e-12, 1 + 1e-12).all(), declared.name
        elif declared.unit in ("transfers", "wallets", "hops", "transactions", "assets", "chains", "thefts"):
            assert (values == values.round()).all() or re.match("usual|mean", declared.sentence), declared.name
            assert (values >= 0).all(), declared.name
        elif declared.unit in ("seconds", "days", "USD", "units of the leading asset"):
            assert (values >= 0).all(), declared.name


def same_columns(numbers: np.ndarray, column: int, others: np.ndarray) -> np.ndarray:
    """Those of the other columns that equal this one."""
    same = np.isclose(numbers[:, others], numbers[:, [column]], rtol=1e-9, atol=1e-12, equal_nan=True)
    return others[same.all(axis=0)]


def test_no_two_features_are_the_same_number(vectors: pd.DataFrame):
    names = [declared.name for declared in FEATURES if not is_bound(declared)]
    numbers = vectors[names].to_numpy()
    same = []
    for column in range(len(names)):
        alike = same_columns(numbers[::50], column, np.arange(column + 1, len(names)))  # few rows rule most of them out
        same += [(names[column], names[other]) for other in same_columns(numbers, column, alike)]
    assert same == []
