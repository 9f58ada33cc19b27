"""Structure: the shapes that a wallet's dealings form with those of others: fans, chains, cycles, scatter and gather.

What it uses of other wallets' transfers is what was known at the time of the transfer concerned (`chain/`). Not for counts of
direct counterparties (`counterparties.py`). Front door: `FEATURES` and `compute_family`, made of fans.py, hops.py, patterns.py.
"""

from ..joined_parts import joined
from . import fans, hops, patterns

FEATURES, compute_family = joined(fans, hops, patterns)
