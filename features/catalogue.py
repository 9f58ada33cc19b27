"""The catalogue: all families and their features, in the order of their columns."""

import hashlib
from collections.abc import Iterable

from .declare import Feature
from .errors import UsageError
from .families import activity, amounts, counterparties, flow, timing, value

_FAMILIES = {
    "activity": activity.FEATURES,
    "value": value.FEATURES,
    "amounts": amounts.FEATURES,
    "timing": timing.FEATURES,
    "counterparties": counterparties.FEATURES,
    "flow": flow.FEATURES,
}
FAMILIES: tuple[str, ...] = tuple(_FAMILIES)
_BY_NAME = {feature.name: feature for features in _FAMILIES.values() for feature in features}


def catalogue(family: str | None = None) -> tuple[Feature, ...]:
    """The declared features, of one family or of all, in the order in which `extract` writes them.

    Raises:
        UsageError: if there is no such family.
    """
    if family is None:
        return tuple(_BY_NAME.values())
    if family not in _FAMILIES:
        raise UsageError(f"family: one of {', '.join(FAMILIES)} is allowed, not {family!r}")
    return _FAMILIES[family]


def feature(name: str) -> Feature:
    """The declaration of one feature.

    Raises:
        UsageError: if there is no such feature.
    """
    if name not in _BY_NAME:
        raise UsageError(f"feature: {name!r} is not in the catalogue; `walletprint features` lists it")
    return _BY_NAME[name]


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
