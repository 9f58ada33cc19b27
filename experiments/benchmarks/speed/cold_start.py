"""How long a fresh process takes until it has scored one wallet, beside what the libraries alone take. Run with

python -m walletprint.experiments.benchmarks.speed.cold_start
"""

import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import typer

from ..harness.options import RESULTS, Results, Runs
from ..harness.processes import use_few_cores
from ..harness.result_page import publish

TRANSFERS = 1_000
WALLET = "0x" + "ab" * 20
OPTIONAL_PACKAGES = ("sklearn", "mlflow", "pyspark", "optuna", "matplotlib")
STEPS = {
    "libraries": "import numpy, pandas, pyarrow.parquet, numba, pydantic, duckdb, scipy.linalg",
    "import": "from walletprint.serving import Scorer",
    "load": "Scorer.load('reference')",
    "score": f"and score one wallet, explained, from a Parquet file of its {TRANSFERS:,} transfers",
}
_CODE = {
    "libraries": """
import duckdb, numba, numpy, pandas, pydantic, pyarrow.parquet, scipy.linalg
""",
    "import": """
from walletprint.serving import Scorer
""",
    "load": """
from walletprint.serving import Scorer
Scorer.load("reference")
""",
    "score": """
import sys
from walletprint.serving import Scorer
rows = Scorer.load("reference").score([sys.argv[1]], sys.argv[2], as_of="2021-02-15", reasons="all")
assert rows["coverage"][0]["transfers"] == int(sys.argv[3]) and rows["score"].notna().all()
""",
}
INTRO = f"""\
From the start of Python to its end, a process each, with kernels compiled by an earlier run; the wallet has {TRANSFERS:,}
transfers, the model is the reference model of laundering. `libraries` is what walletprint cannot do without, imported and
nothing else (Numba imports scipy.linalg as soon as a compiled kernel is loaded). Installed here, and imported by no step:
{{installed}}."""


def main(
    runs: Runs = 7,
    results: Results = RESULTS,
) -> None:
    """Run the benchmark and write its tables."""
    use_few_cores()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "transfers.parquet"
        _transfers().to_parquet(path)
        _took("score", path)
        every = pd.DataFrame([{"step": step, "seconds": _took(step, path)} for _ in range(runs) for step in STEPS])
    tables = {f"Of {runs} runs": _summary(every), "Every run": every}
    installed = ", ".join(name for name in OPTIONAL_PACKAGES if find_spec(name)) or "none"
    intro = INTRO.format(installed=installed)
    publish(__file__, intro, tables, results)


def _transfers() -> pd.DataFrame:
    """What one wallet received and sent, hour after hour."""
    number = np.arange(TRANSFERS)
    others = [f"0x{n % 200:040x}" for n in number]
    sent = number % 2 == 1
    moments = pd.Timestamp("2021-01-01", tz="UTC") + pd.to_timedelta(number, unit="h")
    return pd.DataFrame(
        {
            "timestamp": moments,
            "sender": np.where(sent, WALLET, others),
            "receiver": np.where(sent, others, WALLET),
            "amount": number + 1.0,
            "asset": "ETH",
            "tx_id": [f"0x{n:064x}" for n in number],
        }
    )


def _took(step: str, path: Path) -> float:
    """Seconds from the start of a fresh process to its end."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _CODE[step], WALLET, str(path), str(TRANSFERS)], check=True)
    return time.perf_counter() - began


def _summary(every: pd.DataFrame) -> pd.DataFrame:
    """One row per step: what it is, and the median, fastest and slowest of its runs."""
    found = every.groupby("step", sort=False)["seconds"].agg(["median", "min", "max"])
    return found.assign(what=pd.Series(STEPS)).reset_index()


if __name__ == "__main__":
    typer.run(main)
