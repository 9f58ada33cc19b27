"""Structure: the shapes that a wallet's dealings form with those of others: fans, chains, cycles, scatter and gather.

What it uses of other wallets' transfers is what was known at the time of the transfer concerned (`chain/`). Joins the three files
of the family, each with its own features and kernels.
"""

from ..joined_parts import joined
from . import fans, hops, patterns

FEATURES, compute_family = joined(fans, hops, patterns)
