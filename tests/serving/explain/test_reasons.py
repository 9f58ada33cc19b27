"""Reasons: the largest contributions first, in sentences that a person can read."""

import math

import numpy as np
import pytest

from walletprint.features.families.registry import catalogue, feature
from walletprint.serving.explain.reasons import group_by_behaviour, number_text, quantity_text, reasons_of, sentence

PASS_THROUGH = feature("flow__pass_through__1h")
SIX = tuple(declared.name for declared in catalogue()[:6])


def test_a_sentence_tells_value_quartiles_and_direction():
    assert sentence(PASS_THROUGH, 0.93, 0.84, (0.0, 0.01, 0.12)) == (
        "share of the value received that left again within an hour: 93 % (usually 0 % to 12 %), "
        "raises the score by 0.84 log-odds"
    )
    assert sentence(PASS_THROUGH, 0.0, -1.256, (0.0, 0.0, 0.0)) == (
        "share of the value received that left again within an hour: 0 % (usually 0 %), "
        "lowers the score by 1.26 log-odds"
    )


def test_a_sentence_tells_why_a_value_is_not_defined():
    assert sentence(PASS_THROUGH, math.nan, 0.1, None) == (
        "share of the value received that left again within an hour: not defined: no value was received "
        "(usually not defined), raises the score by 0.1 log-odds"
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.934, "share", "93.4 %"),
        (1.0, "share", "100 %"),
        (0.00001234, "share", "0.00123 %"),
        (45, "seconds", "45 seconds"),
        (0.5, "seconds", "0.5 seconds"),
        (0, "seconds", "0 seconds"),
        (60, "seconds", "1 minute"),
        (5_400, "seconds", "1.5 hours"),
        (86_400, "seconds", "1 day"),
        (90, "days", "90 days"),
        (0.25, "days", "6 hours"),
        (1, "transfers", "1 transfer"),
        (12_345, "transfers", "12,345 transfers"),
        (2, "wallets", "2 wallets"),
        (1234.56, "USD", "1,235 USD"),
        (0.5, "units of the leading asset", "0.5 units of the leading asset"),
        (-0.333333, "ratio", "-0.333"),
        (1, "flag", "1"),
    ],
)
def test_quantities(value, unit, text):
    assert quantity_text(value, unit) == text


def test_numbers_have_three_digits_and_no_exponent_where_people_look():
    texts = [number_text(v) for v in (0, -0.0, 999.4, 999.7, 1e-9, 123456789.0, 1e15, 1e-20, math.inf)]
    assert texts == ["0", "0", "999", "1,000", "0.000000001", "123,456,789", "1e+15", "1e-20", "inf"]


@pytest.mark.parametrize("declared", catalogue(), ids=lambda f: f.name)
def test_every_feature_reads_as_one_line(declared):
    for value in (declared.null, 0.0, 1.0, 1234.5):
        text = sentence(declared, value, 0.5, (0.0, 0.5, 1.0))
        assert text.startswith(f"{declared.sentence}: ")
        assert "\n" not in text
        assert "nan" not in text


def test_behaviours_come_by_the_size_of_their_sums_ties_in_order_and_no_zeros():
    declared = [feature(name) for name in SIX]
    alone = group_by_behaviour(declared)._replace(names=SIX, group=np.arange(6))
    found = reasons_of(declared, alone, np.arange(6.0), np.array([0.1, -0.5, 0.0, 0.5, 0.3, -0.01]), {}, top=4)
    assert [reason["contribution"] for reason in found] == [-0.5, 0.5, 0.3, 0.1]
    assert [reason["feature"] for reason in found] == [SIX[i] for i in (1, 3, 4, 0)]
    assert len(reasons_of(declared, alone, np.arange(6.0), np.array([0.1, 0, 0, 0, 0, 0]), {})) == 1


def test_features_of_one_behaviour_add_up_and_the_one_that_does_most_of_it_speaks():
    declared = [feature(name) for name in (PASS_THROUGH.name, "flow__pass_through__1d", "activity__transfers__total")]
    groups = group_by_behaviour(declared)
    assert groups.group.tolist() == [0, 0, 1]
    first, second = reasons_of(declared, groups, np.array([0.9, 0.95, 8.0]), np.array([-0.5, 0.7, 0.1]), {})
    assert (first["feature"], first["features"], first["value"]) == (declared[1].name, 2, 0.95)
    assert first["contribution"] == pytest.approx(0.2)
    assert first["sentence"].endswith(", with 1 more of its kind, raises the score by 0.2 log-odds")
    assert (second["behaviour"], second["features"]) == ("activity: transfers", 1)


def test_every_feature_has_a_behaviour_in_words_and_both_sides_one():
    names = group_by_behaviour(catalogue()).names
    assert all(name and "__" not in name for name in names)
    sides = [feature(f"counterparties__{side}__distinct") for side in ("in", "out")]
    assert len(group_by_behaviour(sides).names) == 1


def test_a_reason_holds_plain_values():
    of_one = group_by_behaviour([PASS_THROUGH])
    values, quartiles = np.array([np.nan]), {PASS_THROUGH.name: (0.0, 0.1, 0.2)}
    (reason,) = reasons_of([PASS_THROUGH], of_one, values, np.array([0.2]), quartiles)
    assert list(reason) == [
        "behaviour",
        "features",
        "feature",
        "value",
        "reference_quartiles",
        "contribution",
        "sentence",
    ]
    assert reason["value"] is None
    assert reason["reference_quartiles"] == [0.0, 0.1, 0.2]
    assert type(reason["contribution"]) is float
    assert type(reason["features"]) is int
