"""Pages of Markdown: tables, numbers, and Jinja2 templates in which every value stays text. Knows nothing of models."""

import math
import re
from numbers import Integral
from pathlib import Path
from typing import Any

import pandas as pd

from .untrusted_text import markdown_text


class Markdown(str):
    """A text that is Markdown already, such as a table: a template does not escape it."""


def table(frame: pd.DataFrame, decimals: str = ".3f", integers: str = ",") -> Markdown:
    """A frame as a table in Markdown. Texts stay texts, and a dash stands for NaN and None.

    Args:
        frame: without its index.
        decimals: format of the floats.
        integers: format of the integers.

    >>> print(table(pd.DataFrame({"wallet": ["a|b"], "transfers": [1200], "share": [0.25]})))
    | wallet | transfers | share |
    | --- | --- | --- |
    | a\\|b | 1,200 | 0.250 |
    """

    def cell(value: Any) -> str:
        if value is None or isinstance(value, float):
            return number(value, decimals)
        if isinstance(value, Integral) and not isinstance(value, bool):
            return format(value, integers)
        return markdown_text(value)

    rows = [map(cell, row) for row in frame.itertuples(index=False)]
    lines = [map(markdown_text, frame.columns), ["---"] * frame.shape[1], *rows]
    return Markdown("\n".join(f"| {' | '.join(line)} |" for line in lines))


def number(value: float | None, decimals: str = ".3f") -> str:
    """A number to three decimals, or a dash if there is none.

    >>> number(0.12345), number(float("nan")), number(0.5, "+.3f")
    ('0.123', '–', '+0.500')
    """
    return "–" if value is None or math.isnan(value) else format(value, decimals)


def words(name: str) -> str:
    """A name as one reads it: random_forest → random forest."""
    return name.replace("_", " ")


def render(template: Path, **values: Any) -> str:
    """Fill in a Jinja2 template. Every value is escaped, unless it is `Markdown`; a missing one is an error.

    The filters `number`, `words` and `thousands` (1200 → 1,200) are there. Several blank lines become one.
    """
    from jinja2 import Environment, StrictUndefined  # it comes with the extra `training`, as the templates do

    environment = Environment(
        undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markdown) else markdown_text(value),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "words": words, "thousands": "{:,}".format}
    page = environment.from_string(template.read_text(encoding="utf-8")).render(values)
    return re.sub(r"\n{3,}", "\n\n", page).strip() + "\n"
