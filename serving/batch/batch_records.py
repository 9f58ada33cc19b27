"""The request of a batch, the counts of its parts, and the totals: JSON, the same bytes for the same batch. Scores nothing."""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ...features.base.arrow import pc
from ...features.base.errors import DataError
from ...features.ledger.digest import ledger_digest
from ...features.ledger.ledger import Ledger
from ...features.transfers.input_files import PARQUET
from ..address_lists.list_rows import READ_ERRORS
from ..drift.monitor import BatchDrift
from ..model.calibration import UNSCORED
from ..scoring.output import SCORES_SCHEMA
from ..scoring.scorer import Scorer
from .disk import write_output

FORMAT = "walletprint-scores/2"
_BLOCK = 1 << 20
_IN_WORDS = {
    "format": "format", "schema": "schema of the scored row", "walletprint": "version of walletprint", "model": "model",
    "as_of": "as_of", "reasons": "choice of reasons", "rows_per_part": "size of parts", "addresses": "list of addresses",
    "transfers": "collection of transfers",
}  # fmt: skip
_KINDS_OF_ERROR = (
    ("no history: this address", "no history: in none of the transfers"),
    ("no history", "no history: no transfer in the window"),
    ("too little history", "too little history"),
    ("no as_of", "no date"),
    ("as_of", "no date"),
    ("", "no address"),
)


def batch_request(
    scorer: Scorer, ledger: Ledger, files: Sequence[dict[str, Any]], as_of: str | None, reasons: str, rows_per_part: int
) -> dict[str, Any]:
    """All that the scores depend on, as JSON can hold it: a run continues another's parts only where this is the same."""
    model = scorer.model
    return {
        "format": FORMAT,
        "schema": (SCORES_SCHEMA.metadata or {})[b"walletprint.scores"].decode(),
        "walletprint": version("walletprint"),
        "model": {"name": model.name, "version": model.version, "head": model.head},
        "as_of": as_of,
        "reasons": reasons,
        "rows_per_part": rows_per_part,
        "addresses": list(files),
        "transfers": ledger_digest(ledger),
    }


def first_difference(request: dict[str, Any], other: dict[str, Any]) -> str | None:
    """The first difference between two requests, in words; None if they are the same."""
    return next((words for key, words in _IN_WORDS.items() if request.get(key) != other.get(key)), None)


def file_signature(path: Path) -> tuple[dict[str, Any], int]:
    """What identifies a file's content (`name`, `bytes`, `sha256`), and about how many rows it has.

    Raises:
        DataError: it cannot be read.
    """
    digest, size, lines = hashlib.sha256(), 0, 0
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
                size += len(block)
                lines += block.count(b"\n")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); correct that, or leave it out") from None
    return {"name": path.name, "bytes": size, "sha256": digest.hexdigest()}, _estimated_rows(path, lines)


def _estimated_rows(path: Path, lines: int) -> int:
    if not path.name.lower().endswith(PARQUET):
        return lines
    try:
        return max(pq.read_metadata(path).num_rows, 0)
    except READ_ERRORS:
        return 0


def part_counts(scores: pa.Table, rejects: pa.Table) -> dict[str, Any]:
    """The rows of a part: how many per band, flagged per band and unscored per kind of error; and the rejects."""
    unscored: Counter[str] = Counter()
    for error, rows in _counts(scores.filter(pc.equal(scores["band"], UNSCORED))["error"]).items():
        unscored[_kind_of_error(error)] += rows
    # Particulars follow the first colon or comma of a reason.
    reasons = Counter(reason.split(":")[0].split(",")[0] for reason in rejects["reason"].to_pylist())
    return {
        "rows": len(scores),
        "bands": _counts(scores["band"]),
        "flagged": _counts(scores.filter(scores["flagged"])["band"]),
        "unscored": _sorted(unscored),
        "quarantined": {"rejects": len(rejects), "reasons": _sorted(reasons)},
    }


def _kind_of_error(error: str) -> str:
    return next(words for start, words in _KINDS_OF_ERROR if error.startswith(start))


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each text occurs."""
    counts = column.value_counts()
    return _sorted(dict(zip(*(counts.field(k).to_pylist() for k in range(2)), strict=True)))


def _sorted(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


class Totals:
    """The parts of a batch added up, in their order."""

    def __init__(self, scorer: Scorer) -> None:
        self.parts: list[dict[str, Any]] = []
        self._sums: dict[str, Counter[str]] = {name: Counter() for name in ("bands", "flagged", "unscored")}
        self._reasons: Counter[str] = Counter()
        self._drift = BatchDrift(scorer.model)
        self.rows = self.rejects = 0

    def add(self, record: dict[str, Any]) -> None:
        """Add the record of a part."""
        for name, sums in self._sums.items():
            sums.update(record[name])
        self._reasons.update(record["quarantined"]["reasons"])
        self._drift.merge(record["drift"])
        self.rows += record["rows"]
        self.rejects += record["quarantined"]["rejects"]
        self.parts.append({key: record[key] for key in ("file", "rows", "sha256", "quarantined")})

    def as_json(self) -> dict[str, Any]:
        """The totals, as JSON can hold them."""
        sums = {name: _sorted(sums) for name, sums in self._sums.items()}
        quarantined = {"rejects": self.rejects, "reasons": _sorted(self._reasons)}
        return {"rows": self.rows, **sums, "quarantined": quarantined, "drift": self._drift.report()}


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON. Raises DataError as `write_output` does."""
    text = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    write_output(path, lambda file: file.write(text.encode()))


def read_json(path: Path) -> dict[str, Any] | None:
    """A JSON object that was written here; None if there is none, or it is damaged."""
    try:
        value = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror or error}); correct that, or give another --out"
        ) from None
    return value if isinstance(value, dict) else None
