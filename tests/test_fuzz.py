"""Readers fed with damaged files: whatever comes, the answer is data or one line of a WalletprintError, and soon.

A few hundred inputs here; WALLETPRINT_FUZZ=10000 gives the long form. The same inputs in every run.
"""

import hashlib
import io
import json
import os
import random
import signal
import string
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from walletprint.features.base.errors import WalletprintError
from walletprint.features.cases import read_cases
from walletprint.features.ingestion.ingestion import ingest
from walletprint.features.labels import build_labels, read_labels
from walletprint.features.ledger.ledger import Ledger
from walletprint.serving import ModelFolder, Scorer, read_addresses
from walletprint.serving.drift.score_diff import diff_scores
from walletprint.serving.model.bundled_models import bundled_folder

INPUTS = int(os.environ.get("WALLETPRINT_FUZZ", "300"))
SECONDS = 20
"""That one input may take, on a busy machine."""

A, B = "0x" + "a1" * 20, "0x" + "b2" * 20
TRANSFERS = "timestamp,sender,receiver,amount,asset,tx_id,usd\n" + "".join(
    f"2021-0{1 + i % 9}-01 00:00:0{i % 10}Z,{A},{B},{i}.5,ETH,t{i},{i}\n" for i in range(12)
)
LABELS = f'address,category,actor,known_from\n{A},theft,"Lazarus, Group",2021-01-01\n{B},user,,\n'
TAGPACK = f"""title: pack
creator: someone
label: shop
source: https://example.org
currency: ETH
lastmod: 2021-01-01
tags:
  - address: "{A}"
    category: exchange
    confidence: ownership
  - {{address: "{B}", abuse: scam, concepts: [exchange, defi]}}
"""
CONFIG = "head: laundering\nsnapshots: {every: 30d, window: 90d}\nmodel:\n  rounds: 40\nbands: {low: 0.1}\nseed: 3\n"
SCENARIO = (
    "about: small\nstart: 2021-01-01\ndays: 90\nwallets: 500\nprices: {ETH: [900.0, 1900.0]}\ncrimes: {share: 0.1}\n"
)
CASES = f"case,address,date,actor\none,{A},2021-01-01,\ntwo,{B},2021-02-01,Lazarus\n"
SCORES = "".join(
    json.dumps({"address": a, "head": "laundering", "score": 0.5, "band": "medium", "flagged": False, "percentile": 3.0,
                "reasons": [{"feature": "x", "contribution": 1.0}], "model": {"version": "a"}}) + "\n" for a in (A, B)
)  # fmt: skip
ODD = [
    b"\xff\xfe", b"\0", b'"', b'""', b"'", b"\n", b"\r", b",", b";", b"\t", b": ", b"#", b"-", b"0x", b"<!--", b"=1+1",
    b"[" * 400, b"{" * 400, b"- " * 300, b"9" * 400, b"1e999", b"NaN", b"inf", b"null", b"true", b"18446744073709551616",
    "\u202e𝔘☃é".encode(), b"\xed\xa0\x80", b"&a [*a]", b"!!python/object/apply:os.system [id]", b"1970-01-01", b"9999-99-99",
    b"' OR 1=1 --", b"$(id)", b"../../etc/passwd",
]  # fmt: skip


def mutated(source: random.Random, data: bytes) -> bytes:
    """A few changes: bytes flipped, cut, doubled, or exchanged for something odd."""
    out = bytearray(data)
    for _ in range(source.randint(1, 4)):
        at, end = sorted(source.randrange(len(out) + 1) for _ in range(2))
        kind = source.randrange(7)
        if kind == 0 and out:
            out[at % len(out)] ^= 1 << source.randrange(8)
        elif kind == 1:
            del out[at:]
        elif kind == 2:
            del out[at : min(end, at + 40)]
        elif kind == 3:
            out[at:at] = out[at : min(end, at + 200)]
        elif kind == 4:
            out[at:at] = source.choice(ODD)
        elif kind == 5:
            out[at : at + source.randint(1, 12)] = source.choice(ODD)
        else:
            out[at : at + 1] = source.choice(string.printable).encode()
    return bytes(out)


@contextmanager
def soon():
    """Ends what takes too long."""

    def stop(*_):
        raise TimeoutError(f"an input took more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def parquet_of(text: str, place: Path) -> bytes:
    pd.read_csv(io.StringIO(text)).to_parquet(place / "good.parquet")
    return (place / "good.parquet").read_bytes()


def load_config(path):
    from walletprint.training.config.train_config import load_config as read

    return read(path)


def load_scenario(path):
    from walletprint.experiments.simulation.scenarios.scenario import load_scenario as read

    return read(path)


READERS = {
    "ingest csv": ("t.csv", TRANSFERS, lambda path: ingest([str(path)], path.parent / "out.parquet")),
    "ingest parquet": ("t.parquet", TRANSFERS, lambda path: ingest([str(path)], path.parent / "out.parquet")),
    "ledger csv": ("t.csv", TRANSFERS, lambda path: Ledger.from_transfers(str(path))),
    "ledger parquet": ("t.parquet", TRANSFERS, lambda path: Ledger.from_transfers(str(path))),
    "labels csv": ("l.csv", LABELS, read_labels),
    "labels parquet": ("l.parquet", LABELS, read_labels),
    "lists of labels": ("l.csv", LABELS, lambda path: build_labels([str(path)], path.parent / "out.parquet")),
    "tagpacks": ("l.yaml", TAGPACK, lambda path: build_labels([str(path)], path.parent / "out.parquet")),
    "cases": ("c.csv", CASES, read_cases),
    "addresses csv": ("a.csv", f"address,as_of\n{A},2021-01-01\n{B},\n", read_addresses),
    "addresses parquet": ("a.parquet", f"address,as_of\n{A},2021-01-01\n{B},2021-01-02\n", read_addresses),
    "addresses text": ("a.txt", f"{A}\n# none\n{B}\n", read_addresses),
    "config": ("c.yaml", CONFIG, load_config),
    "scenario": ("s.yaml", SCENARIO, load_scenario),
    "scored json": ("s.jsonl", SCORES, lambda path: diff_scores(path, path)),
}
SHARE = len(READERS) + 3  # the three files of a model folder come too


def wrong_with(read, path: Path) -> str | None:
    """What is wrong with how an input was met; None if it was read, or refused in one line."""
    try:
        with soon():
            read(path)
    except WalletprintError as error:
        return None if "\n" not in str(error) and len(str(error)) < 5_000 else f"no line: {error!r:.300}"
    except Exception as error:
        return f"{type(error).__name__}: {error!s:.300}"
    return None


def refused(read, path: Path) -> bool:
    try:
        with soon():
            read(path)
    except WalletprintError:
        return True
    return False


@pytest.mark.parametrize("name", READERS)
@pytest.mark.filterwarnings("ignore")
def test_damaged_files_are_read_or_refused(name, tmp_path):
    file, text, read = READERS[name]
    good = parquet_of(text, tmp_path) if file.endswith(".parquet") else text.encode()
    path = tmp_path / file
    path.write_bytes(good)
    assert not refused(read, path)
    wrong = {}
    for number in range(-(-INPUTS // SHARE)):
        path.write_bytes(mutated(random.Random(f"{name} {number}"), good))
        wrong[number] = wrong_with(read, path)
    assert not {number: said for number, said in wrong.items() if said}


@pytest.mark.parametrize("file", ["model.json", "model.txt", "manifest.json"])
def test_damaged_models_are_loaded_or_refused(file, tmp_path):
    source = bundled_folder("reference")
    assert source is not None
    folder = ModelFolder.load(source).save(tmp_path / "model")
    good = {path.name: path.read_bytes() for path in folder.iterdir()}
    document = json.loads(good["model.json"]) | {"version": ""}
    wrong = {}
    for number in range(-(-INPUTS // SHARE)):
        files = good | {"model.json": json.dumps(document).encode()}
        files[file] = mutated(random.Random(f"{file} {number}"), files[file])
        if file != "manifest.json":  # with its checksums, so that the damage gets past them
            manifest = json.loads(good["manifest.json"])
            manifest["files"] |= {name: hashlib.sha256(files[name]).hexdigest() for name in manifest["files"]}
            files["manifest.json"] = json.dumps(manifest).encode()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        wrong[number] = wrong_with(Scorer.load, folder)
    assert not {number: said for number, said in wrong.items() if said}


@pytest.mark.parametrize(
    "brackets", ["[" * 50_000, "[\n" * 50_000, "{? " * 20_000, "- " * 50_000, "tags: " + "[" * 50_000]
)
def test_deep_yaml_does_not_end_the_process(brackets, tmp_path):
    """PyYAML's C loader does, at some twenty thousand levels."""
    for name, read in (("c.yaml", load_config), ("s.yaml", load_scenario), ("t.yaml", READERS["tagpacks"][2])):
        (tmp_path / name).write_text(brackets if name != "t.yaml" else f"tags: {brackets}")
        assert refused(read, tmp_path / name)


def test_a_few_lines_of_yaml_that_stand_for_gigabytes_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"] + [
        f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 15)
    ]
    for name, read in (("c.yaml", load_config), ("s.yaml", load_scenario), ("t.yaml", READERS["tagpacks"][2])):
        (tmp_path / name).write_text("\n".join([*lines, "tags:", " - label: *a14", "head: *a14", ""]))
        assert refused(read, tmp_path / name)
