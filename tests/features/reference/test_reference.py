"""The reference: the page names every feature, every behaviour is measured, and every worked example comes out as it says."""

import re
from pathlib import Path

import pytest

from walletprint.features import FAMILIES, catalogue
from walletprint.features.reference.behaviours import BEHAVIOURS, NEEDS
from walletprint.features.reference.examples import Worked, example_of, worked
from walletprint.features.reference.histories import EXAMPLES
from walletprint.features.reference.page import LOOKS_AT, reference
from walletprint.features.reference.workings import WORKINGS

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide.md"

WITHOUT_LABELS = {28, 29, 30, 42}
"""Rows whose full form needs labels, but of which transfers alone must show something."""
EXCEPTIONS: dict[int, str] = {}
"""Behaviours that transfers, metadata or a second chain could show but no feature measures: why."""


def test_every_feature_has_one_entry():
    entries = re.findall(r"^### `(.+)`$", reference(), flags=re.MULTILINE)
    assert entries == [declared.name for declared in catalogue()]


def test_every_link_of_the_page_leads_somewhere():
    page = reference()
    headings = {
        re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= headings
    guide = GUIDE.read_text(encoding="utf-8")
    assert "(guide.md#notation-of-the-formulas)" in page
    assert "### Notation of the formulas" in guide


def test_tables_hold_together():
    rows = [line for line in reference().splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4, 5}  # three columns, and four


def test_behaviours_are_the_rows_of_the_catalogue():
    assert list(BEHAVIOURS) == list(range(1, 45))
    assert len({row.name for row in BEHAVIOURS.values()}) == 44
    assert all(row.needs and set(row.needs) <= set(NEEDS) for row in BEHAVIOURS.values())
    assert {declared.behaviour for declared in catalogue()} <= {None, *BEHAVIOURS}


def test_every_behaviour_that_needs_no_labels_has_a_feature():
    measured = {declared.behaviour for declared in catalogue()}
    asked = {n for n, row in BEHAVIOURS.items() if not row.needs_labels} | WITHOUT_LABELS
    assert asked - measured == set(EXCEPTIONS)


def test_what_features_look_at_is_said_in_words():
    assert {need for declared in catalogue() for need in declared.needs} == set(LOOKS_AT)


@pytest.fixture(scope="module")
def examples() -> dict[str, Worked | None]:
    """The worked example of each feature."""
    return {declared.name: worked(declared.name) for declared in catalogue()}


@pytest.mark.parametrize("family", FAMILIES)
def test_workings_give_what_the_kernels_compute(family: str, examples: dict[str, Worked | None]):
    for name in [declared.name for declared in catalogue(family) if declared.name in WORKINGS]:
        shown = examples[name]
        assert shown is not None, name
        assert float(shown.working.rsplit("= ", 1)[1]) == pytest.approx(shown.value, rel=1e-5), name


def test_nearly_every_feature_has_an_example_that_shows_it(examples: dict[str, Worked | None]):
    without = [name for name, shown in examples.items() if shown is None]
    assert len(without) <= len(examples) // 20, f"add examples to features/reference/histories.py of {without}"


def test_a_feature_without_an_example_is_shown_without(monkeypatch):
    monkeypatch.setattr("walletprint.features.reference.examples.EXAMPLES", {})
    assert worked("activity__transfers__total") is None


def test_examples_are_small_and_all_are_used():
    used = [example_of(declared.name) for declared in catalogue()]
    assert not [begin for begin, example in EXAMPLES.items() if not any(example is one for one in used)]
    assert all(len(example.lines) <= 14 for example in EXAMPLES.values())
    assert all(" w " in " ".join(example.lines) for example in EXAMPLES.values())


def test_workings_are_of_features():
    assert set(WORKINGS) <= {declared.name for declared in catalogue()}
    assert all(re.search(r"= -?[\d.]+$", working) for working in WORKINGS.values())
