"""Why a score is what it is: the largest contributions to it, each in a sentence. Computes neither itself."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..features.declare import (
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


def reasons_of(
    features: Sequence[Feature],
    values: np.ndarray,
    contributions: np.ndarray,
    usual: Mapping[str, Usual | None],
    top: int = TOP,
) -> list[dict[str, Any]]:
    """The `top` largest contributions of one row, by absolute value, none of them zero; ties in the model's order.

    `values` and `contributions` have shape (features,), contributions in log-odds. Each reason has feature, value
    (None: not defined), usual (quartiles of the reference population, or None), contribution and sentence.
    """
    order = np.argsort(-np.abs(contributions), kind="stable")[:top]
    return [
        _reason(features[i], float(values[i]), float(contributions[i]), usual.get(features[i].name))
        for i in order
        if contributions[i] != 0
    ]


def _reason(feature: Feature, value: float, contribution: float, usual: Usual | None) -> dict[str, Any]:
    return {
        "feature": feature.name,
        "value": None if math.isnan(value) else value,
        "usual": None if usual is None else list(usual),
        "contribution": contribution,
        "sentence": sentence(feature, value, contribution, usual),
    }


def sentence(feature: Feature, value: float, contribution: float, usual: Usual | None) -> str:
    """One reason in plain English.

    >>> share = Feature("flow__pass_through__1h", SHARE, "share of the value that left again within an hour", "", "")
    >>> sentence(share, 0.93, 0.84, (0.0, 0.01, 0.12))
    'share of the value that left again within an hour: 93 % (usually 0 % to 12 %), raises the score by 0.84 log-odds'
    """
    effect = "raises" if contribution > 0 else "lowers"
    return (
        f"{feature.sentence}: {_value_text(feature, value)} ({_usual_text(feature.unit, usual)}), "
        f"{effect} the score by {number_text(abs(contribution))} log-odds"
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
