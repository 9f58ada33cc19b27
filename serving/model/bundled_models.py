"""The models that come with the package, by name: `reference` scores before you have labels of your own.

Their cards (`serving/reference/<head>/README.md`) say what they learnt from and what they cannot do.
`experiments/reference_models` makes them.
"""

import os
from pathlib import Path

from ...features.base.errors import UsageError

REFERENCE = "reference"
HEADS = ("laundering", "state_linked")
FOLDER = Path(__file__).parent.parent / REFERENCE


def bundled_folder(source: str | os.PathLike[str]) -> Path | None:
    """The model folder of a name: `reference` (laundering) or `reference:HEAD`; None for any other source.

    A folder of that name in the working directory takes precedence.

    Raises:
        UsageError: there is no bundled model of that head.
    """
    name, _, head = str(source).partition(":")
    if name != REFERENCE or Path(source).exists():
        return None
    chosen = head or HEADS[0]
    if chosen not in HEADS:
        known = ", ".join(f"{REFERENCE}:{head}" for head in HEADS)
        raise UsageError(f"model: there is no {source}; {known} come with walletprint ({REFERENCE} is the first)")
    return FOLDER / chosen
