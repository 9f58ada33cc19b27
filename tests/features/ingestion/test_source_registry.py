"""The sources: each is found, documented, and tells its tables by their columns; what fits none is refused."""

import re
from pathlib import Path

import pytest

from walletprint.features.base.errors import DataError, UsageError
from walletprint.features.ingestion.ingestion import ingest
from walletprint.features.ingestion.source_registry import LAYOUTS, find_layout
from walletprint.features.ingestion.sources import SOURCES

FORMATS = Path(__file__).parents[3] / "docs" / "formats.md"


def test_every_file_of_the_folder_is_a_source_with_layouts_of_its_name():
    assert tuple(dict.fromkeys(layout.source for layout in LAYOUTS)) == SOURCES


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_a_section_in_the_documentation_with_all_columns_it_needs(source):
    section = re.search(rf"^## {source}\n(.*?)(?=^## |\Z)", FORMATS.read_text(), re.MULTILINE | re.DOTALL)
    assert section, f"docs/formats.md has no section {source}"
    needed = {
        name for layout in LAYOUTS if layout.source == source for need in layout.needs for name in need.split("|")
    }
    assert not needed - set(re.findall(r"`([^`]+)`", section[1]))


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: f"{layout.source}: {layout.name}")
def test_every_layout_is_found_by_its_own_columns_and_by_no_other(layout):
    names = [need.split("|")[0] for need in layout.needs]
    assert find_layout(names, "here") is layout
    assert [other for other in LAYOUTS if other.source != layout.source and other.fits(names)] == []


def test_a_file_that_fits_no_format_is_refused_in_one_line(save, tmp_path):
    with pytest.raises(DataError) as error:
        ingest(save("labels.csv", [{"address": "1A", "category": "scam"}]), tmp_path / "out.parquet")
    text = str(error.value)
    assert "\n" not in text
    assert "labels.csv" in text
    assert "got: address, category" in text
    assert all(layout.source in text and layout.name in text for layout in LAYOUTS)


def test_a_source_can_be_asked_for(save, tmp_path, ingested):
    path = save("edges.csv", [{"sourceNodeId": 1, "targetNodeId": 2, "value": 1, "time": 1}])
    assert len(ingested(path, source="amlsim")) == 1
    with pytest.raises(DataError, match=r"fit no table of bitcoin-etl; got: sourceNodeId, .*inputs: transaction_hash"):
        ingest(path, tmp_path / "out.parquet", source="bitcoin-etl")
    with pytest.raises(UsageError, match=r"'nansen' is not known; use one of amlsim, .*walletprint"):
        ingest(path, tmp_path / "out.parquet", source="nansen")
