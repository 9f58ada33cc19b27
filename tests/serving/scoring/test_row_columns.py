"""The row beside the score: overrides, truncation, moment, the caller's columns, test addresses; streams; one for a person."""

from datetime import UTC, datetime

import pandas as pd
import pyarrow as pa
import pytest

from walletprint.features.exposure import with_attribution
from walletprint.serving.scoring import row_columns
from walletprint.serving.scoring.output import SCORES_SCHEMA, scores_table
from walletprint.serving.scoring.row_columns import TEST_ADDRESSES

AS_OF = "2021-04-01"
WALLETS = [f"0x{number:040x}" for number in range(60)]
MOMENT = datetime(2022, 5, 6, 7, tzinfo=UTC)


def test_the_callers_columns_come_back_as_texts(scorer, ledger):
    asked = pd.DataFrame({"address": WALLETS[:3], "customer": [7, 8, 9], "note": ["a", None, float("nan")]})
    row = scorer.score(asked, ledger, AS_OF)
    assert row["caller_columns"][0] == [{"column": "customer", "value": "7"}, {"column": "note", "value": "a"}]
    assert [echo[1]["value"] for echo in row["caller_columns"]] == ["a", None, None]
    assert scorer.score(WALLETS[:2], ledger, AS_OF)["caller_columns"].tolist() == [None, None]
    assert scores_table(row)["caller_columns"].to_pylist() == row["caller_columns"].tolist()


def test_rows_carry_the_moment_given_or_now(scorer, ledger):
    assert set(scorer.score(WALLETS[:2], ledger, AS_OF, scored_at=MOMENT)["scored_at"]) == {pd.Timestamp(MOMENT)}
    assert row_columns.scoring_time(datetime(2022, 5, 6, 7)) == row_columns.scoring_time(MOMENT)
    assert abs(row_columns.scoring_time(None) - pd.Timestamp.now("UTC")) < pd.Timedelta(minutes=1)


def test_a_list_that_ends_where_lists_end_is_truncated(scorer, ledger, monkeypatch):
    held = scorer.score(WALLETS, ledger, "2031-01-01")
    assert not any(seen["truncated"] for seen in held["coverage"])
    whole = scorer.score(WALLETS[:1], ledger, AS_OF)["coverage"][0]
    monkeypatch.setattr(row_columns, "LIST_END", whole["transfers"])
    assert scorer.score(WALLETS[:1], ledger, AS_OF)["coverage"][0] == whole | {"truncated": True}


def test_every_band_has_an_address_that_forces_it(scorer, ledger):
    found = scorer.score([WALLETS[0], *TEST_ADDRESSES, "0x12"], ledger, AS_OF)
    assert found["test"].tolist() == [False, *[True] * 6, False]
    assert found["band"].tolist()[1:-1] == list(TEST_ADDRESSES.values())
    scored = found.iloc[1:6]
    starts = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert all(low < score < high for low, score, high in zip(starts, scored["score"], starts[1:], strict=False))
    assert scored["flagged"].tolist() == (scored["score"] >= 0.6).tolist()
    assert found["error"][6] == "test address: never scored"
    assert found.dtypes.equals(scorer.score(WALLETS[:1], ledger, AS_OF).dtypes)
    pd.testing.assert_frame_equal(found.iloc[:1], scorer.score(WALLETS[:1], ledger, AS_OF))
    assert len(scores_table(found)) == 8


def test_no_rows_have_the_types_of_rows(scorer, ledger):
    none, some = (scorer.score(asked, ledger, AS_OF) for asked in ([], WALLETS[:2]))
    assert none.dtypes.equals(some.dtypes)
    assert scores_table(none).schema.equals(scores_table(some).schema)


def test_streams_give_the_rows_of_the_whole(scorer, ledger):
    table = pa.table({"address": [*WALLETS[:9], "0x1"], "number": range(10)})
    batches = [*table.to_batches(max_chunksize=4), pa.RecordBatch.from_pylist([], table.schema)]
    found = list(scorer.score_batches(batches, ledger, AS_OF, scored_at=MOMENT))
    assert [len(batch) for batch in found] == [4, 4, 2, 0]
    assert all(batch.schema.equals(SCORES_SCHEMA) for batch in found)
    whole = scores_table(scorer.score(table.to_pandas(), ledger, AS_OF, scored_at=MOMENT))
    assert pa.Table.from_batches(found).equals(whole)


def test_one_address_comes_with_all_that_adds_up(scorer, ledger):
    one = scorer.score_one(WALLETS[0], ledger, AS_OF)
    assert one["score"] == scorer.score(WALLETS[:1], ledger, AS_OF)["score"][0]
    assert one["base"] + sum(c["contribution"] for c in one["contributions"]) == pytest.approx(one["margin"], abs=1e-9)
    for whole in one["contributions"]:
        assert sum(part["contribution"] for part in whole["parts"]) == pytest.approx(whole["contribution"], abs=1e-12)
        assert len(whole["parts"]) == whole["features"]
    assert one["reasons"] == [{k: v for k, v in c.items() if k != "parts"} for c in one["contributions"][:5]]
    for address in ("0x12", *TEST_ADDRESSES):
        assert scorer.score_one(address, ledger, AS_OF)["margin"] is None


def test_a_sanction_overrides_beside_the_score(scorer, ledger):
    labels = pd.DataFrame({
        "address": WALLETS[:2], "category": ["sanctioned", "mixer"], "actor": ["A", "B"], "source": "test",
        "case": None, "known_until": pd.NaT,
        "known_from": pd.to_datetime(["2021-01-01"] * 2, utc=True),
    })  # fmt: skip
    labels["known_until"] = labels["known_until"].dt.tz_localize("UTC")
    found = scorer.score(WALLETS[:3], with_attribution(ledger, labels), AS_OF)
    assert found["override"][0]["category"] == "sanctioned"
    assert found["override"][0] == found["labels"][0][0]
    assert found["override"].tolist()[1:] == [None, None]
    plain = scorer.score(WALLETS[:3], ledger, AS_OF)
    assert found["score"].tolist() == plain["score"].tolist()
    assert plain["override"].tolist() == [None] * 3
