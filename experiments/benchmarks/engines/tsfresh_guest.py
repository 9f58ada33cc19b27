"""tsfresh on series of its own, as a script: it may run in an interpreter without walletprint, so it imports nothing of ours.

    python tsfresh_guest.py SERIES.parquet JOBS

SERIES has columns id, kind, position, value. Writes one line of JSON: wallets, features, seconds, cpu_seconds, peak_mb, versions.
"""

import json
import resource
import sys
import time
import warnings
from importlib.metadata import version
from typing import Any

import pandas as pd
from tsfresh.feature_extraction import (  # pyright: ignore[reportMissingImports]
    EfficientFCParameters,
    extract_features,
)


def extracted(series: pd.DataFrame, jobs: int) -> pd.DataFrame:
    """All features of `EfficientFCParameters`, a row an id."""
    options: dict[str, Any] = {
        "column_id": "id",
        "column_sort": "position",
        "column_kind": "kind",
        "column_value": "value",
    }
    options |= {"n_jobs": jobs, "disable_progressbar": True}
    return pd.DataFrame(extract_features(series, default_fc_parameters=EfficientFCParameters(), **options))


def cpu_seconds() -> float:
    """User and system time of this process and its workers."""
    took = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(part.ru_utime + part.ru_stime for part in took)


def peak_mb(jobs: int) -> float:
    """The memory of this process and of as many workers as its largest."""
    own, child = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own + jobs * child) / 1024


def main(path: str, jobs: int) -> None:
    """Extract twice, a few series to warm up and then all, and say what the second took."""
    warnings.simplefilter("ignore")  # of short series and constant ones, thousands
    series = pd.read_parquet(path)
    extracted(series.loc[series["id"].isin(list(series["id"].unique()[:4]))], jobs)
    wall, cpu = time.perf_counter(), cpu_seconds()
    features = extracted(series, jobs)
    took = {"seconds": time.perf_counter() - wall, "cpu_seconds": cpu_seconds() - cpu, "peak_mb": peak_mb(jobs)}
    versions = {name: version(name) for name in ("tsfresh", "pandas", "numpy")}
    sizes = {"wallets": len(features), "features": features.shape[1]}
    sys.stdout.write(json.dumps({**sizes, **took, "versions": versions}) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
