"""Self-contained features: those that need only the wallet's own transfers, and nothing of the rest of the chain."""

from collections.abc import Sequence

from ..base.errors import UsageError
from .registry import catalogue, feature


def self_contained_features() -> list[str]:
    """The features that look at nothing but the wallet's own transfers, in the catalogue's order."""
    return [declared.name for declared in catalogue() if declared.self_contained]


def refuse_others(names: Sequence[str], what: str) -> list[str]:
    """The names, if all are of self-contained features.

    Raises:
        UsageError: one is not, or is unknown. `what` begins the message: whose features they are.
    """
    if others := [name for name in names if not feature(name).self_contained]:
        listed = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
        raise UsageError(
            f"{what}: on Spark only a wallet's own transfers are there, but {listed} look at the rest of the chain; use a "
            "model on self-contained features (`reference` is one; they are listed by "
            "`walletprint.features.families.self_contained.self_contained_features()`), or one machine"
        )
    return list(names)
