"""The table of labels: categories, actors, words, reading it, and which labels were known on a date."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from walletprint.features import DataError, UsageError
from walletprint.features.labels import (
    CATEGORIES,
    COLUMNS,
    IDS,
    SCHEMA,
    SERVICES,
    active,
    actor_id,
    actors,
    read_labels,
)
from walletprint.features.labels.table import as_arrow, sorted_labels
from walletprint.features.labels.vocabularies import actor_words, vocabulary

A, B = (f"0x{digit * 40}" for digit in "ab")
FIRST = (
    "sanctioned theft laundering mixer exchange exchange_deposit bridge dex gambling ransomware scam phishing ponzi darknet "
    "otc payment lending token contract miner merchant service terrorism state_linked user trader bot licit"
)
PEOPLE = {
    "sanctioned",
    "theft",
    "laundering",
    "ransomware",
    "scam",
    "phishing",
    "ponzi",
    "terrorism",
    "state_linked",
    "user",
    "trader",
}


def test_categories_have_stable_numbers_and_a_sentence_each():
    assert [category.number for category in CATEGORIES] == list(range(1, len(CATEGORIES) + 1))
    assert list(IDS[:28]) == FIRST.split()
    assert len(set(IDS)) == len(IDS)
    assert all(category.sentence.endswith(".") for category in CATEGORIES)
    assert {"mixer", "exchange", "exchange_deposit", "bridge", "dex", "lending", "token"} <= SERVICES
    assert not PEOPLE & SERVICES


@pytest.mark.parametrize("source", ["ofac", "graphsense", "etherscan", "forta", "plain"])
def test_words_mean_categories_that_there_are(source):
    known = vocabulary(source)
    assert known
    assert {category for found in known.values() for category in found} <= set(IDS)
    assert all(len(set(found)) == len(found) for found in known.values())


def test_names_of_projects_are_words_too():
    assert actor_words("etherscan") <= set(vocabulary("etherscan"))
    assert not actor_words("graphsense")


def test_actors_have_sources_and_no_name_stands_for_two():
    spoken = [name for actor in actors() for name in {actor_id(n) for n in (actor.id, actor.name, *actor.aliases)}]
    assert spoken == [actor.id for actor in actors()]
    official = ("https://home.treasury.gov/", "https://www.fbi.gov/", "https://www.justice.gov/")
    assert all(actor.sources and all(url.startswith(official) for url in actor.sources) for actor in actors())


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Lazarus Group", "lazarus_group"),
        ("hidden cobra", "lazarus_group"),
        ("APT-38", "lazarus_group"),
        ("tornado-cash", "tornado_cash"),
        ("GARANTEX EUROPE OÜ", "garantex"),
        ("Garantex Europe OU", "garantex"),
        ("Nobody", None),
        ("", None),
    ],
)
def test_an_actor_is_found_by_any_name_whatever_its_case(name, found):
    assert actor_id(name) == found


def test_only_a_state_that_an_official_source_names():
    assert {actor.id: actor.state for actor in actors() if actor.state} == {"lazarus_group": "KP"}


def labels(**columns):
    return read_labels(pd.DataFrame({"address": [A] * 4, "category": ["mixer"] * 4, **columns})).good


def test_active_is_half_open_and_leaves_out_what_has_no_date():
    known = labels(
        name=["before", "that day", "withdrawn", "undated"],
        known_from=["2021-01-01", "2021-03-01", "2021-01-01", None],
        known_until=[None, None, "2021-03-01", None],
    )
    assert active(known, "2021-03-01")["name"].tolist() == ["before"]
    assert active(known, pd.Timestamp("2021-03-01 00:00:01"))["name"].tolist() == ["before", "that day"]
    assert active(known, "2021-02-28T23:59:59Z")["name"].tolist() == ["before", "withdrawn"]
    assert active(known.drop(columns="known_until"), "2022-01-01")["name"].tolist() == [
        "before",
        "that day",
        "withdrawn",
    ]


@pytest.mark.parametrize("as_of", ["soon", None, pd.NaT])
def test_what_is_no_date(as_of):
    with pytest.raises(UsageError, match="as_of: a date such as 2021-04-01 is needed"):
        active(labels(known_from=["2021-01-01"] * 4), as_of)


def test_a_wrong_date_of_withdrawal_is_set_aside():
    read = read_labels(
        pd.DataFrame({"address": [A, B], "category": ["mixer"] * 2, "known_until": ["2021-01-01", "later"]})
    )
    assert read.good["address"].tolist() == [A]
    assert read.bad["reason"][0] == "known_until must be a date such as 2021-03-04, not 'later'"


def test_a_file_of_labels_reads_back_equal(tmp_path):
    made = sorted_labels(
        labels(network=["ethereum", None] * 2, confidence=[0.5, None] * 2, known_from=["2021-01-01"] * 4)
    )
    assert len(made) == 2
    table = as_arrow(made)
    assert table.schema == SCHEMA
    pq.write_table(table, tmp_path / "labels.parquet")
    back = read_labels(tmp_path / "labels.parquet").good
    assert list(back.columns) == list(COLUMNS)
    pd.testing.assert_frame_equal(back, made)


def test_equal_labels_give_equal_tables_in_any_order():
    made = labels(name=["b", "a", None, "a"], source=["x", "y", "y", "x"])
    table = as_arrow(sorted_labels(made))
    assert as_arrow(sorted_labels(made.iloc[::-1])).equals(table)
    assert table["name"].to_pylist() == ["a", "b", "a", None]


def test_labels_need_an_address_and_a_category():
    with pytest.raises(DataError, match="labels: column category is missing"):
        read_labels(pd.DataFrame({"address": [A]}))
    assert (
        len(
            read_labels(
                pa.table({"address": pa.array([], pa.string()), "category": pa.array([], pa.string())}).to_pandas()
            ).good
        )
        == 0
    )
