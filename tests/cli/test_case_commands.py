"""`walletprint case`: following one theft, the figures of several, the picture, and what bad input says."""

import json

import pandas as pd
import pytest

LINES = """timestamp,sender,receiver,amount,asset,tx_id,usd
2021-03-01T10:00:00Z,victim,thief,100,ETH,t0,1000
2021-03-01T11:00:00Z,thief,one,60,ETH,t1,600
2021-03-01T12:00:00Z,one,exchange,50,ETH,t2,500
2021-03-02T10:00:00Z,thief,mixer,30,ETH,t3,300
2021-03-02T11:00:00Z,bank,robber,5,ETH,t4,50
"""


@pytest.fixture
def files(tmp_path):
    """A table of transfers, a list of two cases and one of labels, in the folder that commands run in."""
    (tmp_path / "transfers.csv").write_text(LINES)
    (tmp_path / "cases.csv").write_text("case,address,date\nheist,thief,2021-03-01\nrobbery,robber,2021-03-01\n")
    (tmp_path / "labels.csv").write_text(
        "address,category,known_from\nexchange,exchange,2020-01-01\nmixer,mixer,2020-01-01\n"
    )
    return ["--transfers", "transfers.csv", "--cases", "cases.csv", "--attribution", "labels.csv"]


def test_a_case_as_tables(run, files, tmp_path):
    code, said, _ = run("case", "trace", *files, "--case", "heist", "--out", "out")
    assert code == 0
    assert "heist, as of 2021-03-02" in said
    row = pd.read_parquet(tmp_path / "out" / "summary.parquet").iloc[0]
    assert (row["exchange_share"], row["mixer_share"], row["unlaundered_share"]) == pytest.approx((0.5, 0.3, 0.2))
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {
        f"{name}.parquet" for name in ("summary", "wallets", "hops", "days", "through", "resting", "flows")
    }


def test_a_case_as_csv_and_pictures(run, files, tmp_path):
    for picture in ("flows.png", "flows.svg"):
        code, _, _ = run(
            "case", "trace", *files, "--case", "heist", "--out", "out", "--csv", "--picture", picture, "-q"
        )
        assert code == 0
    assert len(pd.read_csv(tmp_path / "out" / "flows.csv")) == 4
    assert (tmp_path / "flows.png").read_bytes()[:4] == b"\x89PNG"
    drawn = (tmp_path / "flows.svg").read_bytes()
    assert b"<svg" in drawn
    run("case", "trace", *files, "--case", "heist", "--out", "out", "--picture", "again.svg", "-q")
    assert (tmp_path / "again.svg").read_bytes() == drawn


def test_the_figures_of_all_cases(run, files, tmp_path):
    code, said, _ = run("case", "summary", *files, "--out", "figures", "--csv")
    assert code == 0
    assert "2 cases in figures" in said
    cases = pd.read_csv(tmp_path / "figures" / "cases.csv").set_index("case")
    assert cases.loc["heist", "mixer_share"] == pytest.approx(0.3)
    assert json.loads(cases.loc["robbery", "unlaundered_by_asset"]) == {"ETH": 5}
    years = pd.read_csv(tmp_path / "figures" / "years.csv")
    assert list(years["year"]) == ["2021", "all"]
    assert list(years["stolen_usd"]) == [1050, 1050]


def test_as_of_an_earlier_date(run, files, tmp_path):
    code, _, told = run("case", "summary", *files, "--out", "figures", "--as-of", "2021-03-02")
    assert code == 0
    cases = pd.read_parquet(tmp_path / "figures" / "cases.parquet").set_index("case")
    assert cases.loc["heist", "mixer_share"] == 0
    code, _, told = run("case", "summary", *files, "--out", "figures", "--as-of", "2021-03-01")
    assert "2 cases had not begun by then and are left out" in told


def test_bad_rows_are_set_aside_and_counted(run, files, tmp_path):
    (tmp_path / "cases.csv").write_text("case,address,date\nheist,thief,2021-03-01\nheist,thief,soon\n")
    (tmp_path / "labels.csv").write_text("address,category,known_from\nexchange,exchange,\nmixer,bank,2020-01-01\n")
    code, _, told = run("case", "trace", *files, "--out", "out")
    assert code == 0
    assert "1 bad row of cases.csv left out; reasons in out.bad-cases.parquet" in told
    assert "1 bad row of labels.csv left out; row 2: category 'bank' is unknown" in told
    assert "1 label of labels.csv without known_from" in told
    assert len(pd.read_parquet(tmp_path / "out.bad-cases.parquet")) == 1


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        (["--out", "out"], 2, "case: name one of several; the list has heist, robbery"),
        (["--out", "out", "--case", "raid"], 2, "case: 'raid' is not in the list"),
        (
            ["--out", "out", "--case", "heist", "--picture", "flows.jpg"],
            2,
            "--picture: must end in .png or .svg",
        ),
        (["--out", "cases.csv", "--case", "heist"], 2, "--out: must be a folder, but cases.csv is a file"),
        (["--out", "out", "--case", "heist", "--as-of", "soon"], 2, "as_of: a date such as 2021-04-01 is needed"),
    ],
)
def test_wrong_calls(run, files, more, code, said):
    came, _, told = run("case", "trace", *files, *more)
    assert came == code
    assert said in told
    assert "Traceback" not in told


def test_loot_that_nothing_measures_cannot_be_drawn(run, files, tmp_path):
    lines = LINES.replace(",1000\n", ",\n") + "2021-03-03T10:00:00Z,thief,two,7,GOV,t5,\n"
    (tmp_path / "transfers.csv").write_text(lines)
    code, _, told = run("case", "trace", *files, "--case", "heist", "--out", "out", "--picture", "flows.png")
    assert code == 1
    assert "case heist: cannot be drawn" in told
    assert (tmp_path / "out" / "summary.parquet").is_file()
