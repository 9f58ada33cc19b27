"""Whole thefts left out: who is in the test, who must not train, against a slow account in plain Python."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate

from walletprint.features.base.errors import UsageError
from walletprint.training.data.snapshots import unit_hash
from walletprint.training.splits.leave_one_case_out import BINS
from walletprint.training.splits.splitters import LeaveOneCaseOut

PURPOSE = "leave_one_case_out"


def name(wallet):
    return f"0x{wallet:040x}"


def moment(month):
    """Months since January 2020, as the first day of the month."""
    return pd.Timestamp(2020 + month // 12, month % 12 + 1, 1, tz="UTC")


def make(rows):
    """[(wallet, month, case or None, transfers, y)] as groups and y."""
    groups = pd.DataFrame(
        {
            "address": [name(w) for w, *_ in rows],
            "as_of": pd.Series([moment(m) for _, m, *_ in rows], dtype="datetime64[us, UTC]"),
            "case": pd.Series([case for _, _, case, _, _ in rows], dtype=object),
            "transfers": [n for *_, n, _ in rows],
        }
    )
    return groups, np.array([y for *_, y in rows])


def background(wallets=range(100, 160), months=range(0, 12), transfers=(5,)):
    return [(w, m, None, transfers[w % len(transfers)], 0) for w in wallets for m in months]


UPBIT = [(w, m, "upbit", 5, 1) for w in (1, 2, 3) for m in (2, 3)]
KUCOIN = [(w, m, "kucoin", 5, 1) for w in (11, 12) for m in (8, 9)]
PLUS, VAULT = [[(w, 4, case, 5, 0) for w in ws] for case, ws in (("plus", (21, 22, 23)), ("vault", (31, 32, 33)))]


def by_case(splitter, groups, y):
    return {fold.case: fold for fold in splitter.folds(y, groups)}


def wallets(groups, rows):
    return {int(a, 16) for a in groups["address"].iloc[rows]}


def test_one_fold_a_case_with_all_its_snapshots():
    groups, y = make([*UPBIT, *KUCOIN, *background()])
    found = by_case(LeaveOneCaseOut(ratio=2), groups, y)
    assert list(found) == ["kucoin", "upbit"]
    for case, own in (("upbit", {1, 2, 3}), ("kucoin", {11, 12})):
        fold = found[case]
        assert wallets(groups, fold.test[fold.role == "case"]) == own
        assert fold.test[fold.role == "case"].tolist() == np.flatnonzero(groups["case"] == case).tolist()
        assert not wallets(groups, fold.train) & wallets(groups, fold.test)
        assert y[fold.train].sum() == y.sum() - y[fold.test].sum()  # the other case trains whole


def test_the_background_matches_the_case_in_quarter_and_activity():
    rows = [
        (1, 2, "upbit", 5, 1),
        (2, 2, "upbit", 50, 1),
        (2, 7, "upbit", 50, 1),
        *KUCOIN,
        *background(transfers=(5, 50, 500)),
    ]
    groups, y = make(rows)
    fold = by_case(LeaveOneCaseOut(ratio=3), groups, y)["upbit"]
    matched = groups.iloc[fold.test[fold.role == "background"]]
    cells = matched.groupby([matched["as_of"].dt.quarter, "transfers"]).size().to_dict()
    # asked for: three each of (first quarter, 5), (first, 50), (third, 50); no date before March or after August
    assert cells == {(1, 5): 3, (1, 50): 3, (3, 50): 3}
    assert matched["as_of"].between(moment(2), moment(7)).all()
    assert fold.wanted == 9


def test_where_too_few_match_all_of_them_are_taken_and_none_of_another_quarter():
    few = background(wallets=range(100, 104), months=range(0, 12))
    groups, y = make([*UPBIT, *KUCOIN, *few, *background(wallets=range(200, 210), months=(8,))])
    fold = by_case(LeaveOneCaseOut(ratio=100, held_out=1, cases=["upbit"]), groups, y)["upbit"]
    matched = fold.test[fold.role == "background"]
    assert wallets(groups, matched) == {100, 101, 102, 103}
    assert set(groups["as_of"].iloc[matched]) == {moment(2), moment(3)}
    assert (fold.wanted, len(matched)) == (600, 8)


def test_siblings_are_in_neither_side():
    groups, y = make([*UPBIT, *KUCOIN, *background()])
    siblings = {"upbit": [name(w).upper().replace("X", "x") for w in (12, 100, 101, 102, 1)], "elsewhere": []}
    found = by_case(LeaveOneCaseOut(siblings), groups, y)
    both = wallets(groups, found["upbit"].train) | wallets(groups, found["upbit"].test)
    assert not both & {12, 100, 101, 102}
    assert 1 in wallets(groups, found["upbit"].test)  # one of the case stays of the case
    assert {100, 101, 102} <= wallets(groups, found["kucoin"].train) | wallets(groups, found["kucoin"].test)


def test_negative_cases_are_dealt_whole_and_in_turn():
    groups, y = make([*UPBIT, *KUCOIN, *PLUS, *VAULT, *background()])
    found = by_case(LeaveOneCaseOut(), groups, y)
    hard = {case: wallets(groups, fold.test[fold.role == "hard"]) for case, fold in found.items()}
    assert sorted(map(sorted, hard.values())) == [[21, 22, 23], [31, 32, 33]]  # each in the test of one fold
    for case, fold in found.items():
        assert wallets(groups, fold.train) & {21, 22, 23, 31, 32, 33} == {21, 22, 23, 31, 32, 33} - hard[case]


def test_a_single_negative_case_is_dealt_by_address():
    plus = [(w, 4, "plus", 5, 0) for w in range(20, 40)]
    groups, y = make([*UPBIT, *KUCOIN, *plus, *background()])
    for splitter in (LeaveOneCaseOut(), LeaveOneCaseOut(hard_negatives="address")):
        for fold in splitter.folds(y, groups):
            tested = wallets(groups, fold.test[fold.role == "hard"])
            trained = wallets(groups, fold.train) & set(range(20, 40))
            assert tested == {w for w in range(20, 40) if unit_hash([name(w)], PURPOSE)[0] < 0.5}
            assert trained == set(range(20, 40)) - tested


def test_hard_negatives_are_at_most_the_ratio_and_the_rest_of_their_case_does_not_train():
    many = [(w, 4, case, 5, 0) for case, start in (("plus", 1000), ("vault", 2000)) for w in range(start, start + 50)]
    groups, y = make([*UPBIT, *KUCOIN, *many, *background()])
    fold = by_case(LeaveOneCaseOut(ratio=2), groups, y)["upbit"]
    assert (fold.role == "hard").sum() == 12  # six positive rows
    trained = {w for w in wallets(groups, fold.train) if w >= 1000}
    assert len(trained) == 50
    assert len({w // 1000 for w in trained}) == 1


def test_hard_negatives_may_be_left_to_the_training():
    groups, y = make([*UPBIT, *KUCOIN, *PLUS, *VAULT, *background()])
    for fold in LeaveOneCaseOut(hard_negatives="none").folds(y, groups):
        assert set(fold.role) == {"case", "background"}
        assert {21, 31} <= wallets(groups, fold.train)


def test_negatives_of_a_case_with_positives_stay_with_it():
    service = [(15, m, "upbit", 5, 0) for m in (2, 3)]
    groups, y = make([*UPBIT, *service, *KUCOIN, *background()])
    found = by_case(LeaveOneCaseOut(), groups, y)
    assert 15 in wallets(groups, found["upbit"].test)
    assert 15 in wallets(groups, found["kucoin"].train)


def test_small_cases_and_chosen_ones():
    groups, y = make([*UPBIT, *KUCOIN, (90, 5, "tiny", 5, 1), *background()])
    assert list(by_case(LeaveOneCaseOut(), groups, y)) == ["kucoin", "tiny", "upbit"]
    large = LeaveOneCaseOut(min_wallets=2)
    assert list(by_case(large, groups, y)) == ["kucoin", "upbit"]
    assert large.get_n_splits(None, y, groups) == 2
    assert all(90 in wallets(groups, fold.train) for fold in large.folds(y, groups))
    assert list(by_case(LeaveOneCaseOut(cases=["upbit"]), groups, y)) == ["upbit"]


def test_scikit_learn_takes_it():
    groups, y = make([*UPBIT, *KUCOIN, *PLUS, *VAULT, *background()])
    X = pd.DataFrame({"x": y + np.linspace(0, 1e-3, len(y))})
    cv = LeaveOneCaseOut(siblings={"upbit": [name(100)]})
    found = cross_validate(
        LogisticRegression(), X, y, groups=groups, cv=cv, scoring="average_precision", return_indices=True
    )
    assert found["test_score"].tolist() == [1.0, 1.0]
    expected = [fold.test.tolist() for fold in cv.folds(y, groups)]
    assert [rows.tolist() for rows in found["indices"]["test"]] == expected


ROWS = st.lists(
    st.tuples(st.integers(0, 25), st.integers(0, 11), st.integers(1, 40), st.integers(0, 1)),
    min_size=30,
    max_size=120,
)


def of_wallet(wallet):
    """Case and outcome of a wallet: two cases with positives, one of them with a negative too, two without, and background."""
    return {0: ("a", 1), 1: ("a", 1), 2: ("a", 0), 3: ("b", 1), 4: ("b", 1), 5: ("c", 0), 6: ("c", 0), 7: ("d", 0)}.get(
        wallet, (None, int(wallet == 8))
    )


def slow_fold(rows, case, turn, ratio, siblings):
    """What the class says, a row at a time."""
    luck = {w: unit_hash([name(w)], PURPOSE)[0] for w, *_ in rows}
    own = {w for w, _, c, _, _ in rows if c == case}
    near = siblings - own
    guilty = {c for _, _, c, _, y in rows if y}
    hard_cases = sorted({c for _, _, c, _, _ in rows if c} - guilty, key=lambda c: unit_hash([c], PURPOSE)[0])
    if len(hard_cases) == 1:
        dealt = {w for w, _, c, _, _ in rows if c in hard_cases and luck[w] < 0.5}
    else:
        dealt = {w for w, _, c, _, _ in rows if c in hard_cases and (hard_cases.index(c) + turn) % 2 == 0}
    wanted = [row for row in rows if row[2] == case and row[4] == 1]
    order = sorted(range(len(rows)), key=lambda i: (luck[rows[i][0]], rows[i][1], i))
    hard = [i for i in order if rows[i][0] in dealt - near][: round(ratio * len(wanted))]

    def cell(row):
        return row[1] // 3, sum(row[3] >= edge for edge in BINS)

    first, last = min(m for _, m, *_ in wanted), max(m for _, m, *_ in wanted)
    left = {}
    for row in wanted:
        left[cell(row)] = left.get(cell(row), 0) + 1
    left = {key: -(-n * ratio // 1) for key, n in left.items()}
    drawn = []
    for i in order:
        w, m, c, _, y = rows[i]
        fits = c is None and not y and w not in near and luck[w] < 0.5 and first <= m <= last
        if fits and left.get(cell(rows[i]), 0) > 0:
            left[cell(rows[i])] -= 1
            drawn.append(i)
    test = sorted({i for i, row in enumerate(rows) if row[0] in own} | set(hard) | set(drawn))
    out = own | near | dealt | {rows[i][0] for i in drawn}
    return [i for i, row in enumerate(rows) if row[0] not in out], test


@given(ROWS, st.sampled_from([0.5, 1, 3]), st.sets(st.integers(0, 25), max_size=4))
@settings(max_examples=40, deadline=None)
def test_folds_are_those_of_the_slow_account(drawn, ratio, siblings):
    rows = [(w, m, of_wallet(w)[0], n, of_wallet(w)[1]) for w, m, n, _ in drawn]
    groups, y = make(rows)
    cases = sorted({c for _, _, c, _, label in rows if label and c})
    splitter = LeaveOneCaseOut({c: [name(w) for w in siblings] for c in cases}, ratio=ratio)
    expected = [slow_fold(rows, case, turn, ratio, siblings) for turn, case in enumerate(cases)]
    sides = [side for fold in expected for side in fold]
    if not cases or any({int(y[i]) for i in side} != {0, 1} for side in sides):
        with pytest.raises(UsageError, match="LeaveOneCaseOut: "):
            list(splitter.split(None, y, groups))
        return
    found = [(train.tolist(), test.tolist()) for train, test in splitter.split(None, y, groups)]
    assert found == expected
    for train, test in found:
        assert not wallets(groups, train) & wallets(groups, test)


@given(st.permutations(range(20)))
@settings(max_examples=8, deadline=None)
def test_the_order_of_the_rows_does_not_matter(order):
    rows = [*UPBIT, *KUCOIN, *PLUS, *VAULT, *background(wallets=range(100, 140), months=(2, 3, 8, 9))]
    shuffled = [rows[i] for i in order] + rows[20:]
    sides = []
    for some in (rows, shuffled):
        groups, y = make(some)
        sides.append(
            [
                ({some[i] for i in train}, {some[i] for i in test})
                for train, test in LeaveOneCaseOut().split(None, y, groups)
            ]
        )
    assert sides[0] == sides[1]


@given(st.integers(4, 12))
@settings(max_examples=9, deadline=None)
def test_background_later_than_the_case_moves_nothing_of_its_test(end):
    rows = [*UPBIT, *KUCOIN, *PLUS, *VAULT, *background()]
    kept = [row for row in rows if row[2] is not None or row[1] < end]
    tests = []
    for some in (rows, kept):
        groups, y = make(some)
        fold = by_case(LeaveOneCaseOut(cases=["upbit"]), groups, y)["upbit"]
        tests.append([some[i] for i in fold.test])
    assert tests[0] == tests[1]


GROUPS, Y = make([*UPBIT, *KUCOIN, *background()])
ALONE = make([*UPBIT, *background()])


@pytest.mark.parametrize(
    ("splitter", "groups", "y", "message"),
    [
        (LeaveOneCaseOut(), GROUPS.drop(columns="case"), Y, "groups lack the column 'case'"),
        (LeaveOneCaseOut(), GROUPS.drop(columns="transfers"), Y, "groups lack the column 'transfers'"),
        (LeaveOneCaseOut(), GROUPS.assign(transfers=np.nan), Y, "transfers must be numbers from 0 on; row 1 has nan"),
        (LeaveOneCaseOut(), GROUPS.assign(case=None), Y, r"no case has 1 positive wallets \(cases: 0\)"),
        (LeaveOneCaseOut(), GROUPS.assign(case=7), Y, "groups.case must be text, not int 7"),
        (LeaveOneCaseOut(), GROUPS, None, "y is needed, with 1 for a positive"),
        (LeaveOneCaseOut(), GROUPS, Y[:-1], r"y has the shape \(729,\), and groups have 730 rows"),
        (LeaveOneCaseOut(), GROUPS, Y * 2, "y must be 0 or 1, not "),
        (LeaveOneCaseOut(), GROUPS, Y * 0, "no case has 1 positive wallets"),
        (LeaveOneCaseOut(), *ALONE, "with case 'upbit' left out no positive row is left to train on"),
        (LeaveOneCaseOut(cases=["bybit"]), GROUPS, Y, "case 'bybit' has no positive row"),
        (LeaveOneCaseOut(min_wallets=9), GROUPS, Y, "no case has 9 positive wallets"),
        (LeaveOneCaseOut(ratio=0), GROUPS, Y, r"ratio must be above 0 and held_out in \(0, 1\], not 0 and 0.5"),
        (LeaveOneCaseOut(hard_negatives="all"), GROUPS, Y, "hard_negatives must be case, address or none, not 'all'"),
        (LeaveOneCaseOut({"upbit": name(1)}), GROUPS, Y, "siblings must be a dict of case: addresses"),
        (LeaveOneCaseOut([name(1)]), GROUPS, Y, "siblings must be a dict of case: addresses"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(splitter, groups, y, message):
    with pytest.raises(UsageError, match=message) as error:
        list(splitter.split(None, y, groups))
    assert "\n" not in str(error.value)


def test_no_background_of_the_period_is_told():
    groups, y = make([*UPBIT, *KUCOIN, *background(months=(8, 9))])
    with pytest.raises(UsageError, match="with case 'upbit' left out no negative row is left to test with"):
        list(LeaveOneCaseOut().split(None, y, groups))


def test_without_bins_activity_is_not_needed():
    groups, y = make([*UPBIT, *KUCOIN, *background()])
    assert len(list(LeaveOneCaseOut(bins=()).split(None, y, groups.drop(columns="transfers")))) == 2
