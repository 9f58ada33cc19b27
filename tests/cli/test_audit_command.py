"""`walletprint audit`: what it says, writes and refuses."""

import doctest
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd

from walletprint.training.audit import audit


def leaky(path):
    random = np.random.default_rng(0)
    label = random.integers(0, 2, 400)
    frame = pd.DataFrame({"f": random.normal(size=400), "g": random.normal(size=400) + label, "label": label})
    frame["g"] = frame["g"].where((label == 0) | (random.random(400) < 0.5))
    frame.to_csv(path, index=False)


def test_a_leak_is_told_and_written(run, tmp_path):
    leaky(tmp_path / "table.csv")
    code, out, err = run("audit", "table.csv", "--label", "label", "--out", "report.md")
    assert code == 0
    assert "table.csv: fail" in out
    assert "missingness_only" in out
    assert "what to do" in out
    assert "report in report.md" in err
    page = (tmp_path / "report.md").read_text()
    assert page.startswith("# Leakage audit: fail")
    assert "| missingness_only | fail | g is missing in" in page
    run("audit", "table.csv", "--label", "label", "--out", "report.json", "--quiet")
    told = json.loads((tmp_path / "report.json").read_text())
    assert told["verdict"] == "fail"
    assert [one["verdict"] for one in told["checks"] if one["check"] == "missingness_only"] == ["fail"]


def test_roles_are_given_by_options(run, tmp_path):
    leaky(tmp_path / "table.csv")
    table = pd.read_csv(tmp_path / "table.csv")
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(400), unit="D")
    table.assign(day=day.strftime("%Y-%m-%d"), theft=np.arange(400) % 10, junk=table["label"]).to_csv(
        "table.csv", index=False
    )
    code, _, err = run(
        "audit", "table.csv", "--label", "label", "--time", "day", "--split-at", "2020-10-01", "--group", "theft",
        "--ignore", "junk", "--out", "report.json",
    )  # fmt: skip
    told = json.loads((tmp_path / "report.json").read_text())
    assert code == 0
    assert (told["about"]["features"], told["about"]["train"]) == (2, 275)
    assert [one["figures"] for one in told["checks"] if one["check"] == "group_overlap"] == [{"theft": 1.0}]
    assert "note: time is read from day" in err


def test_what_is_refused(run, tmp_path):
    leaky(tmp_path / "table.csv")
    for arguments, status, said in [
        (
            ["table.csv", "--label", "none"],
            2,
            "error: table.csv: there is no column 'none'; its columns are f, g, label\n",
        ),
        (
            ["none.csv", "--label", "label"],
            1,
            "error: none.csv: no such file; give a table of features as CSV or Parquet\n",
        ),
        (
            ["table.csv", "--label", "label", "--out", "report.txt"],
            2,
            "error: --out: a file that ends in .md or .json is needed, not report.txt\n",
        ),
    ]:
        code, out, err = run("audit", *arguments)
        assert (code, out, err) == (status, "", said)


def test_the_page_runs(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = Path(__file__).resolve().parents[2] / "docs" / "audit.md"
    assert doctest.testfile(str(page), module_relative=False, optionflags=doctest.REPORT_ONLY_FIRST_FAILURE).failed == 0
    command = page.read_text().split("```bash\n")[1].splitlines()[0]
    code, out, _ = run(*command.split()[1:])
    assert code == 0
    assert "missingness_only" in out
    assert (tmp_path / "report.md").is_file()


def test_the_page_names_every_check_and_option(run):
    page = (Path(__file__).resolve().parents[2] / "docs" / "audit.md").read_text()
    table = pd.DataFrame({"x": [0.0, 1.0], "label": [0, 1]})
    for check in audit(table, "label").checks["check"]:
        assert f"| `{check}` |" in page
    _, out, _ = run("audit", "--help")
    for option in set(re.findall(r"--[a-z-]+", out)) - {"--help", "--quiet", "--out"}:
        assert f"`{option}`" in page
