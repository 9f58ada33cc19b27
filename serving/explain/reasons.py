"""Why a score is what it is: the behaviours that add most to it, each in a sentence. Computes no contributions."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...features.families.declaration import (
    ASSET_UNITS,
    ASSETS,
    CHAINS,
    DAYS,
    FLAG,
    HOPS,
    RATIO,
    SECONDS,
    SHARE,
    THEFTS,
    TRANSACTIONS,
    TRANSFERS,
    USD,
    WALLETS,
    Feature,
)
from ...features.reference.behaviours import BEHAVIOURS

TOP = 5
_DURATIONS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
_COUNTED = (TRANSFERS, WALLETS, HOPS, TRANSACTIONS, ASSETS, CHAINS, THEFTS)  # units in the plural
_SUFFIX = {
    SHARE: " %",
    RATIO: "",
    FLAG: "",
    USD: " USD",
    ASSET_UNITS: " units of the leading asset",
    **{unit: f" {unit}" for unit in _COUNTED},
}
Quartiles = tuple[float, float, float]


class BehaviourGroups(NamedTuple):
    """The behaviours that some features measure.

    Attributes:
        names: the name of each behaviour, in the order in which features first measure it.
        group: the position in `names` of each feature's behaviour, int64[features].
    """

    names: tuple[str, ...]
    group: np.ndarray


def group_by_behaviour(features: Sequence[Feature]) -> BehaviourGroups:
    """Group features by behaviour; those that declare none by family and measure.

    >>> pair = [Feature(f"amounts__{side}__total", USD, "", "", "") for side in ("in", "out")]
    >>> group_by_behaviour(pair).names
    ('amounts: total',)
    """
    named = [_behaviour(feature) for feature in features]
    names = tuple(dict.fromkeys(named))
    return BehaviourGroups(names, np.array([names.index(name) for name in named], np.int64))


def _behaviour(feature: Feature) -> str:
    if feature.behaviour is not None:
        return BEHAVIOURS[feature.behaviour].name
    family, *rest = feature.name.split("__")
    measure = rest[1] if rest[0] in ("in", "out") and len(rest) > 1 else rest[0]
    return f"{family}: {measure.replace('_', ' ')}"


def reasons_of(
    features: Sequence[Feature],
    groups: BehaviourGroups,
    values: np.ndarray,
    contributions: np.ndarray,
    reference_quartiles: Mapping[str, Quartiles | None],
    top: int | None = TOP,
) -> list[dict[str, Any]]:
    """The behaviours that change one row's margin most, the largest contribution first; ties in the model's order.

    Args:
        features: the model's, in its order.
        groups: `group_by_behaviour` of them.
        values: of the row, (features,).
        contributions: of the row, (features,), in log-odds.
        reference_quartiles: of each feature in the reference population; None where it is never defined.
        top: at most this many; None: all that contribute.

    Returns:
        Dictionaries: behaviour; features (how many of its features contribute); feature (the one that contributes most in the
        direction of the sum); value (of that feature; None: not defined); reference_quartiles (of it, or None); contribution
        (the sum); and sentence.
    """
    sums = np.bincount(groups.group, contributions, len(groups.names))
    order = np.argsort(-np.abs(sums), kind="stable")[:top]
    reasons = []
    for group in order:
        if sums[group] != 0:
            members = np.flatnonzero(groups.group == group)
            lead = members[np.argmax(contributions[members] * np.sign(sums[group]))]
            declared, value, total = features[lead], float(values[lead]), float(sums[group])
            count = int(np.count_nonzero(contributions[members]))
            reason = _reason(declared, value, total, reference_quartiles.get(declared.name), count)
            reasons.append({"behaviour": groups.names[group], "features": count} | reason)
    return reasons


def _reason(
    feature: Feature, value: float, contribution: float, quartiles: Quartiles | None, features: int
) -> dict[str, Any]:
    return {
        "feature": feature.name,
        "value": None if math.isnan(value) else value,
        "reference_quartiles": None if quartiles is None else list(quartiles),
        "contribution": contribution,
        "sentence": sentence(feature, value, contribution, quartiles, features),
    }


def sentence(
    feature: Feature, value: float, contribution: float, quartiles: Quartiles | None, features: int = 1
) -> str:
    """One reason in plain English; `features` is how many features of the behaviour add up to the contribution.

    >>> share = Feature("flow__pass_through__1h", SHARE, "share of the value that left again within an hour", "", "")
    >>> sentence(share, 0.93, 0.84, (0.0, 0.01, 0.12))
    'share of the value that left again within an hour: 93 % (usually 0 % to 12 %), raises the score by 0.84 log-odds'
    """
    effect = "raises" if contribution > 0 else "lowers"
    others = f"with {features - 1} more of its kind, " if features > 1 else ""
    return (
        f"{feature.sentence}: {_value_text(feature, value)} ({_quartiles_text(feature.unit, quartiles)}), "
        f"{others}{effect} the score by {number_text(abs(contribution))} log-odds"
    )


def _value_text(feature: Feature, value: float) -> str:
    if math.isnan(value):
        return f"not defined: {feature.null_when}" if feature.null_when else "not defined"
    return quantity_text(value, feature.unit)


def _quartiles_text(unit: str, quartiles: Quartiles | None) -> str:
    if quartiles is None:
        return "usually not defined"
    low, high = (quantity_text(bound, unit) for bound in (quartiles[0], quartiles[2]))
    return f"usually {low}" if low == high else f"usually {low} to {high}"


def quantity_text(value: float, unit: str) -> str:
    """A value with its unit, to three significant digits; durations in the largest unit that fits.

    >>> [quantity_text(v, unit) for v, unit in ((0.934, SHARE), (1, WALLETS), (5_400, SECONDS), (0.5, DAYS))]
    ['93.4 %', '1 wallet', '1.5 hours', '12 hours']
    """
    if unit in (SECONDS, DAYS):
        return _duration_text(value * (86_400.0 if unit == DAYS else 1.0))
    number = number_text(100.0 * value if unit == SHARE else value)
    suffix = _SUFFIX[unit]
    return number + (suffix.removesuffix("s") if number == "1" and unit in _COUNTED else suffix)


def _duration_text(seconds: float) -> str:
    size, name = next(((size, name) for size, name in _DURATIONS if abs(seconds) >= size), _DURATIONS[-1])
    number = number_text(seconds / size)
    return f"{number} {name.removesuffix('s') if number == '1' else name}"


def number_text(value: float) -> str:
    """Three significant digits, with thousands separators, and no exponent below 10^15.

    >>> [number_text(v) for v in (0, 93.44, 1234567.8, 0.000012345, 999.7, -2.5)]
    ['0', '93.4', '1,234,568', '0.0000123', '1,000', '-2.5']
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    magnitude = math.floor(math.log10(abs(value)))
    if not -15 <= magnitude < 15:
        return f"{value:.3g}"
    decimals = max(0, 2 - magnitude)
    text = f"{value:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text
