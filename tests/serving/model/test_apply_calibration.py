"""Score, percentile and band, against values worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from walletprint.serving.model.calibration import (
    bands_of,
    calibrate,
    percentiles,
    reference_margins,
    reference_quartiles,
)
from walletprint.serving.model.model_folder import Bands, Calibration, ReferenceMargins


def test_isotonic_knots_are_joined_by_lines_and_clipped():
    knots = Calibration(method="isotonic", x=(-1.0, 0.0, 2.0), y=(0.1, 0.2, 0.8))
    assert calibrate(np.array([-9, -1, -0.5, 0, 1, 2, 9]), knots) == pytest.approx([0.1, 0.1, 0.15, 0.2, 0.5, 0.8, 0.8])


def test_one_knot_gives_one_score():
    assert calibrate(np.array([-1.0, 1.0]), Calibration(method="isotonic", x=(0.0,), y=(0.3,))).tolist() == [0.3, 0.3]


def test_venn_abers_is_steps_that_begin_on_their_knots():
    steps = Calibration(method="venn_abers", x=(-1.0, 2.0), y=(0.1, 0.4, 0.9))
    asked = np.array([-9, np.nextafter(-1, -2), -1, 0, np.nextafter(2, 1), 2, 9])
    assert calibrate(asked, steps).tolist() == [0.1, 0.1, 0.4, 0.4, 0.4, 0.9, 0.9]


def test_sigmoid_is_the_logistic_of_a_line_and_never_overflows():
    margin = np.array([-1e6, -1.0, 0.0, 2.0, 1e6])
    expected = [0.0, *(1 / (1 + np.exp(-(2 * margin[1:4] - 0.5)))), 1.0]
    assert calibrate(margin, Calibration(method="sigmoid", x=(2.0,), y=(-0.5,))) == pytest.approx(expected, rel=1e-14)
    assert calibrate(np.array([0.0, np.log(3)]), Calibration()) == pytest.approx([0.5, 0.75])


def test_percentile_is_the_share_below_with_ties_counted_half():
    rising = ReferenceMargins(quantiles=tuple(np.linspace(0.0, 10.0, 1001)))
    assert percentiles(np.array([-1, 0, 2.5, 2.505, 10, 11]), rising) == pytest.approx([0, 0, 25, 25.05, 100, 100])
    half = ReferenceMargins(quantiles=(0.0,) * 501 + (1.0,) * 500)
    assert percentiles(np.array([-1, 0, 1, 2]), half) == pytest.approx([0, 25, 75.05, 100])


def test_reference_margins_are_those_of_the_population():
    margin = np.random.default_rng(1).permutation(np.arange(2001.0))
    assert reference_margins(margin).quantiles == pytest.approx(np.arange(0.0, 2001.0, 2.0))
    assert percentiles(np.array([1000.0]), reference_margins(margin)).tolist() == pytest.approx([50.0])


def test_a_band_begins_at_its_threshold():
    bands = Bands(low=0.2, medium=0.4, high=0.6, severe=0.8)
    assert bands_of(np.array([0.0, 0.1999, 0.2, 0.4, 0.5, 0.6, 0.8, 1.0]), bands).tolist() == [
        "none", "none", "low", "medium", "medium", "high", "severe", "severe"
    ]  # fmt: skip


def test_a_band_without_width_is_never_given():
    assert bands_of(np.array([0.1, 0.5, 0.9]), Bands(low=0.5, medium=0.5, high=0.9, severe=1.0)).tolist() == [
        "none",
        "medium",
        "high",
    ]


def test_reference_quartiles_leave_out_what_is_not_defined():
    X = pd.DataFrame({"a": [np.nan, 0.0, 4.0, 8.0, 2.0, 6.0], "b": [np.nan] * 6})
    assert reference_quartiles(X) == {"a": (2.0, 4.0, 6.0), "b": None}
