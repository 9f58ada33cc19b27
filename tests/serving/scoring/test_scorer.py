"""The scorer: one row an address in the order asked, exact reasons, and no row that ends the batch."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import lightgbm
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from walletprint.features.base.errors import DataError, UsageError
from walletprint.features.families.registry import feature
from walletprint.serving import ModelFolder, Scorer
from walletprint.serving.explain.reasons import group_by_behaviour
from walletprint.serving.scoring import scorer as scorer_module

AS_OF = "2021-04-01"
WALLETS = [f"0x{number:040x}" for number in range(60)]
TWO_TRANSFERS = f"0x{60:040x}"
STRANGER = "0x" + "f" * 40


@pytest.fixture(scope="module")
def scored(scorer, ledger) -> pd.DataFrame:
    return scorer.score(WALLETS, ledger, AS_OF)


def test_rows_come_in_the_order_asked_with_duplicates(scorer, ledger, scored):
    asked = [WALLETS[5], WALLETS[0], WALLETS[5], WALLETS[59]]
    rows = scorer.score(asked, ledger, AS_OF)
    assert rows["address"].tolist() == asked
    expected = scored.set_index("address").loc[asked].reset_index()[rows.columns.tolist()]
    pd.testing.assert_frame_equal(rows, expected)


def test_the_columns_are_those_documented_and_typed(scored, scorer):
    types = {name: str(kind) for name, kind in scored.dtypes.items()}
    assert types == {
        "address": "str", "as_of": "datetime64[us, UTC]", "head": "str", "score": "float64", "percentile": "float64",
        "band": "str", "flagged": "bool", "threshold": "float64", "reasons": "object", "exposure": "object", "labels": "object",
        "override": "object", "coverage": "object", "model": "object", "scored_at": "datetime64[us, UTC]", "test": "bool",
        "caller_columns": "object", "error": "str",
    }  # fmt: skip
    assert scorer.score(
        [], pd.DataFrame({c: [] for c in ("timestamp", "sender", "receiver", "amount", "asset")}), AS_OF
    ).dtypes.equals(scored.dtypes)


def test_scores_are_lightgbms_own_calibrated(scored, booster, X, model):
    columns = X[X["as_of"] == pd.Timestamp(AS_OF, tz="UTC")][list(model.features)]
    margin = booster.predict(columns, raw_score=True)
    assert scored["score"].to_numpy() == pytest.approx(
        np.interp(margin, model.calibration.x, model.calibration.y), rel=1e-12
    )
    assert scored["error"].isna().all()
    assert scored["score"].nunique() > 10


def test_bands_flags_and_percentiles_follow_the_score(scored, scorer, X):
    starts = {"none": 0.0, "low": 0.2, "medium": 0.4, "high": 0.6, "severe": 0.8}
    assert (scored["score"] >= scored["band"].map(starts)).all()
    assert set(scored["band"]) >= {"none", "severe"}
    assert (scored["flagged"] == (scored["score"] >= 0.6)).all()
    assert scored["percentile"].between(0, 100).all()
    margin = scorer.score_features(X)["margin"]
    assert scorer.score_features(X)["percentile"].corr(margin, method="spearman") > 0.999


def test_contributions_add_up_to_the_margin(scorer, X, model):
    parts = scorer.contributions(X)
    assert parts.columns.tolist() == [*model.features, "base"]
    assert parts.sum(axis=1).to_numpy() == pytest.approx(scorer.score_features(X)["margin"].to_numpy(), abs=1e-9)


def test_reasons_are_the_behaviours_that_add_most(scorer, ledger, X):
    explained = scorer.score(WALLETS, ledger, AS_OF, reasons="all")
    here = X[X["as_of"] == pd.Timestamp(AS_OF, tz="UTC")].reset_index(drop=True)
    parts = scorer.contributions(here).drop(columns="base")
    behaviour = dict(
        zip(parts.columns, np.array(group_by_behaviour([feature(n) for n in parts.columns]).names), strict=True)
    )
    for row, (_, exact) in zip(explained["reasons"], parts.iterrows(), strict=True):
        sums = exact.groupby(behaviour).sum()
        largest = sums[sums != 0].sort_values(key=lambda v: -v.abs(), kind="stable")[:5]
        assert {r["behaviour"]: r["contribution"] for r in row} == pytest.approx(largest.to_dict(), abs=1e-12)
    signs = {np.sign(reason["contribution"]) for row in explained["reasons"] for reason in row}
    assert signs == {-1.0, 1.0}
    first = explained["reasons"][0][0]
    assert first["value"] == here.loc[0, first["feature"]]
    assert first["sentence"].endswith("log-odds")


def test_the_flagged_are_explained_unless_asked_otherwise(scorer, ledger, scored):
    every, none = (scorer.score(WALLETS, ledger, AS_OF, reasons=which) for which in ("all", "none"))
    assert {True, False} == set(scored["flagged"])
    assert [bool(row) for row in scored["reasons"]] == scored["flagged"].tolist()
    assert scored["reasons"][scored["flagged"]].tolist() == every["reasons"][scored["flagged"]].tolist()
    assert all(every["reasons"])
    assert not any(none["reasons"])
    pd.testing.assert_frame_equal(none.drop(columns="reasons"), every.drop(columns="reasons"))
    with pytest.raises(UsageError, match="one of flagged, all, none is allowed, not 'some'"):
        scorer.score(WALLETS, ledger, AS_OF, reasons="some")


def test_contributions_that_do_not_add_up_never_go_out(scorer, ledger, booster):
    class Wrong:
        def margins(self, matrix):
            return booster.predict(matrix, raw_score=True) + 1e-6

    with pytest.raises(DataError, match="do not add up"):
        replace(scorer, predictor=Wrong()).score(WALLETS[:3], ledger, AS_OF, reasons="all")


def test_coverage_and_model_say_where_the_score_comes_from(scored, transfers, model):
    mine = transfers[(transfers["sender"] == WALLETS[3]) | (transfers["receiver"] == WALLETS[3])]
    assert scored["coverage"][3] == {
        "transfers": len(mine), "first": mine["timestamp"].min(), "last": mine["timestamp"].max(), "truncated": False,
        "priced_share": 0.0,
    }  # fmt: skip
    assert scored["model"][3] == {
        "name": model.name, "version": model.version, "trained_until": "2021-03-10", "features_hash": model.features_hash
    }  # fmt: skip
    assert set(scored["head"]) == {"laundering"}
    assert set(scored["threshold"]) == {0.6}


@pytest.mark.parametrize(
    ("address", "words", "seen"),
    [
        (TWO_TRANSFERS, "too little history: transfers in the 90d before 2021-04-01: 2, this model needs 3", 2),
        (STRANGER, "no history: this address is in none of the transfers", 0),
        ("0x1234", "address starts with 0x but has not 40", 0),
        ("", "address is empty", 0),
        (None, "address is empty", 0),
        (float("nan"), "address is empty", 0),
        ("two words", "white space", 0),
        ("\ud800", "no history", 0),
        (12, "no history", 0),
    ],
)
def test_what_cannot_be_scored_is_a_row_with_a_reason(scorer, ledger, scored, address, words, seen):
    rows = scorer.score([WALLETS[0], address, WALLETS[1]], ledger, AS_OF)
    row = rows.iloc[1]
    assert words in row["error"]
    assert (row["band"], bool(row["flagged"]), row["reasons"]) == ("unscored", False, [])
    assert np.isnan(row["score"])
    assert np.isnan(row["percentile"])
    assert row["coverage"]["transfers"] == seen
    pd.testing.assert_frame_equal(rows.iloc[[0, 2]].reset_index(drop=True), scored.iloc[:2])


def test_history_outside_the_window_is_none(scorer, ledger):
    rows = scorer.score([WALLETS[0]] * 2, ledger, "2023-01-01")
    assert rows["error"].tolist() == ["no history: no transfer in the 90d before 2023-01-01"] * 2


def test_an_address_is_found_in_any_spelling_and_returned_as_asked(scorer, scored, transfers):
    lettered = "0xABCDEF" + "0" * 34
    frame = transfers.replace(WALLETS[0], lettered)
    rows = scorer.score([f" {lettered} ", lettered.lower()], frame, AS_OF)
    assert rows["address"].tolist() == [f" {lettered} ", lettered.lower()]
    assert rows["score"].tolist() == [scored["score"][0]] * 2


@pytest.mark.parametrize(
    "as_of",
    [
        "2021-04-01",
        "2021-04-01T00:00:00Z",
        dt.date(2021, 4, 1),
        dt.datetime(2021, 4, 1, tzinfo=dt.UTC),
        pd.Timestamp("2021-04-01T02:00+02:00"),
    ],
)
def test_dates_come_in_many_types(scorer, ledger, scored, as_of):
    pd.testing.assert_frame_equal(scorer.score(WALLETS[:2], ledger, as_of), scored.iloc[:2])


def test_a_date_of_its_own_goes_before_the_date_for_all(scorer, ledger, scored):
    asked = pd.DataFrame(
        {"address": WALLETS[:5], "as_of": ["2021-02-20", None, "", "someday", "2021-04-01"]}, index=[9, 8, 7, 6, 5]
    )
    rows = scorer.score(asked, ledger, AS_OF)
    assert rows.index.tolist() == [0, 1, 2, 3, 4]
    early = scorer.score(WALLETS[:1], ledger, "2021-02-20")
    pd.testing.assert_frame_equal(rows.iloc[:1], early)
    pd.testing.assert_frame_equal(rows.iloc[[1, 2, 4]], scored.iloc[[1, 2, 4]])
    assert "someday" in rows["error"][3]
    assert rows["as_of"].isna().tolist() == [False, False, False, True, False]
    alone = scorer.score(asked, ledger)
    assert alone["error"].tolist()[1:3] == ["no as_of was given"] * 2


def test_timestamps_in_the_frame_count(scorer, ledger, scored):
    asked = pd.DataFrame({"address": WALLETS[:2], "as_of": pd.to_datetime([AS_OF, AS_OF], utc=True)})
    pd.testing.assert_frame_equal(scorer.score(asked, ledger), scored.iloc[:2])


@pytest.mark.parametrize("container", [tuple, np.array, pd.Series, pa.array])
def test_addresses_come_in_many_containers(scorer, ledger, scored, container):
    pd.testing.assert_frame_equal(scorer.score(container(WALLETS[:3]), ledger, AS_OF), scored.iloc[:3])


@pytest.mark.parametrize(
    ("addresses", "as_of", "words"),
    [
        (WALLETS[0], AS_OF, "a sequence is needed, not the one string"),
        (pd.DataFrame({"wallet": WALLETS}), AS_OF, "is needed, got: wallet"),
        (WALLETS, None, "as_of: a date is needed"),
        (WALLETS, "someday", "someday"),
    ],
)
def test_a_wrong_call_is_one_clear_line(scorer, ledger, addresses, as_of, words):
    with pytest.raises(UsageError) as caught:
        scorer.score(addresses, ledger, as_of)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_transfers_may_be_a_frame_or_a_file(scorer, transfers, scored, tmp_path):
    transfers.to_parquet(tmp_path / "transfers.parquet")
    for source in (transfers, tmp_path / "transfers.parquet"):
        pd.testing.assert_frame_equal(scorer.score(WALLETS, source, AS_OF), scored)


def test_later_transfers_change_nothing(scorer, transfers, scored):
    later = transfers.assign(timestamp=transfers["timestamp"] + pd.Timedelta(days=365), tx_id=transfers["tx_id"] + "b")
    pd.testing.assert_frame_equal(scorer.score(WALLETS, pd.concat([transfers, later]), AS_OF), scored)


def test_lightgbm_scores_reordered_columns_wrongly_and_the_scorer_does_not(scorer, booster, X, model):
    turned = X[list(model.features)[::-1]]
    right = booster.predict(X[list(model.features)], raw_score=True)
    assert not np.allclose(lightgbm.Booster(model_str=model.trees).predict(turned, raw_score=True), right)
    assert np.array_equal(scorer.score_features(turned)["margin"], right)
    assert np.array_equal(scorer.score_features(turned.assign(more=1.0))["margin"], right)


def test_missing_doubled_and_textual_columns_are_refused(scorer, X, model):
    first = model.features[0]
    with pytest.raises(DataError, match=f"missing features: {first}; run extract"):
        scorer.score_features(X.drop(columns=first))
    with pytest.raises(DataError, match="a column occurs twice"):
        scorer.score_features(pd.concat([X, X[[first]]], axis=1))
    with pytest.raises(DataError, match="must hold numbers"):
        scorer.score_features(X.assign(**{first: "many"}))


def test_score_features_keeps_the_index_and_takes_no_rows(scorer, X):
    part = X.iloc[[7, 3]]
    assert scorer.score_features(part).index.tolist() == [7, 3]
    assert scorer.score_features(X.iloc[:0]).dtypes.equals(scorer.score_features(X).dtypes)
    assert scorer.contributions(X.iloc[:0]).shape == (0, len(scorer.model.features) + 1)


def test_chunks_change_nothing_and_progress_reaches_the_end(scorer, ledger, scored, monkeypatch):
    monkeypatch.setattr(scorer_module, "_MEMORY", 7 * 8 * len(scorer.model.features))
    seen = []
    rows = scorer.score([*WALLETS, STRANGER, WALLETS[0]], ledger, AS_OF, on_progress=lambda *step: seen.append(step))
    pd.testing.assert_frame_equal(rows.iloc[:60], scored)
    assert seen[-1] == (60, 60)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_threads_may_share_a_scorer(scorer, ledger, scored):
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(lambda _: scorer.score(WALLETS, ledger, AS_OF), range(8)):
            pd.testing.assert_frame_equal(rows, scored)


def test_a_loaded_scorer_scores_as_the_one_in_memory(model_dir, ledger, scored):
    pd.testing.assert_frame_equal(Scorer.load(str(model_dir)).score(WALLETS, ledger, AS_OF), scored)


def test_a_window_of_all_history_is_worded_so(model_values, ledger):
    whole = Scorer.from_model(ModelFolder(**model_values | {"window": "all", "min_transfers": 5}))
    rows = whole.score([TWO_TRANSFERS, WALLETS[0]], ledger, "2023-01-01T12:00")
    assert rows["error"][0] == "too little history: transfers before 2023-01-01 12:00:00 UTC: 2, this model needs 5"
    assert rows["error"].isna()[1]
