"""Splitters forward in time and by address: against plain Python, and what no fold may ever do."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score, cross_validate

from walletprint.features.base.errors import UsageError
from walletprint.training.data.snapshots import unit_hash
from walletprint.training.splits.splitters import AddressDisjoint, ForwardChaining, groups_of

DAY = dt.timedelta(days=1)


def frame(rows, columns=("address", "as_of", "known_from")):
    """[(wallet number, day, day the label is known or None)] as groups; day 0 is 2020-01-01."""
    start = pd.Timestamp("2020-01-01", tz="UTC")
    table = pd.DataFrame(
        {
            "address": [f"0x{w:040x}" for w, _, _ in rows],
            "as_of": pd.Series([start + d * DAY for _, d, _ in rows], dtype="datetime64[us, UTC]"),
            "known_from": pd.Series(
                [pd.NaT if k is None else start + k * DAY for _, _, k in rows], dtype="datetime64[us, UTC]"
            ),
        }
    )
    return table[list(columns)]


def folds(splitter, groups):
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(None, None, groups)]


def test_two_folds_by_hand():
    # days 0 … 8, a snapshot each: three stretches of three days; tests begin on days 3 and 6
    groups = frame([(1, day, None) for day in range(9)])
    assert folds(ForwardChaining(2, embargo=None), groups) == [([0, 1, 2], [3, 4, 5]), ([0, 1, 2, 3, 4, 5], [6, 7, 8])]
    # an embargo of two days: training up to day 1, which is two days before day 3, and up to day 4
    assert folds(ForwardChaining(2, embargo="2d"), groups) == [([0, 1], [3, 4, 5]), ([0, 1, 2, 3, 4], [6, 7, 8])]


def test_equal_shares_of_snapshots_and_of_dates():
    days = [0] * 6 + [1, 2, 3, 4, 5]  # 11 snapshots on six dates, most on the first
    groups = frame([(i, day, None) for i, day in enumerate(days)])
    by_snapshots = [test[0] for _, test in folds(ForwardChaining(2, embargo=None), groups)]
    by_dates = [test[0] for _, test in folds(ForwardChaining(2, embargo=None, by="dates"), groups)]
    assert [days[row] for row in by_snapshots] == [1, 3]  # six of 11 are before day 1, eight before day 3
    assert [days[row] for row in by_dates] == [2, 4]


def test_a_label_known_late_is_not_in_the_training():
    # the test begins on day 6, with an embargo of 2 days a training ends on day 4: labels must be known before it
    known = [None, 3, 4, 20]
    groups = frame([(i, 0, k) for i, k in enumerate(known)] + [(9, 6, 20), (9, 7, None)])
    starts = ["2020-01-07"]
    assert folds(ForwardChaining(starts=starts, embargo="2d"), groups) == [([0, 1], [4, 5])]
    assert folds(ForwardChaining(starts=starts, embargo="2d", label_delay="1d"), groups) == [([0], [4, 5])]
    without = groups.drop(columns="known_from")
    assert folds(ForwardChaining(starts=starts, embargo="2d"), without) == [([0, 1, 2, 3], [4, 5])]


def test_wallets_may_straddle_unless_they_are_dropped():
    groups = frame([(1, 0, None), (2, 0, None), (1, 5, None), (3, 5, None)])
    assert folds(ForwardChaining(1, embargo=None), groups) == [([0, 1], [2, 3])]
    assert folds(ForwardChaining(1, embargo=None, straddling="drop"), groups) == [([1], [2, 3])]


ROWS = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 40), st.one_of(st.none(), st.integers(0, 60))), min_size=12, max_size=60
)


def oracle(rows, begin, end, embargo, delay):
    """One fold in plain Python, in days."""
    until = begin - embargo
    train = [i for i, (_, d, k) in enumerate(rows) if d <= until and d < begin and (k is None or k + delay < until)]
    return train, [i for i, (_, d, _) in enumerate(rows) if begin <= d < end]


@given(ROWS, st.integers(0, 5), st.integers(0, 9), st.lists(st.integers(1, 39), min_size=1, max_size=3, unique=True))
@settings(max_examples=40, deadline=None)
def test_given_starts_the_folds_are_those_of_plain_python(rows, embargo, delay, begins):
    begins = sorted(begins)
    expected = [oracle(rows, b, e, embargo, delay) for b, e in zip(begins, [*begins[1:], 99], strict=True)]
    splitter = ForwardChaining(
        embargo=f"{embargo}d" if embargo else None,
        label_delay=f"{delay}d" if delay else None,
        starts=[dt.date(2020, 1, 1) + b * DAY for b in begins],
    )
    assert splitter.get_n_splits() == len(begins)
    if all(train and test for train, test in expected):
        assert folds(splitter, frame(rows)) == expected
    else:
        with pytest.raises(UsageError, match=r"has no (training|test) row"):
            folds(splitter, frame(rows))


@given(ROWS, st.integers(0, 3), st.integers(1, 3), st.sampled_from(["snapshots", "dates"]))
@settings(max_examples=40, deadline=None)
def test_no_fold_trains_on_what_is_too_near_or_later(rows, embargo, n_splits, by):
    groups = frame(rows, ("address", "as_of"))
    try:
        found = folds(ForwardChaining(n_splits, embargo=f"{embargo}d" if embargo else None, by=by), groups)
    except UsageError:
        return
    days = np.array([d for _, d, _ in rows])
    assert len(found) == n_splits
    tested = [row for _, test in found for row in test]
    assert len(tested) == len(set(tested))
    assert sorted(tested) == np.flatnonzero(days >= days[found[0][1]].min()).tolist()  # no gap and nothing twice
    for train, test in found:
        begin = days[test].min()
        assert days[train].max() <= begin - embargo
        assert days[train].max() < begin
        assert len(train) == (days <= begin - max(embargo, 1)).sum()  # nothing that could train is left out


@given(ROWS, st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_with_given_starts_later_rows_move_no_earlier_fold(rows, embargo):
    rows = sorted(rows, key=lambda row: row[1])
    starts = [dt.date(2020, 1, 1) + 10 * DAY, dt.date(2020, 1, 1) + 20 * DAY]
    cut = [row for row in rows if row[1] < 20]
    try:
        whole = folds(ForwardChaining(starts=starts, embargo=f"{embargo}d" if embargo else None), frame(rows))
        part = folds(ForwardChaining(starts=starts[:1], embargo=f"{embargo}d" if embargo else None), frame(cut))
    except UsageError:
        return
    assert part[0] == whole[0]


@given(ROWS, st.integers(2, 4))
@settings(max_examples=40, deadline=None)
def test_address_folds_are_those_of_the_hash_and_disjoint(rows, n_splits):
    groups = frame(rows, ("address",))
    number = [int(unit_hash([a], "address_disjoint")[0] * n_splits) for a in groups["address"]]
    if len(set(number)) < n_splits:
        with pytest.raises(UsageError, match="has no wallet"):
            folds(AddressDisjoint(n_splits), groups)
        return
    for fold, (train, test) in enumerate(folds(AddressDisjoint(n_splits), groups)):
        assert test == [i for i, k in enumerate(number) if k == fold]
        assert sorted(train + test) == list(range(len(rows)))
        assert not set(groups["address"].iloc[train]) & set(groups["address"].iloc[test])


def test_an_address_is_one_wallet_in_any_spelling():
    a, b = "0x" + "ab" * 20, "0x" + "cd" * 20
    groups = pd.DataFrame({"address": [a, a.upper().replace("X", "x"), b, f" {b} "]})
    sides = [set(test) for _, test in folds(AddressDisjoint(2, purpose="third"), groups)]
    assert sorted(map(sorted, sides)) == [[0, 1], [2, 3]]


def test_another_purpose_deals_anew():
    groups = frame([(w, 0, None) for w in range(200)], ("address",))
    one, other = (folds(AddressDisjoint(2, purpose=p), groups)[0][1] for p in ("address_disjoint", "again"))
    assert 20 < len(set(one) & set(other)) < 80


def table(n=400, seed=3):
    generator = np.random.default_rng(seed)
    rows = [
        (int(w), int(d), None) for w, d in zip(generator.integers(0, 60, n), generator.integers(0, 400, n), strict=True)
    ]
    y = generator.integers(0, 2, n)
    return pd.DataFrame({"x": y + generator.normal(0, 1, n)}), y, frame(rows)


@pytest.mark.parametrize("cv", [ForwardChaining(3, embargo="30d", label_delay="5d"), AddressDisjoint(4)])
def test_scikit_learn_takes_them(cv):
    X, y, groups = table()
    scores = cross_val_score(LogisticRegression(), X, y, groups=groups, cv=cv, scoring="roc_auc")
    assert len(scores) == cv.get_n_splits(X, y, groups)
    assert scores.mean() > 0.6
    found = cross_validate(LogisticRegression(), X, y, groups=groups, cv=cv, return_indices=True)
    for train, (expected, _) in zip(found["indices"]["train"], cv.split(X, y, groups), strict=True):
        assert train.tolist() == expected.tolist()
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=cv).fit(X, y, groups=groups)
    assert search.n_splits_ == len(scores)
    assert "groups" in str(cv.get_metadata_routing())
    assert type(cv).__name__ in repr(cv)


GOOD = frame([(w, d, None) for d, w in enumerate(range(9))])


@pytest.mark.parametrize(
    ("splitter", "groups", "message"),
    [
        (AddressDisjoint(2), None, r"groups must be a frame .* not None"),
        (AddressDisjoint(2), GOOD["address"].to_numpy(), "groups must be a frame .* not ndarray"),
        (AddressDisjoint(2), GOOD[["as_of"]], "groups lack the column 'address'; the columns are: as_of"),
        (AddressDisjoint(2), GOOD.iloc[:0], "groups have no row"),
        (AddressDisjoint(1), GOOD, "n_splits must be a whole number from 2 on, not 1"),
        (AddressDisjoint(2), GOOD.assign(address=[None, *GOOD["address"][1:]]), "groups.address is missing in row 1"),
        (AddressDisjoint(2), GOOD.assign(address=range(9)), "groups.address must be text, not int 0"),
        (AddressDisjoint(8), GOOD, r"fold \d of 8 has no wallet \(9 in all\); use fewer folds"),
        (ForwardChaining(2), GOOD[["address"]], "groups lack the column 'as_of'"),
        (ForwardChaining(0), GOOD, "n_splits must be a whole number from 1 on, not 0"),
        (ForwardChaining(9), GOOD, "9 folds need 10 dates; groups.as_of has 9"),
        (ForwardChaining(2), GOOD, r"fold 1 of 2 has no training row .* embargo 90d.*; use fewer folds or a shorter"),
        (ForwardChaining(2, embargo="all"), GOOD, "embargo must be a length such as 90d, or None, not 'all'"),
        (ForwardChaining(2, embargo=90), GOOD, "embargo must be a length"),
        (ForwardChaining(2, embargo=None, label_delay="soon"), GOOD, "label_delay must be a length"),
        (ForwardChaining(2, embargo=None, label_delay="9d"), GOOD[["as_of"]], "lack the column 'known_from'"),
        (ForwardChaining(2, by="rows"), GOOD, "by must be snapshots or dates, not 'rows'"),
        (ForwardChaining(2, straddling="cut"), GOOD, "straddling must be keep or drop"),
        (ForwardChaining(starts=["2020-02-01", "2020-01-01"]), GOOD, "starts must be dates in ascending order"),
        (ForwardChaining(starts=["soon"]), GOOD, "a date such as"),
        (ForwardChaining(2), GOOD.assign(as_of=pd.NaT), "groups.as_of is missing in row 1"),
        (ForwardChaining(2), GOOD.assign(as_of="2020-01-01"), "groups.as_of must be dates with a time zone"),
        (ForwardChaining(2), GOOD.assign(known_from=1), "groups.known_from must be dates with a time zone, not int64"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(splitter, groups, message):
    with pytest.raises(UsageError, match=message) as error:
        list(splitter.split(None, None, groups))
    assert "\n" not in str(error.value)


def test_groups_are_as_long_as_the_table():
    with pytest.raises(UsageError, match="groups have 9 rows and X has 3; give one row of groups per row of X"):
        list(AddressDisjoint(2).split(np.zeros((3, 1)), None, GOOD))


def test_a_user_s_mistake_reaches_him_through_scikit_learn():
    X, y, groups = table()
    with pytest.raises(UsageError, match="lack the column 'as_of'"):
        cross_val_score(DummyClassifier(), X, y, groups=groups[["address"]], cv=ForwardChaining(3))


def test_groups_of_a_dataset():
    from types import SimpleNamespace

    day = pd.Timestamp("2020-05-01", tz="UTC")
    labels = pd.DataFrame(
        {
            "address": ["a", "a", "b", "c", "c"],
            "known_from": pd.Series([day, day - DAY, pd.NaT, day, pd.NaT], dtype="datetime64[us, UTC]"),
        }
    )
    snapshots = pd.DataFrame({"address": ["b", "a", "c"], "as_of": [day] * 3, "transfers": [3, 4, 5], "first": 0})
    details = pd.DataFrame({"case": ["one", None, None]})
    dataset = SimpleNamespace(snapshots=snapshots, label_details=details, targets=SimpleNamespace(labels=labels))
    groups = groups_of(dataset)
    assert groups.columns.tolist() == ["address", "as_of", "transfers", "case", "known_from"]
    assert groups["known_from"].tolist()[1] == day - DAY  # the first of its labels
    assert groups["known_from"].isna().tolist() == [True, False, True]  # an undated label was always known
    assert groups["case"].tolist()[0] == "one"
