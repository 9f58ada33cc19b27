"""The result of an audit: its checks and their worst verdict, as a table, a page of Markdown and plain data. Checks nothing."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from ...features.base.markdown import render, table, words

TEMPLATE = Path(__file__).with_name("audit_report.md.j2")
VERDICTS = ("skipped", "pass", "warn", "fail")
"""From nothing to worst."""
COLUMNS = ("check", "verdict", "found", "what_to_do")
DIGITS = 4


@dataclass(frozen=True)
class Check:
    """The outcome of one check for one kind of leak.

    Attributes:
        name: of the check.
        verdict: pass, warn, fail, or skipped where it could not run; `found` says why then.
        found: the finding in a sentence, with figures and names of columns.
        what_to_do: empty if there is nothing to do.
        figures: the same figures by name, for programs.
    """

    name: str
    verdict: str
    found: str
    what_to_do: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)


class NotRunError(Exception):
    """A check lacks what it needs; the message says what. The audit then reports the check as skipped."""


@dataclass(frozen=True)
class AuditReport:
    """All checks of one audit.

    Attributes:
        results: the checks, in order.
        shortcuts: [model, columns, roc_auc, pr_auc, reach], the full model first; empty if none could be judged.
        about: rows, features and split in figures, and `notes`: what was set aside, and where rows were sampled.
    """

    results: tuple[Check, ...]
    shortcuts: pd.DataFrame
    about: Mapping[str, Any]

    @property
    def checks(self) -> pd.DataFrame:
        """One row per check: check, verdict (pass, warn, fail, skipped), found, what_to_do."""
        rows = [(check.name, check.verdict, check.found, check.what_to_do) for check in self.results]
        return pd.DataFrame(rows, columns=list(COLUMNS))

    @property
    def verdict(self) -> str:
        """The worst verdict of all checks; `skipped` only if none could run."""
        return worst(check.verdict for check in self.results)

    @property
    def headline(self) -> str:
        """The verdict, and how many checks could not run."""
        skipped = sum(check.verdict == "skipped" for check in self.results)
        return f"{self.verdict} ({skipped} of {len(self.results)} checks not run)" if skipped else self.verdict

    def check(self, name: str) -> Check:
        """One check by its name; raises KeyError if there is none."""
        return {check.name: check for check in self.results}[name]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain values, ready for JSON; undefined figures are null."""
        checks = [
            {**dict(zip(COLUMNS, row, strict=True)), "figures": dict(check.figures)}
            for row, check in zip(self.checks.itertuples(index=False), self.results, strict=True)
        ]
        shortcuts = self.shortcuts.to_dict("records")
        return _plain({"verdict": self.verdict, "about": dict(self.about), "checks": checks, "shortcuts": shortcuts})

    def as_json(self) -> str:
        """`as_dict` as JSON text; the same audit gives the same text."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def as_markdown(self) -> str:
        """The report as a page."""
        shortcuts = self.shortcuts.rename(columns={"roc_auc": "ROC-AUC", "pr_auc": "PR-AUC"})
        return render(
            TEMPLATE,
            headline=self.headline,
            about=self.about,
            checks=table(self.checks.rename(columns=words)),
            shortcuts=table(shortcuts) if len(shortcuts) else "",
        )


def worst(verdicts: Iterable[str]) -> str:
    """The worst of some verdicts; `skipped` if there is none.

    >>> worst(["pass", "skipped", "warn"])
    'warn'
    """
    return max(verdicts, key=VERDICTS.index, default="skipped")


def named(columns: Iterable[str], limit: int) -> str:
    """The first of some names in a sentence, and how many more there are.

    >>> named(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    every = [str(name) for name in columns]
    more = f" and {len(every) - limit} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more


def percent(share: float) -> str:
    """A share in percent: 0.125 → 12.5 %."""
    return f"{100 * share:.3g} %"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # NumPy's numbers
        value = value.item()
    if isinstance(value, float):
        return None if not math.isfinite(value) else round(value, DIGITS)
    return value
