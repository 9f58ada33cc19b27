"""Assets: what a wallet moves besides its leading asset, how it swaps, and how it hops between chains.

A swap is a transaction in which the wallet sends value of one asset and receives value of another. Native coins and dollar
tokens are recognised by name (`NATIVE` and `DOLLARS` in `chain/tokens.py`). Joins the three files of the family.
"""

from ..joined_parts import joined
from . import chains, held, swaps

FEATURES, compute_family = joined(held, swaps, chains)
