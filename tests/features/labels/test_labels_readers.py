"""Each published format of labels: read whole, known by what is in it, and refused in one line where it is damaged."""

import csv
import datetime
import json

import pandas as pd
import pytest
from samples.label_files import PACK, PACKERS, evm, key, sdn, written

from walletprint.features import DataError
from walletprint.features.labels import build_labels, read_sdn

GANG = (70, "Made Up Gang", ["MUG", "Hidden Cobra"], ["DPRK3", "CYBER2"], "2020-03-02", [(71, "XBT", key("gang"))])
SHOP = (80, "Odd Shop LLC", [], ["ODD9"], "2021-06-01", [(81, "TRX", key("shop", b"\x41")), (82, "ETH", evm("shop"))])
QUIET = (90, "No Wallet Ltd", [], ["TCO"], "2019-01-01", [])


def rows(built, *columns):
    return [
        tuple(row) for row in built.labels[list(columns)].astype("object").where(lambda f: f.notna(), None).to_numpy()
    ]


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("name", ["sdn_advanced", "anything"])
def test_sdn_gives_parties_aliases_programmes_and_dates(tmp_path, suffix, name):
    edition = read_sdn(written(tmp_path / f"{name}{suffix}", sdn("2022-01-05", [GANG, SHOP, QUIET])))
    assert edition.issued == datetime.date(2022, 1, 5)
    first, *others = edition.addresses
    assert (first.entity, first.aliases, first.programmes) == (
        "Made Up Gang",
        ("MUG", "Hidden Cobra"),
        ("DPRK3", "CYBER2"),
    )
    assert (first.asset, first.address, first.listed) == ("XBT", key("gang"), datetime.date(2020, 3, 2))
    assert [(entry.entity, entry.asset) for entry in others] == [("Odd Shop LLC", "TRX"), ("Odd Shop LLC", "ETH")]


def test_sdn_becomes_labels(tmp_path):
    built = build_labels(written(tmp_path / "sdn.xml", sdn("2022-01-05", [GANG, SHOP])))
    assert sorted(rows(built, "address", "category", "network", "actor", "programmes")) == sorted(
        [
            (key("gang"), "sanctioned", "bitcoin", "lazarus_group", "CYBER2|DPRK3"),  # by its alias
            (key("gang"), "state_linked", "bitcoin", "lazarus_group", "CYBER2|DPRK3"),
            (key("shop", b"\x41"), "sanctioned", "tron", "Odd Shop LLC", "ODD9"),
            (evm("shop"), "sanctioned", "ethereum", "Odd Shop LLC", "ODD9"),
        ]
    )
    assert built.labels["aliases"].dropna().unique().tolist() == ["MUG|Hidden Cobra"]
    assert built.labels["source"].unique().tolist() == ["ofac_sdn_advanced"]
    assert set(built.labels["known_from"].dt.strftime("%Y-%m-%d")) == {"2020-03-02", "2021-06-01"}
    assert built.unmatched.to_numpy().tolist() == [["ofac_sdn_advanced", "word", "ODD9", 2]]


def many(extra):
    """Two hundred parties, one listed a day from 2020 on, whose features are numbered as they came; `extra` instead of theirs."""
    days = [datetime.date(2020, 1, 1) + datetime.timedelta(days=i) for i in range(200)]
    others = {1000 + i: (1000 + i, f"Party {i}", [], ["TCO"], day.isoformat(), []) for i, day in enumerate(days)}
    return [*(others | {party[0]: party for party in extra}).values()]


def test_an_address_added_to_an_old_party_is_known_from_about_the_day_its_number_tells(tmp_path):
    old = (1020, "Old", [], ["TCO"], "2020-01-21", [(1120, "ETH", evm("late")), (1021, "ETH", evm("early"))])
    early, late = read_sdn(written(tmp_path / "sdn.xml", sdn("2022-01-01", many([old])))).addresses
    assert (early.listed, early.added) == (datetime.date(2020, 1, 21), datetime.date(2020, 1, 21))
    assert late.listed == datetime.date(2020, 1, 21)
    assert abs(late.added - datetime.date(2020, 4, 30)) <= datetime.timedelta(days=2)


def test_a_party_listed_anew_does_not_move_the_dates_of_others(tmp_path):
    middle = (1101, "Middle", [], ["TCO"], "2020-04-11", [(1101, "ETH", evm("middle"))])
    anew = (1100, "Anew", [], ["TCO"], "2021-12-30", [])
    (entry,) = read_sdn(written(tmp_path / "sdn.xml", sdn("2022-01-01", many([middle, anew])))).addresses
    assert entry.added == datetime.date(2020, 4, 11)


def test_two_editions_tell_what_was_taken_off_and_what_came(tmp_path):
    more = (*SHOP[:5], (*SHOP[5], (83, "ETH", evm("new"))))
    written(tmp_path / "b.xml", sdn("2022-01-05", [GANG, SHOP]))
    written(tmp_path / "a.xml.bz2", sdn("2023-01-05", [more]))
    built = build_labels(tmp_path)
    dates = built.labels.assign(**{n: built.labels[n].dt.strftime("%Y-%m-%d") for n in ("known_from", "known_until")})
    built = type(built)(dates, *(None,) * 4)
    assert set(rows(built, "address", "known_from", "known_until")) == {
        (key("gang"), "2020-03-02", "2023-01-05"),
        (key("shop", b"\x41"), "2021-06-01", None),
        (evm("shop"), "2021-06-01", None),
        (evm("new"), "2023-01-05", None),  # not in the earlier edition
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (sdn("2022-01-05", [GANG])[:-30], r"bad\.xml: the XML is damaged or cut off \(.*\); fetch the file again"),
        (
            "<Sanctions><DateOfIssue /></Sanctions>",
            r"bad\.xml: no DateOfIssue; OFAC's advanced XML of the SDN list is needed",
        ),
        ("<html>not here</html>", r"bad\.xml: in no known format of labels \(it is xml\); known are: OFAC's SDN list"),
        ("", r"bad\.xml: the file is empty"),
    ],
)
def test_xml_that_is_no_list(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        build_labels(written(tmp_path / "bad.xml", text))


def test_a_packed_file_that_is_cut_off(tmp_path):
    path = written(tmp_path / "sdn.xml.bz2", sdn("2022-01-05", [GANG]))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"sdn\.xml\.bz2: cannot be read \(damaged or cut off\?\)"):
        build_labels(path)


def test_sdn_csv_has_addresses_in_its_remarks(tmp_path):
    first, second = f"Digital Currency Address - XBT {key('a')}", f"Digital Currency Address - ETH {evm('b')}"
    remarks = f"DOB 1 May 1980; {first}; alt. {second}; a.k.a. 'MUG'."
    path = tmp_path / "sdn.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerow(["36", "PLAIN CO", "-0-", "CUBA", *["-0-"] * 7, "-0- "])
        csv.writer(file).writerow(["37", "GANG, Made Up", "individual", "DPRK3] [CYBER2", *["-0-"] * 7, remarks])
    built = build_labels(path)
    assert set(rows(built, "address", "category", "name", "programmes", "aliases", "source")) == {
        (key("a"), "sanctioned", "GANG, Made Up", "CYBER2|DPRK3", "MUG", "ofac_sdn"),
        (key("a"), "state_linked", "GANG, Made Up", "CYBER2|DPRK3", "MUG", "ofac_sdn"),
        (evm("b"), "sanctioned", "GANG, Made Up", "CYBER2|DPRK3", "MUG", "ofac_sdn"),
        (evm("b"), "state_linked", "GANG, Made Up", "CYBER2|DPRK3", "MUG", "ofac_sdn"),
    }
    assert built.labels["known_from"].isna().all()


def test_a_list_of_an_address_a_line(tmp_path):
    path = written(tmp_path / "sanctioned_addresses_XBT.txt", f"{key('a')}\n\n{key('b').lower()}\n{key('c')}\n")
    built = build_labels(path)
    assert sorted(rows(built, "address", "category", "network")) == sorted(
        (key(n), "sanctioned", "bitcoin") for n in "ac"
    )
    assert built.rejected["row"].tolist() == [3]
    assert built.unmatched.to_numpy().tolist() == [["ofac_list", "address", key("b").lower(), 1]]


def test_a_list_of_addresses_does_not_say_what_they_are(tmp_path):
    with pytest.raises(DataError, match=r"mine\.txt: in no known format of labels \(it is text\)"):
        build_labels(written(tmp_path / "mine.txt", key("a")))


def test_a_table_of_entities_is_known_from_the_later_day(tmp_path):
    pd.DataFrame(
        {
            "address": [key("a"), key("b"), key("c", b"\x41").lower(), evm("d")],
            "asset": ["XBT", "XBT", "XMR", "ETH"],
            "entity": ["Made Up Gang", "(delisted or replaced before 2025-11-19)", "X", "SUEX OTC, S.R.O."],
            "aka": ["MUG", None, None, None],
            "programs": ["DPRK3|CYBER2", None, None, "CYBER2"],
            "entity_listing_dates": ["2020-03-02", None, None, "2021-09-21|2022-01-01"],
            "first_seen_in_list_repo": ["2021-01-01", "2020-05-05", "2024-01-01", "2021-09-01"],
            "removed_seen": [None, "2025-03-21", None, None],
            "case_exact": [True, True, False, False],
        }
    ).to_csv(tmp_path / "list.csv", index=False)
    built = build_labels(tmp_path / "list.csv")
    assert built.rejected["row"].tolist() == [3]
    kept = built.labels.loc[built.labels["category"] == "sanctioned"].set_index("address")
    assert kept["known_from"].dt.strftime("%Y-%m-%d").to_dict() == {
        key("a"): "2021-01-01",
        key("b"): "2020-05-05",
        evm("d"): "2021-09-21",
    }
    assert kept["known_until"].dropna().index.tolist() == [key("b")]
    assert kept.loc[evm("d"), "actor"] == "suex"
    assert pd.isna(kept.loc[key("b"), "actor"])


def test_the_history_of_lists(tmp_path):
    path = written(
        tmp_path / "history.csv",
        f"list,asset,address,first_seen_commit_date,removed_commit_date\nx,XBT,{key('a')},2022-01-01,2023-01-01\n",
    )
    (label,) = build_labels(path).labels.to_dict("records")
    assert (label["category"], label["source"]) == ("sanctioned", "ofac_list")
    assert (label["known_from"], label["known_until"]) == (
        pd.Timestamp("2022-01-01", tz="UTC"),
        pd.Timestamp("2023-01-01", tz="UTC"),
    )


def test_a_tagpack_inherits_its_head(tmp_path):
    path = written(tmp_path / "pack.yaml", PACK.format(first=key("a"), second=key("b"), third=evm("c")))
    built = build_labels(path)
    assert set(rows(built, "address", "category", "name", "confidence", "network")) == {
        (key("a"), "exchange", "Corner Exchange", 0.5, "bitcoin"),
        (key("b"), "theft", "Corner heist", 0.5, "bitcoin"),
        (evm("c"), "exchange", "Corner Exchange", 0.5, "ethereum"),
        (evm("c"), "bridge", "Corner Exchange", 0.5, "ethereum"),
    }
    days = built.labels.set_index("address")["known_from"].dt.strftime("%Y-%m-%d").to_dict()
    assert days == {key("a"): "2021-02-03", key("b"): "2022-05-06", evm("c"): "2021-02-03"}
    assert built.labels["actor"].dropna().unique().tolist() == ["lazarus_group"]
    assert built.unmatched.to_numpy().tolist() == [["graphsense", "word", "no_such_word", 1]]
    assert built.conflicts.to_numpy().tolist() == [[evm("c"), "bridge|exchange", "lazarus_group", "graphsense"]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("title: x\ntags: none\n", r"p\.yaml: no TagPack: it has no list `tags`"),
        ("tags: [\n", r"p\.yaml: cannot be read as a TagPack \(.*\); valid YAML is needed"),
        ("lastmod: 2021-13-45\ntags: []\n", r"p\.yaml: cannot be read as a TagPack \(month must be in 1\.\.12"),
        ("tags: []\n", "no good label among 0 rows"),
        ("tags: [one]\n", r"no good label among 1 rows; .*p\.yaml, row 1: a tag must be fields and values, not 'one'"),
    ],
)
def test_yaml_that_is_no_tagpack(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        build_labels(written(tmp_path / "p.yaml", text))


def test_a_table_of_graphsense_tags(tmp_path):
    pd.DataFrame(
        {
            "address": [key("a"), key("b"), key("c"), key("d"), key("e")],
            "currency": ["BTC"] * 5,
            "label": ["Lazarus group", "Hydra Market", "x", "y", "z"],
            "category": ["user", "market", "", "exchange", "exchange"],
            "abuse": ["sanction", "", "", "", ""],
            "concepts": ["", "", "['gambling']", "", ""],
            "actor": ["", "hydramarket", "", "", ""],
            "confidence": ["authority_data", "authority_data", "", "hearsay", "web_crawl"],
            "lastmod": ["2023-08-28", "2022-04-05", "", "2022-01-01", "no date"],
            "source": ["https://example.org"] * 5,
        }
    ).to_parquet(tmp_path / "tags.parquet")
    built = build_labels(tmp_path / "tags.parquet")
    assert set(rows(built, "address", "category", "actor", "confidence", "source")) == {
        (key("a"), "user", "lazarus_group", 0.6, "graphsense"),
        (key("a"), "sanctioned", "lazarus_group", 0.6, "graphsense"),
        (key("b"), "darknet", "hydra_market", 0.6, "graphsense"),  # the actor says more than "market"
        (key("c"), "gambling", None, None, "graphsense"),
    }
    assert built.rejected["row"].tolist() == [4, 5]
    assert built.rejected["reason"].str.partition(";")[0].tolist() == [
        "confidence 'hearsay' is unknown",
        "known_from must be a date such as 2021-03-04, not 'no date'",
    ]


@pytest.mark.parametrize(
    ("column", "joined"), [("labels", "sushiswap|token-contract|nobody-knows"), ("label", "sushiswap")]
)
def test_etherscan_exports(tmp_path, column, joined):
    a, b, c = evm("a"), evm("b"), evm("c")
    lines = [
        f"explorer,address,name,{column}",
        f"etherscan,{a},SushiSwap: Router,{joined}",
        f"bscscan,{b},Fake_Phishing7,phish-hack",
    ]
    lines += [f"polygonscan,{c},Tornado.Cash: Router,new-word", "arbiscan,,Sum of 2 Accounts,bridge"]
    built = build_labels(written(tmp_path / "export.csv", "\n".join(lines)))
    expected = {(a, "dex", "ethereum", "sushiswap"), (b, "phishing", "bsc", None)}
    unmatched = {("new-word", 1)}
    if column == "labels":
        expected.add((a, "token", "ethereum", "sushiswap"))
        unmatched.add(("nobody-knows", 1))
    assert set(rows(built, "address", "category", "network", "actor")) == expected
    assert set(built.unmatched[["word", "count"]].itertuples(index=False, name=None)) == unmatched
    assert built.rejected["reason"].tolist() == ["no category is known for new-word", "address is empty (None)"]
    assert built.labels["known_from"].isna().all()


def test_a_date_that_somebody_added_is_used(tmp_path):
    text = f"explorer,address,name,label,known_from\netherscan,{evm('a')},x,bridge,2023-10-31\n"
    (label,) = build_labels(written(tmp_path / "e.csv", text)).labels.to_dict("records")
    assert label["known_from"] == pd.Timestamp("2023-10-31", tz="UTC")


def test_fortas_list(tmp_path):
    text = (
        "banned_address,wallet_tag,data_source\n"
        f"{evm('a')},Fake_Phishing1,etherscan-phish-hack-list\n{evm('b')},Odd Exploiter,etherscan-exploit-list\n"
    )
    built = build_labels(written(tmp_path / "f.csv", text))
    assert rows(built, "address", "category", "name", "network", "source") == [
        (evm("a"), "phishing", "Fake_Phishing1", "ethereum", "forta"),
        (evm("b"), "theft", "Odd Exploiter", "ethereum", "forta"),
    ]


def test_a_plain_table_and_a_labels_file_made_before(tmp_path):
    text = f"address,category,source,case,known_from\n{key('a')},theft,mine,upbit,2020-01-01\n{key('b')},thief,,,\n"
    built = build_labels(written(tmp_path / "mine.csv", text), out=tmp_path / "labels.parquet")
    assert rows(built, "address", "category", "source", "case") == [(key("a"), "theft", "mine", "upbit")]
    assert built.unmatched.to_numpy().tolist() == [["plain", "word", "thief", 1]]
    again = build_labels(tmp_path / "labels.parquet")
    pd.testing.assert_frame_equal(again.labels, built.labels)


def test_files_of_several_formats_become_one_table_and_conflicts_stay(tmp_path):
    a, b = evm("a"), evm("b")
    written(
        tmp_path / "export.csv",
        f"explorer,address,name,label\netherscan,{a},Odd: Bridge,bridge\netherscan,{b},x,binance\n",
    )
    written(tmp_path / "forta.csv", f"banned_address,wallet_tag,data_source\n{a},Odd Exploiter,etherscan-heist-list\n")
    written(tmp_path / "own.csv", f"address,category,actor\n{b},exchange,Corner Shop\n{b},exchange,binance\n")
    written(tmp_path / "other.csv", "case,net\nx,eth\n")
    written(tmp_path / "notes.md", "nothing")
    built = build_labels(tmp_path)
    assert built.labels.groupby(["source", "category"]).size().to_dict() == {
        ("etherscan", "bridge"): 1,
        ("etherscan", "exchange"): 1,
        ("forta", "theft"): 1,
        ("plain", "exchange"): 2,
    }
    assert built.conflicts.to_numpy().tolist() == [
        [a, "bridge|theft", "", "etherscan|forta"],
        [b, "exchange", "Corner Shop|binance", "etherscan|plain"],
    ]
    assert built.skipped == (str(tmp_path / "other.csv"),)
    with pytest.raises(
        DataError, match=r"other\.csv: in no known format of labels \(its columns are case, net\); known are"
    ):
        build_labels(tmp_path / "other.csv")


def test_the_same_files_in_any_order_give_the_same_bytes(tmp_path):
    for name, party in (("a", GANG), ("b", SHOP)):
        written(tmp_path / f"{name}.xml", sdn(f"2022-01-0{len(party[5])}", [party]))
    paths = [tmp_path / "a.xml", tmp_path / "b.xml"]
    build_labels(paths, tmp_path / "1.parquet")
    build_labels([*reversed(paths), paths[0]], tmp_path / "2.parquet")
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "2.parquet").read_bytes()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "no input: give files of labels"),
        (["nowhere.csv"], r"nowhere\.csv: no such file"),
        (["*.xml"], "holds no file of labels"),
    ],
)
def test_nothing_to_read(tmp_path, monkeypatch, given, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=message):
        build_labels(given)


def test_an_empty_folder_and_a_folder_of_other_things(tmp_path):
    with pytest.raises(DataError, match="holds no file of labels"):
        build_labels(tmp_path)
    written(tmp_path / "other.csv", "case,net\nx,eth\n")
    with pytest.raises(DataError, match="none of 1 files is in a known format of labels; known are: OFAC"):
        build_labels(tmp_path)


def test_bad_rows_are_told_with_file_row_reason_and_record(tmp_path):
    lines = [
        "address,category,confidence",
        f"{key('a')},mixer,0.5",
        f"{key('b')},mixer,7",
        "0x12,mixer,",
        ",mixer,",
        f"{key('c')},mixer,1,1",
    ]
    built = build_labels(written(tmp_path / "l.csv", "\n".join(lines)))
    assert len(built.labels) == 1
    assert built.rejected["row"].tolist() == [2, 3, 4, 5]
    assert built.rejected["reason"].tolist() == [
        "confidence must be a number from 0 to 1, not '7'",
        "address starts with 0x but has not 40 (or 62 to 64) hex digits ('0x12')",
        "address is empty (None)",
        "line has 4 fields instead of 3",
    ]
    assert set(built.rejected["file"]) == {str(tmp_path / "l.csv")}
    assert json.loads(built.rejected["record"][0])["address"] == key("b")
