"""The models that come with the package, by name: `reference` scores at once, before one has labels of one's own.

What they learnt from and cannot do stands in their cards (`serving/reference/<head>/README.md`). How they are made is not here
(`experiments/reference_models/__main__.py`).
"""

import os
from pathlib import Path

from ...features.base.errors import UsageError

REFERENCE = "reference"
HEADS = ("laundering", "state_linked")
FOLDER = Path(__file__).parent.parent / REFERENCE


def reference_folder(source: str | os.PathLike[str]) -> Path | None:
    """The model folder that a name stands for: `reference` (laundering) or `reference:HEAD`; None for any other source.

    A folder of that name in the working directory goes before.

    Raises:
        UsageError: if there is no reference of that head.
    """
    name, _, head = str(source).partition(":")
    if name != REFERENCE or Path(source).exists():
        return None
    chosen = head or HEADS[0]
    if chosen not in HEADS:
        known = ", ".join(f"{REFERENCE}:{one}" for one in HEADS)
        raise UsageError(f"model: there is no {source}; {known} come with walletprint ({REFERENCE} is the first)")
    return FOLDER / chosen
