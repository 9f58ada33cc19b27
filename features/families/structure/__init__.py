"""Structure: the shapes that a wallet's dealings form with those of others: fans, chains, cycles, scatter and gather.

What is said of other wallets' transfers is what was known at the time of the transfer concerned (`chain/`). One family in three
files, each with its own features and kernels; here they are put together, side by side.
"""

from ..joined_parts import joined
from . import fans, hops, patterns

FEATURES, compute_family = joined(fans, hops, patterns)
