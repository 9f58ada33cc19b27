"""Batches: the same rows as Scorer.score in any shape of input and output, set-aside places, resume, refusals."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from walletprint.features.base import atomic_write
from walletprint.features.base.errors import DataError, UsageError
from walletprint.serving import write_scores
from walletprint.serving.batch import disk, score_batch, write_summary

AS_OF, AT = "2021-04-01", datetime(2026, 1, 2, tzinfo=UTC)
ASKED = [f"0x{n:040x}" for n in range(62)] + ["0x12", "nonsense here"]


@pytest.fixture
def batch(scorer, ledger, tmp_path):
    def call(addresses: Path, out: str = "scores", **given):
        given = {"as_of": AS_OF, "scored_at": AT, "rows_per_part": 16} | given
        return score_batch(scorer, ledger, addresses, tmp_path / out, **given)

    return call


@pytest.fixture
def listed(tmp_path) -> Path:
    (tmp_path / "a.csv").write_text("address\n" + "\n".join(ASKED) + "\n")
    return tmp_path / "a.csv"


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_parts_hold_the_rows_of_the_scorer_in_order(batch, listed, scorer, ledger, tmp_path):
    told = batch(listed)
    expected = scorer.score(ASKED, ledger, as_of=AS_OF, reasons="flagged", scored_at=AT)
    write_scores(expected, tmp_path / "expected.parquet")
    assert pq.read_table(tmp_path / "scores" / "scores").equals(pq.read_table(tmp_path / "expected.parquet"))
    assert len(list((tmp_path / "scores" / "scores").iterdir())) == 4
    assert told["rows"] == len(ASKED)
    assert told["bands"] == expected["band"].value_counts().sort_index().to_dict()
    assert sum(told["flagged"].values()) == expected["flagged"].sum()
    assert sum(told["unscored"].values()) == (expected["band"] == "unscored").sum()
    assert told["unscored"]["no address"] == 2
    assert told["quarantined"] == {"rejects": 0, "reasons": {}}


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl"])
def test_one_file_is_the_file_that_write_scores_makes(batch, listed, scorer, ledger, tmp_path, suffix):
    batch(listed, f"s{suffix}", reasons="all")
    expected = scorer.score(ASKED, ledger, as_of=AS_OF, reasons="all", scored_at=AT)
    write_scores(expected, tmp_path / f"expected{suffix}")
    if suffix == ".parquet":
        assert pq.read_table(tmp_path / "s.parquet").equals(pq.read_table(tmp_path / "expected.parquet"))
    else:
        assert (tmp_path / f"s{suffix}").read_bytes() == (tmp_path / f"expected{suffix}").read_bytes()
    assert not (tmp_path / f".s{suffix}.parts").exists()


def test_the_manifest_tells_the_files_and_their_checksums(batch, listed, tmp_path):
    batch(listed)
    manifest = json.loads((tmp_path / "scores" / "manifest.json").read_text())
    assert manifest["format"] == "walletprint-scores/2"
    assert set(files(tmp_path / "scores")) == {*manifest["files"], "manifest.json"}
    assert all(atomic_write.sha256_of(tmp_path / "scores" / name) == sha for name, sha in manifest["files"].items())
    assert sum(part["rows"] for part in manifest["parts"]) == len(ASKED)


def test_the_same_call_again_changes_nothing(batch, listed, tmp_path):
    batch(listed)
    before = files(tmp_path / "scores")
    told = batch(listed, scored_at=None)
    assert told["already_done"]
    assert files(tmp_path / "scores") == before


def test_a_folder_of_another_run_is_refused_and_a_file_is_written_over(batch, listed, tmp_path):
    batch(listed)
    batch(listed, "s.csv")
    with pytest.raises(UsageError, match="scores of another as_of"):
        batch(listed, as_of="2021-03-01")
    with pytest.raises(UsageError, match="another as_of"):
        batch(listed, as_of="2021-03-01", resume=True)
    batch(listed, "s.csv", as_of="2021-03-01")
    assert set(pd.read_csv(tmp_path / "s.csv")["as_of"]) == {"2021-03-01T00:00:00Z"}


def test_a_damaged_part_is_told_and_made_anew(batch, listed, tmp_path):
    batch(listed)
    before = files(tmp_path / "scores")
    (tmp_path / "scores" / "scores" / "part-000001.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match="changed afterwards"):
        batch(listed)
    assert not batch(listed, resume=True)["already_done"]
    assert files(tmp_path / "scores") == before


def test_an_unfinished_run_goes_on_only_when_asked_the_same(batch, listed, tmp_path, monkeypatch):
    def full(fresh: Path, place: Path) -> None:
        if place.name == "part-000003.parquet":
            raise OSError(28, "No space left on device")
        place.unlink(missing_ok=True)
        fresh.rename(place)

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write, "move", full)
        with pytest.raises(DataError, match=r"No space left on device.*--resume"):
            batch(listed)
    with pytest.raises(UsageError, match="unfinished run; continue it with --resume"):
        batch(listed)
    with pytest.raises(UsageError, match="begun with another choice of reasons"):
        batch(listed, resume=True, reasons="all")
    listed.write_text(listed.read_text() + ASKED[3] + "\n")
    with pytest.raises(UsageError, match="begun with another list of addresses"):
        batch(listed, resume=True)
    listed.write_text(listed.read_text()[: -len(ASKED[3]) - 1])
    told = batch(listed, resume=True, scored_at=None)
    assert told["rows_kept"] == 48
    batch(listed, "undisturbed")
    assert files(tmp_path / "scores") == files(tmp_path / "undisturbed")


def test_two_runs_on_one_output_refuse_each_other(batch, listed, tmp_path):
    with disk.locked(tmp_path / ".scores.lock"), pytest.raises(UsageError, match="another run is writing there"):
        batch(listed)
    batch(listed)


def test_broken_lines_are_set_aside_and_the_good_rows_go_on(batch, tmp_path):
    lines = [b"address,as_of", *(f"{name},2021-03-20".encode() for name in ASKED[:25])]
    lines[5:5] = [b'"0x01,2021-03-20', b"one", b"a,b,c", b"\xff\xfe,", b'x"y"z\rq,2021', b"y" * 70_000]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines))
    told = batch(tmp_path / "a.csv", as_of=None)
    assert told["rows"] == 25
    assert told["quarantined"]["rejects"] == 6
    aside = pq.read_table(told["quarantine"]).to_pylist()
    assert [row["row"] for row in aside] == [6, 7, 8, 9, 10, 11]
    assert pq.read_table(tmp_path / "scores" / "scores")["address"].to_pylist() == ASKED[:25]


def test_a_column_that_changes_type_costs_its_file_and_no_other(batch, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(30):
        column = pa.array(range(2)) if number == 17 else pa.array(ASKED[2 * number : 2 * number + 2])
        pq.write_table(pa.table({"address": column}), folder / f"f{number:03}.parquet")
    told = batch(folder)
    assert told["rows"] == 58
    (aside,) = pq.read_table(told["quarantine"]).to_pylist()
    assert aside["file"] == "f017.parquet"
    assert "int64" in aside["reason"]


def test_files_that_are_cut_off_keep_what_can_be_read(batch, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    pq.write_table(pa.table({"address": ASKED}), folder / "a.parquet", row_group_size=16, compression="none",
                   use_dictionary=False, write_page_checksum=True)  # fmt: skip
    raw = bytearray((folder / "a.parquet").read_bytes())
    raw[raw.find(ASKED[20].encode()) + 30] ^= 8  # in the second group
    (folder / "b.parquet").write_bytes(raw)
    (folder / "c.parquet").write_bytes(raw[: len(raw) // 2])
    packed = gzip.compress(("address\n" + "\n".join(ASKED)).encode())
    (folder / "d.csv.gz").write_bytes(packed[: len(packed) - 4])
    told = batch(folder)
    aside = pq.read_table(told["quarantine"]).to_pylist()
    assert [(row["file"], row["row"], row["rows"]) for row in aside[:2]] == [
        ("b.parquet", 17, 16),
        ("c.parquet", None, None),
    ]
    assert aside[2]["file"] == "d.csv.gz"
    assert told["rows"] >= len(ASKED) * 2 - 16


def test_nothing_that_can_be_read_is_an_error_and_leaves_nothing(batch, tmp_path):
    (tmp_path / "a.csv").write_text("wallet\nx\n")
    for out in ("scores", "s.csv"):
        with pytest.raises(DataError, match=r"a.csv: a column `address` is needed"):
            batch(tmp_path / "a.csv", out)
        left = [path for path in (tmp_path / out, tmp_path / f".{out}.parts") if path.is_dir() and any(path.iterdir())]
        assert not left
    assert not (tmp_path / "s.csv").exists()


def test_an_empty_list_gives_an_empty_typed_output(batch, tmp_path):
    (tmp_path / "a.csv").write_text("address\n")
    assert batch(tmp_path / "a.csv", "s.parquet")["rows"] == 0
    assert pq.read_table(tmp_path / "s.parquet").num_rows == 0


def test_refusals_before_any_work(batch, listed, tmp_path):
    with pytest.raises(UsageError, match="a date is needed"):
        batch(listed, as_of=None)
    with pytest.raises(UsageError, match="folder"):
        batch(listed, "s.txt")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.doc").write_text("x")
    with pytest.raises(UsageError, match=r"holds other files \(mine.doc\)"):
        batch(listed, "full", resume=True)
    with pytest.raises(DataError, match="no such file"):
        batch(tmp_path / "none.csv")


def test_drift_adds_up_over_parts(batch, listed):
    assert batch(listed, "one", rows_per_part=1000)["drift"] == batch(listed, "many", rows_per_part=25)["drift"]


def test_the_summary_is_json(batch, listed, tmp_path):
    told = batch(listed)
    write_summary(told, tmp_path / "summary.json")
    assert json.loads((tmp_path / "summary.json").read_text()) == told
