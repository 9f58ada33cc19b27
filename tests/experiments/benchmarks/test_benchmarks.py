"""The benchmarks: generated transfers have the shapes they promise, the engines agree, and what disagrees is seen."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from walletprint.experiments.benchmarks.engines.columns import AS_OF, COLUMNS
from walletprint.experiments.benchmarks.harness import processes, worker
from walletprint.experiments.benchmarks.harness.agreement import differences
from walletprint.experiments.benchmarks.harness.generate import LARGEST, generate
from walletprint.experiments.benchmarks.speed import against_engines, growth
from walletprint.experiments.protocols.report import environment
from walletprint.features import Ledger, catalogue

ROWS = 3000
COMPUTING = [name for name, engine in against_engines.ENGINES.items() if engine.computes]


@pytest.fixture(scope="module")
def transfers(tmp_path_factory):
    return generate(tmp_path_factory.mktemp("benchmarks") / "transfers.parquet", ROWS)


@pytest.fixture(scope="module")
def frame(transfers):
    return pq.read_table(transfers).to_pandas()


def saved(name, path, folder):
    """What an engine finds in this process, as the benchmark saves it."""
    engine = against_engines.ENGINES[name]
    if engine.package and not find_spec(engine.package):
        pytest.skip(f"{engine.package} is not installed (pip install '.[benchmarks]')")
    run = getattr(import_module(f"walletprint.experiments.benchmarks.{engine.module}"), engine.function)
    where = folder / f"{name}.parquet"
    worker.write_table(worker.taken(run(path), keep=True), where)
    return where


def test_the_same_seed_gives_the_same_transfers_and_another_others(transfers, tmp_path):
    again, other = generate(tmp_path / "again.parquet", ROWS), generate(tmp_path / "other.parquet", ROWS, seed=8)
    assert again.read_bytes() == transfers.read_bytes()
    assert not pq.read_table(other).equals(pq.read_table(transfers))


def test_generated_transfers_are_what_ingest_would_leave(transfers, frame):
    assert len(frame) == ROWS
    assert frame["tx_id"].is_unique
    assert frame["sender"].str.fullmatch("0x[0-9a-f]{40}").all()
    assert frame[["timestamp", "amount"]].equals(frame[["timestamp", "amount"]].sort_values(["timestamp", "amount"]))
    assert Ledger.from_transfers(transfers).transfers == ROWS
    assert Ledger.from_transfers(pq.read_table(transfers).replace_schema_metadata(None)).transfers == ROWS


def test_generated_transfers_have_hubs_and_people_forwarding(tmp_path):
    frame = pq.read_table(generate(tmp_path / "more.parquet", 60_000)).to_pandas()
    degrees = pd.concat([frame["sender"], frame["receiver"]]).value_counts()
    assert 4.5 < len(frame) / len(degrees) < 6.5
    assert degrees.iloc[0] > 500 * degrees.median()
    top = [set(frame[side].value_counts().index[:20]) for side in ("sender", "receiver")]
    assert len(top[0] & top[1]) > 10
    assert 0.01 < (frame["sender"] == frame["receiver"]).mean() < 0.02
    assert 0.8 < (frame["timestamp"] < AS_OF).mean() < 0.86
    assert (frame["amount"] % 1 == 0).all()
    assert frame["amount"].between(1, LARGEST).all()
    found = import_module("walletprint.experiments.benchmarks.engines.ours").chosen(tmp_path / "more.parquet")
    assert found["flow__pass_through__1d"].mean() > 0.05


@pytest.mark.parametrize("name", COMPUTING)
def test_every_engine_finds_the_same(name, transfers, tmp_path):
    reference = saved(against_engines.REFERENCE, transfers, tmp_path)
    other = saved(name, transfers, tmp_path)
    if name != against_engines.WHOLE:
        assert tuple(n for n in pq.read_schema(other).names if n != "as_of") == COLUMNS
    assert differences(reference, other) == []


def test_the_engines_compute_36_features_that_the_catalogue_has():
    assert len(COLUMNS) == 36 + 1
    assert {name.removesuffix("__30d") for name in COLUMNS[1:]} <= {f.name for f in catalogue()}


def test_disagreement_is_seen(tmp_path):
    def written(name, **columns):
        pq.write_table(pa.table({"address": ["a", "b"], "x": [1.0, None]} | columns), tmp_path / name)
        return tmp_path / name

    reference = written("reference")
    assert differences(reference, written("turned", address=["b", "a"], x=[None, 1 + 1e-10])) == []
    assert differences(reference, written("number", x=[1 + 1e-8, None])) == [
        "x: 1 of 2 wallets differ, such as 1 and 1.0000000099999999"
    ]
    assert "1 of 2" in differences(reference, written("null", x=[1.0, 0.0]))[0]
    assert "not the same wallets" in differences(reference, written("wallets", address=["a", "c"]))[0]


def test_an_engine_that_disagrees_shows_no_time(transfers, monkeypatch):
    monkeypatch.setattr(against_engines, "_run", lambda name, path, save=None: save and writes(name, save))

    def writes(name, save):
        pq.write_table(pa.table({"address": ["a"], "x": [float(name == "pandas")]}), save)

    with pytest.raises(SystemExit, match=r"pandas and walletprint: x: 1 of 1 wallets differ"):
        against_engines.compare(transfers, ROWS, ["walletprint", "pandas"], 1)


def test_a_run_in_a_process_of_its_own_says_what_it_took(transfers, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "_WARM_ROWS", 1000)
    took = processes.measured("engines.floor", "run", transfers, None)
    assert took["seconds"] > 0
    assert took["peak_mb"] > 10
    assert 5 < took["held_mb"] <= took["peak_mb"] + 1
    with pytest.raises(RuntimeError, match=r"engines\.floor\.run on .* ended with 1: FileNotFoundError"):
        processes.measured("engines.floor", "run", transfers.parent / "missing.parquet")


def test_ratios_are_against_ours_and_the_fastest_other():
    took = {"walletprint": 2.0, "walletprint-whole": 3.0, "duckdb": 8.0, "pandas": 6.0}
    medians = pd.DataFrame(
        [{"rows": 10, "engine": name, "seconds": s, "cpu_seconds": s, "peak_mb": s} for name, s in took.items()]
    )
    ratios = against_engines.ratios(medians).set_index("ratio")["seconds"].to_dict()
    assert ratios["duckdb ÷ walletprint"] == 4
    assert ratios["walletprint-whole ÷ pandas"] == 0.5


def test_growth_is_against_the_smallest_size_and_the_floor():
    took = {"walletprint": (1.0, 20.0), "floor": (0.5, 4.0)}
    every = [
        {"engine": name, "rows": rows, "wallets": 1, "seconds": s, "cpu_seconds": s, "peak_mb": 1.0, "held_mb": 0.5}
        for name, pair in took.items()
        for rows, s in zip((1_000_000, 10_000_000), pair, strict=True)
    ]
    table = growth.growth_of(pd.DataFrame(every))
    assert table["growth"].tolist() == [1, 2]
    assert table["over_floor"].tolist() == [2, 5]


def test_unknown_and_missing_engines(monkeypatch, capsys):
    with pytest.raises(against_engines.typer.BadParameter, match="nosuch not known; there are floor"):
        against_engines.chosen_engines(["nosuch"])
    monkeypatch.setattr(against_engines, "find_spec", lambda name: None)
    assert against_engines.chosen_engines(["polars", "pandas"]) == ["walletprint", "pandas"]
    assert "polars left out" in capsys.readouterr().err


def test_a_report_has_the_versions_asked_for_that_are_there():
    assert environment("pytest", "no-such-package")["versions"]["pytest"]
    assert "no-such-package" not in environment("pytest", "no-such-package")["versions"]
    assert environment()["python"] == sys.version.split()[0]


def test_the_readme_lists_every_benchmark_and_every_kept_json_is_short():
    folder = Path(against_engines.__file__).parent.parent
    scripts = [
        path
        for kind in ("speed", "detection")
        for path in (folder / kind).glob("*.py")
        if "typer.run" in path.read_text()
    ]
    readme = (folder / "README.md").read_text()
    assert len(scripts) > 10
    assert not [path.stem for path in scripts if f"`{path.parent.name}.{path.stem}" not in readme]
    assert not [path.name for path in (folder / "results").glob("*.json") if len(path.read_text().splitlines()) > 500]
