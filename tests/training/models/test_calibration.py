"""Calibration: what is fitted here and applied by serving gives probabilities that hold on later rows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walletprint.serving.model.calibration import calibrate
from walletprint.training.metrics import classification_metrics as metrics
from walletprint.training.models.calibration import fit_calibration, flag_threshold


def sample(n, seed, slope=0.5, offset=-1.0):
    """Margins that are too sure of themselves: the true log-odds are slope·margin + offset."""
    generator = np.random.default_rng(seed)
    margin = generator.normal(0, 3, n)
    truth = 1 / (1 + np.exp(-(slope * margin + offset)))
    return margin, (generator.random(n) < truth).astype(int)


def test_few_rows_get_a_sigmoid_that_finds_the_truth():
    fitted = fit_calibration(*sample(900, 1))
    assert fitted.method == "sigmoid"
    assert fitted.x[0] == pytest.approx(0.5, abs=0.07)
    assert fitted.y[0] == pytest.approx(-1.0, abs=0.25)


def test_many_rows_get_isotonic_knots():
    fitted = fit_calibration(*sample(5000, 2))
    assert fitted.method == "isotonic"
    margin, y = sample(20000, 3)
    raw = 1 / (1 + np.exp(-margin))
    assert metrics.ece(y, calibrate(margin, fitted)) < 0.02 < 0.1 < metrics.ece(y, raw)


def test_many_rows_with_few_positives_get_a_sigmoid():
    margin, y = sample(5000, 4, offset=-5.5)
    assert 0 < y.sum() < 200
    assert fit_calibration(margin, y).method == "sigmoid"


def test_the_score_rises_with_the_margin_and_is_never_certain():
    margin, y = sample(3000, 5)
    fitted = fit_calibration(margin, y)
    inside = np.linspace(fitted.x[0], fitted.x[-1], 500)
    score = calibrate(inside, fitted)
    assert (np.diff(score) > 0).all()
    everywhere = calibrate(np.array([-1e9, 1e9]), fitted)
    assert 0 < everywhere[0] < everywhere[1] < 1


def test_isotonic_by_hand():
    # 500 each of margins 0, 1, 2, 3 with shares .1 .3 .2 .9: the middle two are pooled to .25 at their mean margin 1.5
    margin = np.repeat([0.0, 1.0, 2.0, 3.0], 500)
    y = np.concatenate([np.arange(500) < 500 * share for share in (0.1, 0.3, 0.2, 0.9)]).astype(int)
    fitted = fit_calibration(margin, y)
    assert fitted.x == pytest.approx((0.0, 1.5, 3.0))
    assert fitted.y == pytest.approx((0.1, 0.25, 0.9))


def test_a_margin_that_ranks_backwards_gives_all_the_base_rate():
    margin, y = sample(500, 6)
    fitted = fit_calibration(-margin, y)
    assert fitted.x == (0.0,)
    assert calibrate(np.array([-5.0, 5.0]), fitted) == pytest.approx([y.mean()] * 2, abs=0.01)


def test_separable_rows_do_not_run_away():
    margin = np.concatenate([np.full(50, -8.0), np.full(50, 8.0)])
    score = calibrate(margin, fit_calibration(margin, (margin > 0).astype(int)))
    assert score[-1] == pytest.approx(51 / 52, abs=1e-3)  # Platt's target for 50 positives


def test_the_method_can_be_chosen():
    few, many = sample(50, 7), sample(5000, 8)
    assert fit_calibration(*few, "isotonic").method == "isotonic"
    assert fit_calibration(*many, "sigmoid").method == "sigmoid"
    assert fit_calibration(*few, "venn_abers").method == "venn_abers"


def isotonic_at(rows, place):
    """Isotonic regression's value at one of the distinct margins, by the max-min formula: no pooling."""
    xs = sorted({x for x, _ in rows})
    at = xs.index(place)

    def mean(low, high):
        inside = [label for x, label in rows if xs[low] <= x <= xs[high]]
        return sum(inside) / len(inside)

    return max(min(mean(low, high) for high in range(at, len(xs))) for low in range(at + 1))


def venn_abers_by_definition(margin, y, asked):
    """Isotonic regression with the asked margin added once as a negative and once as a positive (Vovk & Petej 2014)."""
    rows, found = list(zip(margin.tolist(), y.tolist(), strict=True)), []
    for one in asked.tolist():
        p0, p1 = (isotonic_at([*rows, (one, side)], one) for side in (0, 1))
        found.append(p1 / (1 - p0 + p1))
    return np.array(found)


def around(margin):
    """On, between, and beside the margins of a slice."""
    known = np.unique(margin)
    middles = (known[1:] + known[:-1]) / 2
    return np.concatenate(
        [known, middles, np.nextafter(known, -9), np.nextafter(known, 9), known[:1] - 1, known[-1:] + 1]
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=1, max_size=12))
def test_venn_abers_is_its_definition(rows):
    margin, y = np.array([float(m) for m, _ in rows]), np.array([int(one) for _, one in rows])
    asked = around(margin)
    found = calibrate(asked, fit_calibration(margin, y, "venn_abers"))
    assert np.abs(found - venn_abers_by_definition(margin, y, asked)).max() < 1e-12


def test_venn_abers_leaves_numpys_error_state_alone():
    """The library sets it when it is imported."""
    before = np.geterr()
    fit_calibration(*sample(20, 9), "venn_abers")
    assert np.geterr() == before


def test_venn_abers_by_hand():
    # margins 0 and 1, a negative and a positive. On 0: as a negative 0/2, as a positive the mean of 0 and 1: .5 / (1 − 0 + .5)
    fitted = fit_calibration(np.array([0.0, 1.0]), np.array([0, 1]), "venn_abers")
    between = 1 / (1 - 0 + 1)  # p₀ = 0, p₁ = 1
    on_one = 1 / (1 - 0.5 + 1)
    asked = np.array([-1.0, 0.0, 0.5, 1.0, 2.0])
    assert calibrate(asked, fitted) == pytest.approx([1 / 3, 1 / 3, between, on_one, on_one])


def test_venn_abers_keeps_the_order_and_is_never_certain():
    margin, y = sample(3000, 10)
    fitted = fit_calibration(margin, y, "venn_abers")
    score = calibrate(np.sort(margin), fitted)
    assert (np.diff(score) >= 0).all()
    assert 0 < score[0] < score[-1] < 1
    later, truth = sample(20000, 11)
    assert metrics.ece(truth, calibrate(later, fitted)) < 0.03


def test_venn_abers_of_neighbouring_doubles():
    margin = np.array([1.0, np.nextafter(1.0, 2.0), 3.0])
    y = np.array([0, 1, 1])
    found = calibrate(margin, fit_calibration(margin, y, "venn_abers"))
    assert found == pytest.approx(venn_abers_by_definition(np.array([1.0, 2.0, 3.0]), y, np.array([1.0, 2.0, 3.0])))


@pytest.mark.parametrize(
    ("score", "budget", "expected"),
    [
        (np.arange(100) / 100, 0.05, 0.95),  # 95, 96, 97, 98, 99
        ([0.1, 0.2, 0.9, 0.9], 0.5, 0.9),
        ([0.1, 0.2, 0.9, 0.9], 0.49, 0.9),  # the tie at the top exceeds the budget
        ([0.1, 0.2, 0.2, 0.9], 0.5, 0.9),  # the tie at .2 does not fit
    ],
)
def test_the_threshold_keeps_to_the_budget(score, budget, expected):
    assert flag_threshold(np.asarray(score), budget) == expected
