"""Bootstrap intervals: weights against rows repeated and measured again, and what an interval must and must not say."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from walletprint.features import UsageError
from walletprint.training.metrics import bootstrap
from walletprint.training.metrics import classification_metrics as metrics
from walletprint.training.metrics.bootstrap import clusters, interval, interval_of_mean, paired_bootstrap
from walletprint.training.metrics.weighted_metrics import weighted_metric

NAMED = {
    "pr_auc": metrics.pr_auc,
    "roc_auc": metrics.roc_auc,
    "brier": metrics.brier,
    "precision_at_k3": lambda y, s: metrics.precision_at(y, s, 3),
    "recall_at_k3": lambda y, s: metrics.recall_at(y, s, 3),
    "precision_at_20pct": lambda y, s: metrics.precision_at(y, s, metrics.reviews(len(y), 0.2)),
    "recall_at_20pct": lambda y, s: metrics.recall_at(y, s, metrics.reviews(len(y), 0.2)),
}
COUNTED = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 5), st.integers(0, 3)), min_size=1, max_size=25
)  # outcome, score in fifths, how often the row came


@pytest.mark.parametrize("metric", NAMED)
@given(rows=COUNTED)
@settings(max_examples=60, deadline=None)
def test_weights_are_rows_repeated(metric, rows):
    y, score, counts = np.array(rows, dtype=float).T
    score /= 5
    repeated = np.repeat(np.arange(len(y)), counts.astype(int))
    found = weighted_metric(metric, y, score)(counts[None, :])[0]
    if len(repeated):
        assert found == pytest.approx(NAMED[metric](y[repeated].astype(int), score[repeated]), nan_ok=True)
    else:
        assert math.isnan(found)


def sample(n=300, groups=40, seed=5, lift=1.0):
    generator = np.random.default_rng(seed)
    of = generator.integers(0, groups, n)
    y = (of % 4 == 0).astype(int)
    shared = generator.normal(0, 1, groups)[of]  # rows of a group are alike
    return y, lift * y + shared + generator.normal(0, 0.3, n), of


@pytest.mark.parametrize("metric", ["pr_auc", "recall_at_20pct"])
def test_the_quick_way_is_the_slow_way(metric):
    y, score, of = sample()
    quick = interval(y, score, of, metric, resamples=50)
    slow = interval(y, score, of, NAMED[metric], resamples=50)
    assert (quick.value, quick.low, quick.high) == pytest.approx((slow.value, slow.low, slow.high))


def test_draws_are_of_groups_with_and_without_positives_apart():
    y, score, of = sample()
    generator, draws = np.random.default_rng(7), []
    rows_of = {g: np.flatnonzero(of == g) for g in range(40)}
    with_positives = [g for g in dict.fromkeys(of) if y[rows_of[g]].any()]
    without = [g for g in dict.fromkeys(of) if not y[rows_of[g]].any()]
    for _ in range(30):
        chosen = [part[i] for part in (with_positives, without) for i in generator.integers(0, len(part), len(part))]
        rows = np.concatenate([rows_of[g] for g in chosen])
        draws.append(metrics.roc_auc(y[rows], score[rows]))
    found = interval(y, score, of, "roc_auc", resamples=30)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(draws, (0.025, 0.975))))


def test_how_many_draws_are_held_at_once_changes_nothing(monkeypatch):
    y, score, of = sample()
    whole = interval(y, score, of, resamples=40)
    monkeypatch.setattr(bootstrap, "_CELLS", 1000)
    assert interval(y, score, of, resamples=40) == whole


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    y, score, of = sample()
    assert interval(y, score, of) == interval(y, score, of)
    assert interval(y, score, of) != interval(y, score, of, seed=8)


def test_names_of_groups_do_not_matter():
    y, score, of = sample()
    assert interval(y, score, [f"wallet {g}" for g in of], resamples=50) == interval(y, score, of, resamples=50)


def test_many_rows_of_few_wallets_are_not_many_wallets():
    y, score, of = sample()
    by_wallet = interval(y, score, of, "roc_auc")
    by_row = interval(y, score, np.arange(len(y)), "roc_auc")
    assert by_wallet.value == by_row.value
    assert by_wallet.high - by_wallet.low > 2 * (by_row.high - by_row.low)


def test_the_interval_of_independent_rows_is_that_of_hanley_and_mcneil():
    generator = np.random.default_rng(1)
    y = np.repeat([0, 1], 400)
    score = y + generator.normal(0, 1, 800)
    found = interval(y, score, np.arange(800), "roc_auc", resamples=2000)
    a = found.value
    q1, q2 = a / (2 - a), 2 * a**2 / (1 + a)  # Hanley & McNeil 1982
    error = math.sqrt((a * (1 - a) + 399 * (q1 - a**2) + 399 * (q2 - a**2)) / 400**2)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.1)


def test_two_models_on_the_same_draws():
    y, better, of = sample(lift=2.0)
    worse = sample(lift=0.0)[1]
    found = paired_bootstrap(y, better, worse, of, "roc_auc", resamples=200)
    assert found.difference == pytest.approx(found.a - found.b)
    assert found.a == pytest.approx(metrics.roc_auc(y, better))
    assert 0 < found.low < found.difference < found.high
    assert found.probability_of_superiority > 0.99
    turned = paired_bootstrap(y, worse, better, of, "roc_auc", resamples=200)
    assert (turned.low, turned.high, turned.probability_of_superiority) == pytest.approx(
        (-found.high, -found.low, 1 - found.probability_of_superiority)
    )
    draws_apart = interval(y, better, of, "roc_auc", resamples=200)
    assert found.high - found.low < draws_apart.high - draws_apart.low + 0.5


def test_a_model_against_itself_differs_by_nothing():
    y, score, of = sample()
    found = paired_bootstrap(y, score, score, of)
    assert (found.difference, found.low, found.high, found.probability_of_superiority) == (0, 0, 0, 0.5)


def by_cases(cases, alone=100, seed=2):
    """Positives in cases of ten, and negatives that are a group each."""
    generator = np.random.default_rng(seed)
    y = np.repeat([1, 0], [10 * cases, alone])
    case = [f"theft {i // 10}" for i in range(10 * cases)] + [None] * alone
    return y, y + generator.normal(0, 1, len(y)), clusters(case, [f"0x{i}" for i in range(len(y))])


def test_four_thefts_have_no_interval_and_it_says_so():
    y, score, groups = by_cases(4)
    found = interval(y, score, groups)
    assert found.value == pytest.approx(metrics.pr_auc(y, score))
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.note == "4 groups hold positives: too few for an interval, 5 are needed"
    assert found.groups == (4, 100)
    paired = paired_bootstrap(y, score, -score, groups)
    assert math.isnan(paired.low)
    assert math.isnan(paired.probability_of_superiority)
    assert paired.difference > 0
    assert paired.note == found.note


def test_few_thefts_have_one_with_a_warning_and_many_without():
    few, many = interval(*by_cases(6), resamples=50), interval(*by_cases(25), resamples=50)
    assert few.low < few.value < few.high
    assert few.note == "6 groups hold positives: with so few, an interval is too narrow"
    assert many.note == ""


def test_clusters_are_cases_or_else_addresses():
    assert clusters(["a", None, np.nan], ["0x1", "0x2", "0x2"]).tolist() == ["case a", "address 0x2", "address 0x2"]


def test_draws_that_define_nothing_are_left_out_and_counted():
    y, score, of = sample()
    found = interval(y, score, of, lambda y, s: np.nan if s[0] > 1 else 0.5, resamples=60)
    assert found.low == found.high == 0.5
    assert "of 60 resamples" in found.note
    never = interval(y, score, of, "precision_at_k9999", resamples=20)
    assert math.isnan(never.low)
    assert never.note.endswith("; not defined in 20 of 20 resamples")


def test_the_mean_of_cases():
    values = [0.2, 0.4, 0.9, 0.5, 0.6, np.nan]
    found = interval_of_mean(values, resamples=4000)
    kept = np.array(values[:5])
    assert found.value == pytest.approx(kept.mean())
    error = kept.std() / math.sqrt(5)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.1)
    assert found.note.startswith("5 values: with so few")
    assert math.isnan(interval_of_mean(values[:4]).low)
    assert math.isnan(interval_of_mean([]).value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": [0, 2]}, "y: one row or more of 0 and 1 is needed"),
        ({"y": []}, "y: one row or more of 0 and 1 is needed"),
        ({"groups": ["a"]}, "groups: one label for each of 2 rows is needed; got 1"),
        ({"groups": ["a", None]}, "groups: one label for each of 2 rows is needed; got 1"),
        ({"ranking": [0.1, np.nan]}, "ranking: one number for each of 2 rows is needed; got 1"),
        ({"ranking": [0.1]}, "ranking: one number for each of 2 rows is needed; got 1"),
        ({"metric": "f1"}, "metric: pr_auc, roc_auc, .* or a function of .* not 'f1'"),
        ({"metric": "precision_at_k0"}, "metric: "),
        ({"resamples": 0}, "resamples must be 1 or more and level between 0 and 1, not 0 and 0.95"),
        ({"level": 95}, "resamples must be 1 or more and level between 0 and 1"),
    ],
)
def test_what_cannot_be_used_is_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        interval(**({"y": [0, 1], "ranking": [0.1, 0.9], "groups": ["a", "b"]} | arguments))
