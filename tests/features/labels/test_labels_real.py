"""The published lists themselves: OFAC's edition against the list made of it, and everything in one table."""

import datetime
import pickle
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pandas as pd
import pytest

from walletprint.features.labels import IDS, Edition, active, build_labels
from walletprint.features.labels.readers import ofac_xml

pytestmark = pytest.mark.real_data

SDN = "ofac/sdn_advanced_2025-11-19.xml.bz2"
MEASURE = """
import pickle, sys
from pathlib import Path
from walletprint.experiments.benchmarks.harness.worker import peak_mb
from walletprint.features.labels import read_sdn
edition = read_sdn(Path(sys.argv[1]))
Path(sys.argv[2]).write_bytes(pickle.dumps((edition, peak_mb())))
"""


@pytest.fixture(scope="module")
def measured(real_data, tmp_path_factory) -> tuple[Edition, float]:
    """The edition, read once for all tests, and the megabytes that took: in a process of its own, to measure them."""
    path = tmp_path_factory.mktemp("sdn") / "edition"
    subprocess.run([sys.executable, "-c", MEASURE, real_data / SDN, path], check=True)
    return pickle.loads(path.read_bytes())


@pytest.fixture(scope="module")
def edition(measured) -> Edition:
    return measured[0]


@pytest.fixture(scope="module")
def listed(real_data) -> pd.DataFrame:
    table = pd.read_csv(real_data / "ofac" / "ofac_addresses.csv", dtype=str, keep_default_na=False)
    return table[table["on_list_2025_11_19"] == "True"]


def spelled(address: str) -> str:
    return address.lower() if address.lower().startswith("0x") else address


def test_sdn_is_read_within_500_mb(measured):
    assert measured[1] < 500


def test_sdn_has_the_addresses_programmes_and_dates_of_the_list(edition, listed):
    assert edition.issued == datetime.date(2025, 11, 19)
    mine = sorted(
        (spelled(e.address), e.asset, "|".join(sorted(e.programmes)), e.listed.isoformat()) for e in edition.addresses
    )
    programmes = listed["programs"].str.split("|").map(sorted).str.join("|")
    theirs = zip(
        listed["address"].map(spelled), listed["asset"], programmes, listed["entity_listing_dates"], strict=True
    )
    assert len(mine) == 761
    assert mine == sorted(theirs)


def test_sdn_has_the_entities_of_the_list(edition, listed):
    """They differ in 34 names alone: where a name has spellings in other scripts, the list joins them all to one."""
    theirs = defaultdict(list)
    for row in listed.itertuples():
        theirs[spelled(str(row.address)), row.asset].append(row.entity)
    joined, unlike = set(), []
    for entry in edition.addresses:
        names = theirs[spelled(entry.address), entry.asset]
        if entry.entity in names:
            continue
        spellings = [" ".join([entry.entity, *entry.aliases[:n]]) for n in (1, 2)]
        joined.add(entry.entity) if set(spellings) & set(names) else unlike.append((entry.entity, names))
    assert unlike == []
    assert len(joined) == 34


def test_dprk_programmes_are_found(edition):
    programmes = pd.Series([word for entry in edition.addresses for word in entry.programmes]).value_counts()
    assert programmes[["DPRK2", "DPRK3", "DPRK4"]].to_dict() == {"DPRK2": 1, "DPRK3": 55, "DPRK4": 59}


def test_addresses_added_to_old_parties_are_dated_near_the_day_they_were_first_seen(edition, real_data):
    """Held against the first commits in which two public repositories had each address, from the second commit on."""
    history = pd.read_csv(real_data / "ofac" / "list_history.csv", dtype=str)
    seen = pd.to_datetime(history["first_seen_commit_date"]).groupby(history["address"].map(spelled)).min()
    first_commits = ["2022-09-03", "2023-05-19"]
    rows = [(spelled(e.address), pd.Timestamp(e.listed), pd.Timestamp(e.added)) for e in edition.addresses]
    frame = pd.DataFrame(rows, columns=["address", "listed", "added"])
    frame["seen"] = frame["address"].map(seen)
    frame = frame[~frame["seen"].isin(pd.to_datetime(first_commits))]
    near = {name: ((frame["seen"] - frame[name]).dt.days.abs() <= 45).mean() for name in ("listed", "added")}
    assert len(frame) > 350
    assert near["added"] > 0.95
    assert near["added"] - near["listed"] > 0.1  # the party's own day is often years too early


@pytest.fixture(scope="module")
def built(real_data, edition, tmp_path_factory):
    path: Path = tmp_path_factory.mktemp("labels") / "labels.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ofac_xml, "read_sdn", lambda path: edition)  # as it was read above
        return build_labels([real_data / "tags", real_data / "ofac"], path)


def test_everything_becomes_one_table(built):
    labels = built.labels
    counts = labels.groupby(["source", "category"]).size()
    assert set(labels["category"]) <= set(IDS)
    assert set(labels["source"]) == {"etherscan", "forta", "graphsense", "ofac_list", "ofac_sdn_advanced"}
    expected = {
        ("graphsense", "exchange"): 337_900,
        ("graphsense", "extortion"): 71_100,
        ("graphsense", "mixer"): 36_800,
        ("graphsense", "ransomware"): 14_600,
        ("graphsense", "darknet"): 120,
        ("etherscan", "dex"): 11_000,
        ("etherscan", "bridge"): 1_500,
        ("etherscan", "mixer"): 120,
        ("forta", "phishing"): 7_000,
        ("ofac_sdn_advanced", "sanctioned"): 750,
        ("ofac_sdn_advanced", "state_linked"): 120,
    }
    assert {key: counts[key] >= least for key, least in expected.items()} == dict.fromkeys(expected, True)
    assert [Path(path).name for path in built.skipped] == ["theft_cases.csv"]


def test_unmatched_words_are_listed_and_their_rows_kept(built):
    words = built.unmatched[built.unmatched["what"] == "word"]
    assert words.groupby("source").size().to_dict().keys() == {"etherscan", "graphsense"}
    assert words.set_index(["source", "word"])["count"]["graphsense", "(none)"] > 8_000
    assert built.rejected["reason"].str.startswith("no category is known for").sum() > 2_000
    assert len(built.rejected) < 0.03 * len(built.labels)


def test_keys_whose_case_was_lost_are_not_among_the_labels(built, real_data):
    table = pd.read_csv(real_data / "ofac" / "ofac_addresses.csv", dtype=str, keep_default_na=False)
    lost = table[(table["case_exact"] == "False")]["address"]
    reported = set(built.unmatched.loc[built.unmatched["what"] == "address", "word"])
    kept = set(built.labels["address"]) & set(lost)
    assert len(lost) == 188
    assert {address for address in kept if not address.startswith(("0x", "bc1", "ltc1"))} == set()
    assert len(set(lost) & reported) + len(kept) == len(set(lost))


def test_no_label_is_active_before_its_day(built):
    labels = built.labels
    assert len(active(labels, "2018-01-01")[lambda f: f["source"].str.startswith("ofac")]) == 0
    before_ronin = active(labels, "2022-03-23")
    ronin = labels[labels["address"].str.startswith("0x098b716b8aaf21512996dc57eb0615e2383e2f96")]
    assert len(ronin)
    assert not before_ronin["address"].isin(ronin["address"]).any()
