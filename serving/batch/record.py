"""What a batch was asked, what its parts hold, and the totals: JSON, the same bytes for the same batch. Scores nothing."""

import json
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from ...features.base.arrow import pc
from ...features.base.errors import DataError
from ...features.ledger.digest import ledger_digest
from ...features.ledger.ledger import Ledger
from ..drift.monitor import BatchDrift
from ..model.calibration import UNSCORED
from ..scoring.output import SCORES_SCHEMA
from ..scoring.scorer import Scorer
from .disk import write_output

FORMAT = "walletprint-scores/1"
_WORDS = {
    "format": "format", "schema": "schema of the scored row", "walletprint": "version of walletprint", "model": "model",
    "as_of": "as_of", "reasons": "choice of reasons", "rows_per_part": "size of parts", "addresses": "list of addresses",
    "transfers": "collection of transfers",
}  # fmt: skip
_WHY = (
    ("no history: this address", "no history: in none of the transfers"),
    ("no history", "no history: no transfer in the window"),
    ("too little history", "too little history"),
    ("no as_of", "no date"),
    ("as_of", "no date"),
    ("", "no address"),
)


def asked_for(
    scorer: Scorer, ledger: Ledger, files: Sequence[dict[str, Any]], as_of: str | None, reasons: str, rows_per_part: int
) -> dict[str, Any]:
    """All that the scores hang on, as JSON can hold it: a run goes on with another's parts only where this is the same."""
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


def difference(one: dict[str, Any], other: dict[str, Any]) -> str | None:
    """What differs first between two things asked, in words; None if nothing does."""
    return next((words for key, words in _WORDS.items() if one.get(key) != other.get(key)), None)


def counted(scores: pa.Table) -> dict[str, Any]:
    """How many rows of a part are in each band, flagged in each, and unscored for each reason."""
    unscored: Counter[str] = Counter()
    for error, n in _counts(scores.filter(pc.equal(scores["band"], UNSCORED))["error"]).items():
        unscored[_why(error)] += n
    return {
        "rows": len(scores),
        "bands": _counts(scores["band"]),
        "flagged": _counts(scores.filter(scores["flagged"])["band"]),
        "unscored": dict(sorted(unscored.items())),
    }


def _why(error: str) -> str:
    return next(words for start, words in _WHY if error.startswith(start))


def _counts(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each text comes."""
    found = column.value_counts()
    return dict(sorted(zip(*(found.field(at).to_pylist() for at in range(2)), strict=True)))


class Totals:
    """The parts of a batch added up, in their order."""

    def __init__(self, scorer: Scorer) -> None:
        self.parts: list[dict[str, Any]] = []
        self._sums: dict[str, Counter[str]] = {
            name: Counter() for name in ("bands", "flagged", "unscored", "set_aside")
        }
        self._drift = BatchDrift(scorer.model)
        self.rows = self.aside = 0

    def add(self, record: dict[str, Any]) -> None:
        """Take in the record of a part."""
        for name, sums in self._sums.items():
            sums.update(record["set_aside"]["reasons"] if name == "set_aside" else record[name])
        self._drift.merge(record["drift"])
        self.rows += record["rows"]
        self.aside += record["set_aside"]["places"]
        self.parts.append({key: record[key] for key in ("file", "rows", "sha256", "set_aside")})

    def told(self) -> dict[str, Any]:
        """The totals, as JSON can hold them."""
        sums = {name: dict(sorted(sums.items())) for name, sums in self._sums.items()}
        aside = {"places": self.aside, "reasons": sums.pop("set_aside")}
        return {"rows": self.rows, **sums, "set_aside": aside, "drift": self._drift.report()}


def write_json(place: Path, value: Any) -> None:
    """Write a value as JSON. Raises DataError as `write_output` does."""
    text = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    write_output(place, lambda file: file.write(text.encode()))


def read_json(place: Path) -> dict[str, Any] | None:
    """A JSON object that was written here; None where there is none, or it is damaged."""
    try:
        value = json.loads(place.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, RecursionError):
        return None
    except OSError as error:
        raise DataError(
            f"{place}: cannot be read ({error.strerror or error}); mend that, or give another --out"
        ) from None
    return value if isinstance(value, dict) else None


def aside_counts(table: pa.Table) -> dict[str, Any]:
    """How many places were set aside, by what was wrong (before the first colon, which is followed by particulars)."""
    reasons = Counter(reason.split(":")[0].split(",")[0] for reason in table["reason"].to_pylist())
    return {"places": len(table), "reasons": dict(sorted(reasons.items()))}
