"""Which features a wallet's own transfers tell, so that wallets may be computed apart from the rest of the chain, exactly.

A list and a refusal; computes nothing.
"""

from collections.abc import Sequence

from ..base.errors import UsageError
from .declaration import Feature
from .registry import catalogue, feature

_COLUMNS = {"tx", "chain"}  # needs that only ask for columns of the wallet's own transfers
_OWN_SHARE = frozenset(
    {
        "assets__native__share",
        "assets__dollar__share",
        "assets__dollar__delay",
        "assets__swap__to_native_share",
        "assets__to_native__delay",
        "fees__failed__share",
        "fees__price__mode_share",
        "fees__price__whole_gwei_share",
        "fees__nonce__run_10min",
        "fees__nonce__next_within_1min_share",
        "fees__nonce__skip_share",
        "fees__nonce__first",
        "fees__calls__share",
        "fees__calls__mode_share",
    }
)
"""Features that need a part of the chain's context (`tokens`, `transactions`), but only what it says of the wallet itself.

Named one by one, so that a new feature is refused until somebody has looked: a test compares each with what a whole chain gives.
"""


def self_contained_features() -> list[str]:
    """The features that look at nothing but the wallet's own transfers, in the catalogue's order."""
    return [declared.name for declared in catalogue() if is_self_contained(declared)]


def is_self_contained(declared: Feature) -> bool:
    """Whether a feature is the same where only the wallet's own transfers are there."""
    return set(declared.needs) <= _COLUMNS or declared.name in _OWN_SHARE


def refuse_others(names: Sequence[str], what: str) -> list[str]:
    """The names, if all are of features that a wallet's own transfers tell.

    Raises:
        UsageError: one is not, or is unknown. `what` begins the message: whose features they are.
    """
    if others := [name for name in names if not is_self_contained(feature(name))]:
        listed = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        raise UsageError(
            f"{what}: on Spark a wallet's own transfers are all there is, but {listed} look at the rest of the chain; use a "
            "model on self-contained features (`reference` is one; they are listed by "
            "`walletprint.features.families.self_contained.self_contained_features()`), or one machine"
        )
    return list(names)
