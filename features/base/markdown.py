"""Numbers and tables as a model card and a decision write them, in Markdown. Knows nothing of models."""

import math
from collections.abc import Sequence

from .untrusted_text import markdown_text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; what is in the cells stays text.

    >>> print(table(["a", "b"], [["1", "2"]]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    lines = [head, ["---"] * len(head), *(map(markdown_text, row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None, signed: bool = False) -> str:
    """Three digits after the point, or a dash for what is not defined.

    >>> number(0.12345), number(float("nan")), number(0.5, signed=True)
    ('0.123', '–', '+0.500')
    """
    if value is None or math.isnan(value):
        return "–"
    return f"{value:+.3f}" if signed else f"{value:.3f}"


def words(name: str) -> str:
    """A contender's name as one reads it: random_forest → random forest."""
    return name.replace("_", " ")
