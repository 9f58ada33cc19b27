"""Assets: what a wallet moves besides its leading asset, how it swaps, and how it hops between chains.

A swap is a transaction in which the wallet sends value of one asset and receives value of another. Native coins and dollar
tokens are told by their names (`NATIVE` and `DOLLARS` in `chain/tokens.py`). Gathers the family from its three files.
"""

from ..joined_parts import joined
from . import chains as assets_chains
from . import held as assets_held
from . import swaps as assets_swaps

FEATURES, compute = joined(assets_held, assets_swaps, assets_chains)
