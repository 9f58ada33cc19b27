"""The catalogue: all families and their features, in the order of their columns."""

import hashlib
from collections.abc import Iterable, Sequence
from importlib import import_module

from ..base.errors import UsageError
from .declaration import Feature

FAMILIES = (
    "activity", "value", "amounts", "timing", "counterparties", "flow", "assets", "funding", "fees", "structure", "cohort",
    "exposure",
)  # fmt: skip
"""All families, in the order of their columns. Each is a module of this folder, or a folder of it."""
FAMILY_MODULES = {family: import_module(f"{__package__}.{family}") for family in FAMILIES}
"""The module of each family: its declarations `FEATURES` and its kernel `compute_family`. `exposure` has no kernel: the package
`exposure/` computes it for all snapshots at once.
"""
_BY_NAME: dict[str, Feature] = {
    feature.name: feature for module in FAMILY_MODULES.values() for feature in module.FEATURES
}


def catalogue(family: str | None = None) -> tuple[Feature, ...]:
    """The declared features, of one family or of all, in the order in which `extract` writes them.

    Raises:
        UsageError: if there is no such family.
    """
    if family is None:
        return tuple(_BY_NAME.values())
    if family not in FAMILY_MODULES:
        raise UsageError(f"family: one of {', '.join(FAMILIES)} is allowed, not {family!r}")
    return FAMILY_MODULES[family].FEATURES


def feature(name: str) -> Feature:
    """The declaration of one feature.

    Raises:
        UsageError: if there is no such feature.
    """
    if name not in _BY_NAME:
        raise UsageError(f"feature: {name!r} is not in the catalogue; `walletprint features` lists it")
    return _BY_NAME[name]


def needs_of(names: Iterable[str] | None) -> frozenset[str]:
    """What features (None: all of them) look at besides the wallet's own transfers.

    Raises:
        UsageError: if one of them is not in the catalogue.
    """
    requested = catalogue() if names is None else map(feature, names)
    return frozenset(need for declared in requested for need in declared.needs)


def features_hash(names: Iterable[str]) -> str:
    """A digest of the definitions of these features, in this order. A model holds it and refuses features defined otherwise.

    Raises:
        UsageError: if one of them is not in the catalogue.
    """
    digest = hashlib.sha256()
    for name in names:
        declared = feature(name)
        digest.update(f"{declared.name}\0{declared.formula}\0{declared.null}\0{declared.unit}\n".encode())
    return digest.hexdigest()[:16]


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
            "`walletprint.features.families.registry.self_contained_features()`), or one machine"
        )
    return list(names)
