"""`walletprint features`: the list, JSON, the page and one feature in full."""

import dataclasses
import json
from pathlib import Path

import pytest

from walletprint.features import Feature, catalogue
from walletprint.features.reference.page import reference

FIELDS = {field.name for field in dataclasses.fields(Feature)}


def test_the_list_names_families_and_behaviours(run):
    code, out, err = run("features", "--family", "flow")
    assert (code, err) == (0, "")
    assert all(declared.name in out for declared in catalogue("flow"))
    assert "1: money passed on fast" in out
    assert "activity__" not in out


def test_json_has_every_field(run):
    code, out, _ = run("features", "--json")
    listed = json.loads(out)
    assert code == 0
    assert [entry["name"] for entry in listed] == [declared.name for declared in catalogue()]
    assert all(set(entry) == FIELDS for entry in listed)
    assert {entry["behaviour"] for entry in listed if entry["name"].startswith("fees")} == {37}


def test_markdown_is_the_page(run):
    code, out, err = run("features", "--markdown")
    assert (code, out, err) == (0, reference(), "")


def test_one_feature_is_shown_in_full_with_its_history_and_value(run):
    code, out, _ = run("features", "--show", "flow__pass_through__1h")
    assert code == 0
    assert "share of the value received that left again within an hour" in out
    assert "formula    Σ matched value with dwell ≤ 3600 ÷ Σ x_in\n" in out
    assert "null       NaN if no value was received\n" in out
    assert "behaviour  1: money passed on fast\n" in out
    assert "  2021-03-01 09:40  w     → carol  0.3 ETH\n" in out
    assert out.endswith("\nflow__pass_through__1h = 0.238889\nWorking: (4 + 0.3) ÷ 18 = 0.238889\n")


def test_many_transfers_of_one_kind_are_told_in_a_line(run):
    code, out, _ = run("features", "--show", "value__in__rank_mean")
    assert code == 0
    assert "  from 2021-02-22 00:00 on: 40 transfers between other wallets, of 1, 2, … 40 ETH …\n" in out
    assert len(out.splitlines()) < 25


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("flow__pass_thru_1h", "close to it: flow__pass_through__1h"),
        ("luck", "`walletprint features` lists it"),
    ],
)
def test_an_unknown_feature_is_one_line_with_a_hint(run, name, hint):
    code, out, err = run("features", "--show", name)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith(f"error: --show: '{name}' is not in the catalogue; ")
    assert hint in err


@pytest.mark.parametrize(
    "arguments",
    [("--show", "flow__dwell__mean", "--json"), ("--markdown", "--family", "flow"), ("--markdown", "--json")],
)
def test_what_goes_alone_goes_alone(run, arguments):
    code, out, err = run("features", *arguments)
    assert (code, out) == (2, "")
    assert err == "error: features: --show and --markdown each go alone\n"


def test_a_wrong_family_is_one_line(run):
    code, _, err = run("features", "--family", "luck")
    assert code == 2
    assert "flow" in err


def test_the_guide_and_the_readme_say_how_the_page_is_made():
    repository = Path(__file__).resolve().parents[2]
    assert "--markdown > docs/features.md" in (repository / "Makefile").read_text(encoding="utf-8")
    for page in ("README.md", "docs/guide.md"):
        assert "`make docs`" in (repository / page).read_text(encoding="utf-8")
