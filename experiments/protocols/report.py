"""Writes what a benchmark found: a Markdown table to read and JSON to compare, both with the machine and the versions."""

import json
import os
import platform
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pandas as pd

from ...features.base.markdown import table

_VERSIONS = ("numpy", "pandas", "pyarrow", "numba", "lightgbm", "duckdb", "scikit-learn")


def environment(*packages: str) -> dict[str, Any]:
    """What the figures were measured on.

    Args:
        packages: whose versions matter beside those that always do; left out where not installed.
    """
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gb": _memory_gb(),
        "versions": {name: found for name in (*_VERSIONS, *packages) if (found := _version(name))},
    }


def write_report(
    name: str,
    command: str,
    intro: str,
    tables: dict[str, pd.DataFrame],
    folder: Path,
    where: dict[str, Any] | None = None,
) -> Path:
    """Write `<name>.md` and `<name>.json` into `folder`; returns the Markdown file.

    Args:
        name: the name of the benchmark.
        command: the command that runs it again.
        intro: a paragraph on what is measured.
        tables: the tables by title.
        folder: the folder to write to, created if it is missing.
        where: the result of `environment`; by default it is called now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    where = where or environment()
    versions = ", ".join(f"{key} {value}" for key, value in where["versions"].items())
    parts = [f"# {name}", intro, f"Run: `{command}`"]
    for title, frame in tables.items():
        parts += [f"## {title}", table(frame, ".4g", "d")]
    machine = f"{where['cores']} cores with {where['memory_gb']:.0f} GB ({where['system']})"
    parts.append(f"Measured {where['date']} on {machine}, Python {where['python']}; {versions}.")
    path = folder / f"{name}.md"
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    plain = {
        title: frame.astype(object).where(frame.notna(), None).to_dict("records") for title, frame in tables.items()
    }
    record = json.dumps({"name": name, "environment": where, "tables": plain}, indent=1)
    path.with_suffix(".json").write_text(record + "\n", encoding="utf-8")
    return path


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
