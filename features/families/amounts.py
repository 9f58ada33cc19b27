"""Amounts: what the digits of a wallet's payments betray. All of the wallet's leading asset."""

import numpy as np

from ..compiled import kernel
from ..declare import RATIO, SHARE, Feature, in_and_out, positions
from ..view import IN, ROUNDING, entropy, ratio

_NONE = "no value was {verb}"
_FEW = "fewer than two valued transfers were {verb}"

FEATURES = (
    *in_and_out(
        "amounts__{side}__distinct_share",
        SHARE,
        "variety of the amounts {verb} (1: no two are equal)",
        "distinct values of {x} ÷ their number",
        "KuCoin 2020: equal sizes",
        _NONE,
    ),
    *in_and_out(
        "amounts__{side}__modal_share",
        SHARE,
        "largest share of amounts {verb} within 1 % of one value",
        "max over a of #(b in {x}: a ≤ b ≤ 1.01·(1 + 1e-9)·a) ÷ their number",
        "KuCoin 2020: equal sizes",
        _FEW,
    ),
    *in_and_out(
        "amounts__{side}__entropy",
        RATIO,
        "evenness of the amounts {verb} over orders of magnitude",
        "Shannon entropy (natural logarithm) of floor(10·log10 a + 1e-9) over {x} ÷ ln(their number)",
        "KuCoin 2020: equal sizes",
        _FEW,
    ),
    *in_and_out(
        "amounts__{side}__round_share",
        SHARE,
        "share of amounts {verb} with at most two significant digits",
        "share of {x} with |10·m − round(10·m)| ≤ 1e-7, a = m·10^e, 1 ≤ m < 10",
        "STRO: round amounts",
        _NONE,
    ),
    *in_and_out(
        "amounts__{side}__short_share",
        SHARE,
        "share of amounts {verb} that a person may have typed (at most four significant digits)",
        "share of {x} with |1000·m − round(1000·m)| ≤ 1e-7, a = m·10^e, 1 ≤ m < 10",
        "STRO: round amounts",
        _NONE,
    ),
    Feature(
        "amounts__out__below_round_share",
        SHARE,
        "share of amounts sent that lie just below a round number",
        "share of x_out with 1e-9·R < R − a < 0.02·(1 − 1e-9)·R, R = ceil(m)·10^e, a = m·10^e, 1 ≤ m < 10",
        "KuCoin 2020",
        null_when="no value was sent",
    ),
    Feature(
        "amounts__out__repeat_share",
        SHARE,
        "share of payments of the same size as the one before",
        "share of consecutive pairs (a, b) of x_out in order with |a − b| ≤ 0.01·(1 + 1e-9)·max(a, b)",
        "KuCoin 2020",
        null_when="fewer than two valued transfers were sent",
    ),
    Feature(
        "amounts__out__echo_share",
        SHARE,
        "share of payments of the same size as the inflow before them",
        "over x_out with an x_in before it in order: share with |a − b| ≤ 0.01·(1 + 1e-9)·b, b the latest such x_in",
        "FATF 2020: pass-through",
        null_when="no valued outflow has a valued inflow before it",
    ),
    Feature(
        "amounts__both__digit_deviation",
        RATIO,
        "deviation of first digits from Benford's law",
        "½·Σ_d |share of first digit d among x_in and x_out − log10(1 + 1÷d)|, d = floor(m·(1 + 1e-12))"
        " (10 is 1), a = m·10^e, 1 ≤ m < 10",
        "Benford's law, a weak baseline",
        null_when="there are fewer than ten valued transfers",
    ),
)

AT = positions(FEATURES)


@kernel
def decimal(amount):
    """Mantissa m and exponent e of amount = m·10^e, 1 ≤ m < 10."""
    exponent = np.floor(np.log10(max(amount, 1e-300)))  # below that, 10.0**exponent is no normal number
    mantissa = amount / 10.0**exponent
    if (
        mantissa >= 10
    ):  # the logarithm of a number just below a power of ten may round up to it, and the other way round
        return mantissa / 10, exponent + 1
    if mantissa < 1:
        return mantissa * 10, exponent - 1
    return mantissa, exponent


@kernel
def is_written_with(amount, scale):
    """Whether the mantissa times `scale` is whole: two significant digits write the amount for 10, four for 1000."""
    mantissa, _ = decimal(amount)
    return abs(scale * mantissa - np.round(scale * mantissa)) <= 1e-7


@kernel
def is_below_round(amount):
    """Whether the amount lies less than 2 % below a number of one significant digit (but is not that number)."""
    mantissa, _ = decimal(amount)
    unit = np.ceil(mantissa)
    return ROUNDING * unit < unit - mantissa < 0.02 * (1 - ROUNDING) * unit


@kernel
def distinct_of_sorted(ordered):
    """How many different numbers an ascending array holds."""
    found = min(ordered.size, 1)
    for k in range(1, ordered.size):
        found += ordered[k] != ordered[k - 1]
    return found


@kernel
def largest_group(ordered):
    """How many numbers of an ascending array lie in [a, 1.01·a], for the best a in it."""
    best = 0
    first = 0
    for k in range(ordered.size):
        while ordered[k] > 1.01 * (1 + ROUNDING) * ordered[first]:
            first += 1
        best = max(best, k - first + 1)
    return best


@kernel
def magnitude_entropy(ordered, counts):
    """Entropy of floor(10·log10 a + 1e-9) over an ascending array, ÷ ln of its size; `counts` is scratch."""
    bins = 0
    last = np.nan
    for a in ordered:
        current = np.floor(10 * np.log10(a) + ROUNDING)
        if current != last:
            counts[bins] = 0
            bins += 1
            last = current
        counts[bins - 1] += 1
    return entropy(counts[:bins]) / np.log(ordered.size)


@kernel
def one_side(ordered, out, side, counts):
    """The paired features of the amounts received (side 0) or sent (side 1)."""
    n = ordered.size
    if n == 0:
        return
    out[AT.in__distinct_share + side] = distinct_of_sorted(ordered) / n
    if n > 1:
        out[AT.in__modal_share + side] = largest_group(ordered) / n
        out[AT.in__entropy + side] = magnitude_entropy(ordered, counts)
    rounds = short = 0
    for a in ordered:
        rounds += is_written_with(a, 10)
        short += is_written_with(a, 1000)
    out[AT.in__round_share + side] = rounds / n
    out[AT.in__short_share + side] = short / n


@kernel
def near(a, b, scale):
    """Whether two amounts differ by at most 1 % of `scale`."""
    return abs(a - b) <= 0.01 * (1 + ROUNDING) * scale


@kernel
def echo_share(v):
    """Share of valued outflows, with an inflow before them, that repeat the latest inflow's amount."""
    echoes = 0
    possible = 0
    latest = 0.0
    for k in range(v.n):
        if v.value[k] > 0 and v.direction[k] == IN:
            latest = v.value[k]
        elif v.value[k] > 0 and latest > 0:
            possible += 1
            echoes += near(v.value[k], latest, latest)
    return ratio(echoes, possible)


@kernel
def digit_deviation(x_in, x_out):
    """Total variation between the first digits of both arrays and Benford's law."""
    counts = np.zeros(10)
    for x in (x_in, x_out):
        for a in x:
            digit = int(decimal(a)[0] * (1 + 1e-12))  # 0.3 is a hair below 3·10⁻¹, and its digit is still 3
            counts[digit if 1 <= digit <= 9 else 1] += 1
    deviation = 0.0
    for d in range(1, 10):
        deviation += abs(counts[d] / (x_in.size + x_out.size) - np.log10(1 + 1 / d))
    return deviation / 2


@kernel
def compute(v, out, counts):
    """Write the family's features of view `v` into `out`, in the order of FEATURES; `counts` is scratch."""
    one_side(v.sorted_in, out, 0, counts)
    one_side(v.sorted_out, out, 1, counts)
    if v.n_out:
        below = 0
        for a in v.x_out:
            below += is_below_round(a)
        out[AT.out__below_round_share] = below / v.n_out
    if v.n_out > 1:
        repeats = 0
        for k in range(1, v.n_out):
            repeats += near(v.x_out[k], v.x_out[k - 1], max(v.x_out[k], v.x_out[k - 1]))
        out[AT.out__repeat_share] = repeats / (v.n_out - 1)
    out[AT.out__echo_share] = echo_share(v)
    if v.n_in + v.n_out >= 10:
        out[AT.both__digit_deviation] = digit_deviation(v.x_in, v.x_out)
