"""Why a score is what it is: the behaviours that add most to it, each in a sentence. Computes no contribution itself."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...features.families.behaviours import BEHAVIOURS
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

TOP = 5
_DURATIONS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
_COUNTED = (TRANSFERS, WALLETS, HOPS, TRANSACTIONS, ASSETS, CHAINS, THEFTS)  # in the plural
_SUFFIX = {
    SHARE: " %",
    RATIO: "",
    FLAG: "",
    USD: " USD",
    ASSET_UNITS: " units of the leading asset",
    **{unit: f" {unit}" for unit in _COUNTED},
}
Usual = tuple[float, float, float]


class Groups(NamedTuple):
    """The behaviours that some features measure.

    Attributes:
        names: of each behaviour, in the order in which features first measure it.
        of: the place in `names` of each feature, int64[features].
    """

    names: tuple[str, ...]
    of: np.ndarray


def groups_of(features: Sequence[Feature]) -> Groups:
    """Put features of one behaviour together; of those that declare none, the ones of one family and measure.

    >>> pair = [Feature(f"amounts__{side}__total", USD, "", "", "") for side in ("in", "out")]
    >>> groups_of(pair).names
    ('amounts: total',)
    """
    named = [_behaviour(feature) for feature in features]
    names = tuple(dict.fromkeys(named))
    return Groups(names, np.array([names.index(name) for name in named], np.int64))


def _behaviour(feature: Feature) -> str:
    if feature.behaviour is not None:
        return BEHAVIOURS[feature.behaviour].name
    family, *rest = feature.name.split("__")
    measure = rest[1] if rest[0] in ("in", "out") and len(rest) > 1 else rest[0]
    return f"{family}: {measure.replace('_', ' ')}"


def reasons_of(
    features: Sequence[Feature],
    groups: Groups,
    values: np.ndarray,
    contributions: np.ndarray,
    usual: Mapping[str, Usual | None],
    top: int | None = TOP,
) -> list[dict[str, Any]]:
    """The `top` behaviours that add or take most of one row's margin, none of them nothing; None: all; ties in the model's order.

    `values` and `contributions` have shape (features,), contributions in log-odds. Each reason has behaviour, features (how
    many of its features add or take something), feature (the one that does most in the direction of their sum), value (of that
    one; None: not defined), usual (quartiles of the reference population, or None), contribution (the sum) and sentence.
    """
    sums = np.bincount(groups.of, contributions, len(groups.names))
    order = np.argsort(-np.abs(sums), kind="stable")[:top]
    found = []
    for group in order:
        if sums[group] != 0:
            members = np.flatnonzero(groups.of == group)
            lead = members[np.argmax(contributions[members] * np.sign(sums[group]))]
            declared, value, total = features[lead], float(values[lead]), float(sums[group])
            among = int(np.count_nonzero(contributions[members]))
            reason = _reason(declared, value, total, usual.get(declared.name), among)
            found.append({"behaviour": groups.names[group], "features": among} | reason)
    return found


def _reason(feature: Feature, value: float, contribution: float, usual: Usual | None, among: int) -> dict[str, Any]:
    return {
        "feature": feature.name,
        "value": None if math.isnan(value) else value,
        "usual": None if usual is None else list(usual),
        "contribution": contribution,
        "sentence": sentence(feature, value, contribution, usual, among),
    }


def sentence(feature: Feature, value: float, contribution: float, usual: Usual | None, among: int = 1) -> str:
    """One reason in plain English; `among` is how many features of the behaviour add up to the contribution.

    >>> share = Feature("flow__pass_through__1h", SHARE, "share of the value that left again within an hour", "", "")
    >>> sentence(share, 0.93, 0.84, (0.0, 0.01, 0.12))
    'share of the value that left again within an hour: 93 % (usually 0 % to 12 %), raises the score by 0.84 log-odds'
    """
    effect = "raises" if contribution > 0 else "lowers"
    others = f"with {among - 1} more of its kind, " if among > 1 else ""
    return (
        f"{feature.sentence}: {_value_text(feature, value)} ({_usual_text(feature.unit, usual)}), "
        f"{others}{effect} the score by {number_text(abs(contribution))} log-odds"
    )


def _value_text(feature: Feature, value: float) -> str:
    if math.isnan(value):
        return f"not defined: {feature.null_when}" if feature.null_when else "not defined"
    return quantity_text(value, feature.unit)


def _usual_text(unit: str, usual: Usual | None) -> str:
    if usual is None:
        return "usually not defined"
    low, high = (quantity_text(bound, unit) for bound in (usual[0], usual[2]))
    return f"usually {low}" if low == high else f"usually {low} to {high}"


def quantity_text(value: float, unit: str) -> str:
    """A value with its unit, to three significant digits; spans of time in the largest unit that fits.

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
    """Three significant digits, thousands apart, no exponent below 10^15.

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
