"""Writes what a benchmark found: a Markdown table to read and JSON to compare, both with the machine and the versions."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

RESULTS = Path("experiments/benchmarks/results")
_VERSIONS = ("numpy", "pandas", "pyarrow", "numba", "lightgbm", "duckdb", "scikit-learn")


def environment() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in _VERSIONS},
    }


def write_report(name: str, command: str, intro: str, tables: dict[str, pd.DataFrame], folder: Path = RESULTS) -> Path:
    """Write `<name>.md` and `<name>.json` into `folder`; returns the Markdown file.

    Args:
        name: of the benchmark.
        command: how to run it again.
        intro: a paragraph on what is measured.
        tables: by title.
        folder: created if need be.
    """
    folder.mkdir(parents=True, exist_ok=True)
    where = environment()
    versions = ", ".join(f"{key} {value}" for key, value in where["versions"].items())
    parts = [f"# {name}", intro, f"Run: `{command}`"]
    for title, frame in tables.items():
        parts += [f"## {title}", markdown(frame)]
    parts.append(
        f"Measured {where['date']} on {where['cores']} cores ({where['system']}), Python {where['python']}; {versions}."
    )
    path = folder / f"{name}.md"
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    plain = {
        title: frame.astype(object).where(frame.notna(), None).to_dict("records") for title, frame in tables.items()
    }
    record = json.dumps({"name": name, "environment": where, "tables": plain}, indent=1)
    path.with_suffix(".json").write_text(record + "\n", encoding="utf-8")
    return path


def markdown(frame: pd.DataFrame) -> str:
    """A frame as a Markdown table; floats to four significant digits, NaN as –."""
    rows = [[_cell(value) for value in row] for row in frame.itertuples(index=False)]
    lines = [[str(name) for name in frame.columns], ["---"] * len(frame.columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if pd.isna(value) else f"{value:.4g}"
    return "–" if value is None else str(value).replace("|", "\\|")
