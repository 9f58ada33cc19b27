"""Makes untrusted text harmless where people read it: formulas in tables, markup in pages, whole addresses in messages."""

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

FORMULA = tuple("=+-@\t\r\n\0＝＋－＠")
"""The characters that make a spreadsheet read a cell as a formula."""

_MARKUP = str.maketrans({letter: f"\\{letter}" for letter in "\\`[]|"} | {"<": "&lt;"})

_ADDRESS = re.compile(
    r"\b(0x[0-9a-fA-F]{4})[0-9a-fA-F]{32,}([0-9a-fA-F]{4})\b"
    r"|\b((?:bc1|tb1|ltc1)[a-z0-9]{3})[a-z0-9]{20,}([a-z0-9]{4})\b"
    r"|\b(?=\w*[A-Z])([13T][1-9A-HJ-NP-Za-km-z]{5})[1-9A-HJ-NP-Za-km-z]{15,24}([1-9A-HJ-NP-Za-km-z]{4})\b"
)


def safe_cell(value: Any) -> Any:
    """A cell of a CSV file; a text that a spreadsheet would run as a formula gets a leading apostrophe."""
    return "'" + value if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA) else value


def csv_text(table: "pd.DataFrame") -> str:
    """A table as CSV without its index; a spreadsheet runs no cell and no column name of it."""
    from pandas.api.types import is_any_real_numeric_dtype

    safe = table.copy(deep=False)
    for column, kind in enumerate(table.dtypes):
        if not is_any_real_numeric_dtype(kind):
            safe.isetitem(column, table.iloc[:, column].map(safe_cell))
    safe.columns = [safe_cell(name) for name in table.columns]
    return safe.to_csv(index=False, lineterminator="\n")


def markdown_text(value: Any) -> str:
    """A value in a line or a cell of Markdown; it makes no link, picture, HTML or further cell.

    >>> print(markdown_text("[x](http://y) <b>|"))
    \\[x\\](http://y) &lt;b>\\|
    """
    return " ".join(str(value).translate(_MARKUP).split())


def shortened(text: str) -> str:
    """A message in which every address is abbreviated.

    >>> shortened("no label of 0x00000000219ab540356cbb839cbe05303d7705fa in labels.csv")
    'no label of 0x0000…05fa in labels.csv'
    """
    return _ADDRESS.sub(lambda match: "…".join(end for end in match.groups() if end), text)
