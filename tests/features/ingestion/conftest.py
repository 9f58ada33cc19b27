"""One way to look at what an ingest makes of small files."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from walletprint.features.ingestion.ingestion import ingest


@pytest.fixture
def ingested(tmp_path: Path) -> Callable[..., pd.DataFrame]:
    """Ingest files into the test's folder; the transfers as a frame."""

    def ingested(paths: Path | list[Path], **options: str) -> pd.DataFrame:
        return pq.read_table(ingest(paths, tmp_path / "out.parquet", **options).out).to_pandas()

    return ingested
