"""The catalogue: all families and their features, in the order of their columns."""

import hashlib
from collections.abc import Iterable

from ..base.errors import UsageError
from . import activity, amounts, assets, cohort, counterparties, exposure, fees, flow, funding, structure, timing, value
from .declaration import Feature

_MODULES = (activity, value, amounts, timing, counterparties, flow, assets, funding, fees, structure, cohort, exposure)
KERNELS = {module.FEATURES[0].family: module for module in _MODULES}
"""Each family's module; its `compute` is the kernel (of `exposure`, which is found for all snapshots at once, there is none)."""
FAMILIES: tuple[str, ...] = tuple(KERNELS)
_BY_NAME = {feature.name: feature for module in _MODULES for feature in module.FEATURES}


def catalogue(family: str | None = None) -> tuple[Feature, ...]:
    """The declared features, of one family or of all, in the order in which `extract` writes them.

    Raises:
        UsageError: if there is no such family.
    """
    if family is None:
        return tuple(_BY_NAME.values())
    if family not in KERNELS:
        raise UsageError(f"family: one of {', '.join(FAMILIES)} is allowed, not {family!r}")
    return KERNELS[family].FEATURES


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
    wanted = catalogue() if names is None else map(feature, names)
    return frozenset(need for declared in wanted for need in declared.needs)


def features_hash(names: Iterable[str]) -> str:
    """A digest of the declarations of these features, in this order: a model holds it, so that it meets only the same numbers.

    Raises:
        UsageError: if one of them is not in the catalogue.
    """
    digest = hashlib.sha256()
    for name in names:
        declared = feature(name)
        digest.update(f"{declared.name}\0{declared.formula}\0{declared.null}\0{declared.unit}\n".encode())
    return digest.hexdigest()[:16]
