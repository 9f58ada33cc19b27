"""`walletprint labels`: what it builds, says and refuses."""

import pyarrow.parquet as pq
from samples.label_files import evm, key

A, B = evm("a"), evm("b")
EXPORT = f"explorer,address,name,labels\netherscan,{A},Odd: Bridge,bridge|odd-word\netherscan,{B},y,odd-word\n"
OWN = (
    f"address,category,actor,source,known_from\n{A},theft,Lazarus Group,mine,2021-03-04\n{key('c').lower()},theft,,,\n"
)


def test_build_counts_and_sets_aside(run, tmp_path):
    (tmp_path / "export.csv").write_text(EXPORT)
    (tmp_path / "own.csv").write_text(OWN)
    code, out, err = run("labels", "build", "export.csv", "own.csv", "--out", "labels.parquet")
    assert code == 0
    assert "2 labels of 1 address in labels.parquet" in out
    assert "1 word that no category is known for" in out
    assert "odd-word" in out
    assert "1 key unmatched: letter case lost, so the address cannot be verified" in err
    assert "1 address of several categories or actors" in err
    assert "1 label without a first-known date" in err
    assert "warning: 2 rows rejected; reasons in labels.bad.parquet" in err
    bad = pq.read_table(tmp_path / "labels.bad.parquet").to_pylist()
    assert [(row["file"], row["row"]) for row in bad] == [("export.csv", 2), ("own.csv", 2)]
    assert pq.read_table(tmp_path / "labels.parquet").num_rows == 2


def test_show_tells_every_label(run, tmp_path):
    (tmp_path / "own.csv").write_text(OWN)
    run("labels", "build", "own.csv", "--out", "labels.parquet", "--quiet")
    code, out, err = run("labels", "show", A.upper().replace("0X", "0x"), "--labels", "labels.parquet")
    assert (code, err) == (0, "")
    assert all(word in out for word in ("theft", "lazarus_group", "mine", "2021-03-04"))
    assert "confidence" not in out  # nothing is known of it


def test_show_of_an_unknown_address(run, tmp_path):
    (tmp_path / "own.csv").write_text(OWN)
    code, out, err = run("labels", "show", B, "--labels", "own.csv")
    assert (code, out, err) == (0, f"no label of {B} in own.csv\n", "")


def test_what_is_refused(run, tmp_path):
    (tmp_path / "other.csv").write_text("case,net\nx,eth\n")
    code, _, err = run("labels", "build", "other.csv", "--out", "labels.parquet")
    assert (code, err.count("\n")) == (1, 1)
    assert err.startswith("error: other.csv: in no known format of labels (its columns are case, net)")
    assert not (tmp_path / "labels.parquet").exists()
    code, _, err = run("labels", "show", "0x12", "--labels", "other.csv")
    assert code == 2
    assert err == (
        "error: ADDRESS: address starts with 0x but has not 40 (or 62 to 64) hex digits ('0x12'); "
        "give one address as it is written on its chain\n"
    )
    code, _, err = run("labels", "show", A, "--labels", "nowhere.parquet")
    assert (code, err) == (1, "error: nowhere.parquet: no such file; give labels as CSV or Parquet\n")
