"""Assets: what a wallet moves besides its leading asset, how it swaps, and how it hops between chains.

A swap is a transaction in which the wallet sends value of one asset and receives value of another. Native coins and dollar
tokens are recognised by name (`NATIVE` and `DOLLARS` in `chain/tokens.py`). Not for sizes of the leading asset's transfers
(`value.py`). Front door: `FEATURES` and `compute_family`, made of held.py, swaps.py and chains.py.
"""

from ..joined_parts import joined
from . import chains, held, swaps

FEATURES, compute_family = joined(held, swaps, chains)
