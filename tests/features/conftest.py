"""Small input files, each test's own, in every format a table may come in."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Save = Callable[..., Path]


@pytest.fixture
def save(tmp_path: Path) -> Save:
    """Write rows (dicts) to a file in the test's folder; the suffix of its name tells how."""

    def save(name: str, rows: list[dict[str, Any]], **types: pa.DataType) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        names = list(dict.fromkeys(key for row in rows for key in row))
        if path.suffix == ".parquet":
            columns = {key: pa.array([row.get(key) for row in rows], types.get(key)) for key in names}
            pq.write_table(pa.table(columns), path)
            return path
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(rows)
        return path

    return save
