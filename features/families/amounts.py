"""Amounts: what the digits of a wallet's payments betray. All of the wallet's leading asset."""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.intrinsics import part
from ..kernels.sorted_arrays import distinct_count
from ..kernels.statistics import entropy, ratio
from ..kernels.wallet_view import IN, OUT, ROUNDING, row_of, view
from .declaration import RATIO, SHARE, Feature, in_and_out, positions

_NONE = "no value was {verb}"
_FEW = "fewer than two valued transfers were {verb}"
_THRESHOLDS = (("1k", 1_000), ("3k", 3_000), ("10k", 10_000))

# fmt: off
FEATURES = (
    *in_and_out("amounts__{side}__distinct_share", SHARE, "variety of the amounts {verb} (1: no two are equal)",
                "distinct values of {x} ÷ their number", "KuCoin 2020: equal sizes", _NONE, behaviour=8),
    *in_and_out("amounts__{side}__mode_share", SHARE, "largest share of amounts {verb} within 1 % of one value",
                "max over a of #(b in {x}: a ≤ b ≤ 1.01·(1 + 1e-9)·a) ÷ their number", "KuCoin 2020: equal sizes", _FEW,
                behaviour=8),
    *in_and_out("amounts__{side}__entropy", RATIO, "evenness of the amounts {verb} over orders of magnitude",
                "Shannon entropy (natural logarithm) of floor(10·log10 a + 1e-9) over {x} ÷ ln(their number)",
                "KuCoin 2020: equal sizes", _FEW, behaviour=8),
    *in_and_out("amounts__{side}__round_share", SHARE, "share of amounts {verb} with at most two significant digits",
                "share of {x} with |10·m − round(10·m)| ≤ 1e-7, a = m·10^e, 1 ≤ m < 10", "STRO: round amounts", _NONE,
                behaviour=11),
    *in_and_out("amounts__{side}__short_share", SHARE,
                "share of amounts {verb} that a person may have typed (at most four significant digits)",
                "share of {x} with |1000·m − round(1000·m)| ≤ 1e-7, a = m·10^e, 1 ≤ m < 10", "STRO: round amounts",
                _NONE, behaviour=11),
    *in_and_out("amounts__{side}__below_round_share", SHARE,
                "share of amounts {verb} that lie just below a round number",
                "share of {x} with 1e-9·R < R − a < 0.02·(1 − 1e-9)·R, R = ceil(m)·10^e, a = m·10^e, 1 ≤ m < 10",
                "KuCoin 2020", _NONE, behaviour=9),
    *in_and_out("amounts__{side}__power_of_ten_share", SHARE,
                "share of amounts {verb} that are a mixer's denomination (0.1, 1, 10, 100 …)",
                "share of {x} with m − 1 ≤ 1e-9 or 10 − m ≤ 1e-8, a = m·10^e, 1 ≤ m < 10",
                "Ronin 2022: tranches of 100 ETH", _NONE, behaviour=23),
    *in_and_out("amounts__{side}__repeated_3x_share", SHARE, "share of amounts {verb} that occur three times or more",
                "share of {x} whose exact value stands at least three times in {x}", "KuCoin 2020: equal sizes", _NONE,
                behaviour=8),
    *(
        one_of_two
        for label, threshold in _THRESHOLDS
        for one_of_two in in_and_out("amounts__{side}__below_" + label, SHARE,
                                     f"share of priced transfers {{verb}} just below {threshold:,} US dollars",
                                     f"share of {{side}}s with a price usd > 0 of which {threshold}·0.9·(1 − 1e-9) ≤ "
                                     f"usd < {threshold}·(1 − 1e-9)",
                                     "FATF 2020; FinCEN: structuring", "no transfer {verb} has a price above zero",
                                     behaviour=10)
    ),
    Feature("amounts__out__equal_run_share", SHARE, "longest run of payments of the same size, against all payments",
            "longest run of x_out in order in which each pair (a, b) of neighbours has |a − b| ≤ 0.01·(1 + "
            "1e-9)·max(a, b), "
            "÷ their number",
            "KuCoin 2020", null_when="fewer than two valued transfers were sent", behaviour=8),
    Feature("amounts__out__repeat_share", SHARE, "share of payments of the same size as the one before",
            "share of consecutive pairs (a, b) of x_out in order with |a − b| ≤ 0.01·(1 + 1e-9)·max(a, b)",
            "KuCoin 2020", null_when="fewer than two valued transfers were sent", behaviour=8),
    Feature("amounts__out__echo_share", SHARE, "share of payments of the same size as the inflow before them",
            "over x_out with an x_in before it in order: share with |a − b| ≤ 0.01·(1 + 1e-9)·b, b the latest such "
            "x_in",
            "FATF 2020: pass-through", null_when="no valued outflow has a valued inflow before it", behaviour=21),
    Feature("amounts__both__digit_deviation", RATIO, "deviation of first digits from Benford's law",
            "½·Σ_d |share of first digit d among x_in and x_out − log10(1 + 1÷d)|, d = floor(m·(1 + 1e-12))"
            " (10 is 1), a = m·10^e, 1 ≤ m < 10",
            "Benford's law, a weak baseline", null_when="there are fewer than ten valued transfers", behaviour=44),
)
# fmt: on

COLUMN = positions(FEATURES)

_MIN_EXPONENT = -300  # below that, a power of ten is no normal number
_POWERS = 10.0 ** np.arange(_MIN_EXPONENT, 309)
_BENFORD = np.append(0.0, np.log10(1 + 1 / np.arange(1, 10)))


@kernel
def mantissa_of(amount, logarithm):
    """The m of amount = m·10^e, 1 ≤ m < 10, given the amount's logarithm."""
    exponent = int(np.floor(max(logarithm, _MIN_EXPONENT)))
    mantissa = amount / _POWERS[exponent - _MIN_EXPONENT]
    # The logarithm of a number just below a power of ten may round up to it, and the other way round.
    if mantissa >= 10:
        return mantissa / 10
    return mantissa * 10 if mantissa < 1 else mantissa


@kernel
def is_written_with(mantissa, scale):
    """Whether the mantissa times `scale` is whole: two significant digits write the amount for 10, four for 1000."""
    return abs(scale * mantissa - np.round(scale * mantissa)) <= 1e-7


@kernel
def is_below_round(mantissa):
    """Whether the amount lies less than 2 % below a number of one significant digit (but is not that number)."""
    unit = np.ceil(mantissa)
    return ROUNDING * unit < unit - mantissa < 0.02 * (1 - ROUNDING) * unit


@kernel
def is_power_of_ten(mantissa):
    """Whether the amount is 1, or 10, or 0.1 …, but for rounding."""
    return mantissa - 1 <= ROUNDING or 10 - mantissa <= 10 * ROUNDING


@kernel
def three_equal(ordered):
    """How many numbers of an ascending array stand there three times or more."""
    found = 0
    first = 0
    for k in range(1, ordered.size + 1):
        if k == ordered.size or ordered[k] != ordered[first]:
            found += k - first if k - first >= 3 else 0
            first = k
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
def features_of_side(ordered, out, side, wanted, scratch, first_digits, written):
    """The paired features of the amounts received (side 0) or sent (side 1)."""
    n = ordered.size
    if n == 0:
        return
    out[COLUMN.in__distinct_share + side] = distinct_count(ordered) / n
    if n > 1 and wanted[COLUMN.in__mode_share + side]:
        out[COLUMN.in__mode_share + side] = largest_group(ordered) / n
    if wanted[COLUMN.in__repeated_3x_share + side]:
        out[COLUMN.in__repeated_3x_share + side] = three_equal(ordered) / n
    if not written:
        return
    bins = digits(ordered, out, side, scratch.f0, first_digits)
    if n > 1 and wanted[COLUMN.in__entropy + side]:
        out[COLUMN.in__entropy + side] = entropy(part(scratch.f0, 0, bins)) / np.log(n)


@kernel
def digits(ordered, out, side, magnitudes, first_digits):
    """The shares of amounts written in some way; counts of magnitudes (their number comes back) and of first digits."""
    rounds = short = below = powers = bins = digit = 0
    is_round = is_short = is_below = is_power = False
    last = magnitude = np.nan
    for a in ordered:
        if a != last:  # equal amounts stand side by side
            last = a
            logarithm = np.log10(a)
            mantissa = mantissa_of(a, logarithm)
            is_round = is_written_with(mantissa, 10)
            is_short = is_written_with(mantissa, 1000)
            is_below = is_below_round(mantissa)
            is_power = is_power_of_ten(mantissa)
            digit = int(mantissa * (1 + 1e-12))  # 0.3 is a hair below 3·10⁻¹, and its digit is still 3
            current = np.floor(10 * logarithm + ROUNDING)
            if current != magnitude:
                magnitude = current
                magnitudes[bins] = 0
                bins += 1
        rounds += is_round
        short += is_short
        below += is_below
        powers += is_power
        magnitudes[bins - 1] += 1
        first_digits[digit if 1 <= digit <= 9 else 1] += 1
    out[COLUMN.in__round_share + side] = rounds / ordered.size
    out[COLUMN.in__short_share + side] = short / ordered.size
    out[COLUMN.in__below_round_share + side] = below / ordered.size
    out[COLUMN.in__power_of_ten_share + side] = powers / ordered.size
    return bins


@kernel
def thresholds(view, direction, out, side):
    """The shares of priced transfers of one direction just below each threshold."""
    priced = below_1k = below_3k = below_10k = 0
    for k in range(view.n):
        if view.direction[k] == direction and view.usd[k] > 0:  # which no NaN is
            priced += 1
            below_1k += is_just_below(view.usd[k], 1_000)
            below_3k += is_just_below(view.usd[k], 3_000)
            below_10k += is_just_below(view.usd[k], 10_000)
    out[COLUMN.in__below_1k + side] = ratio(below_1k, priced)
    out[COLUMN.in__below_3k + side] = ratio(below_3k, priced)
    out[COLUMN.in__below_10k + side] = ratio(below_10k, priced)


@kernel
def is_just_below(usd, threshold):
    """Whether a price lies in the last tenth below a threshold."""
    return threshold * 0.9 * (1 - ROUNDING) <= usd < threshold * (1 - ROUNDING)


@kernel
def near(a, b, scale):
    """Whether two amounts differ by at most 1 % of `scale`."""
    return abs(a - b) <= 0.01 * (1 + ROUNDING) * scale


@kernel
def repeats(x, out):
    """The features of payments of the same size as the one before."""
    same = run = longest = 0
    for k in range(1, x.size):
        run = run + 1 if near(x[k], x[k - 1], max(x[k], x[k - 1])) else 0
        same += run > 0
        longest = max(longest, run)
    out[COLUMN.out__equal_run_share] = (longest + 1) / x.size
    out[COLUMN.out__repeat_share] = same / (x.size - 1)


@kernel
def echo_share(view):
    """Share of valued outflows, with an inflow before them, that repeat the latest inflow's amount."""
    echoes = 0
    possible = 0
    latest = 0.0
    for k in range(view.n):
        if view.value[k] > 0 and view.direction[k] == IN:
            latest = view.value[k]
        elif view.value[k] > 0 and latest > 0:
            possible += 1
            echoes += near(view.value[k], latest, latest)
    return ratio(echoes, possible)


@kernel
def digit_deviation(first_digits, n):
    """Total variation between the counts of first digits of n amounts and Benford's law."""
    deviation = 0.0
    for d in range(1, 10):
        deviation += abs(first_digits[d] / n - _BENFORD[d])
    return deviation / 2


@kernel
def features_of_snapshot(view, out, wanted, scratch, prices, written_in, written_out):
    """The features of one snapshot."""
    first_digits = part(scratch.i0, 0, 10)
    for d in range(10):
        first_digits[d] = 0
    features_of_side(view.sorted_in, out, 0, wanted, scratch, first_digits, written_in)
    features_of_side(view.sorted_out, out, 1, wanted, scratch, first_digits, written_out)
    if view.n_in + view.n_out >= 10:
        out[COLUMN.both__digit_deviation] = digit_deviation(first_digits, view.n_in + view.n_out)
    if prices:
        thresholds(view, IN, out, 0)
        thresholds(view, OUT, out, 1)
    if view.n_out > 1 and (wanted[COLUMN.out__equal_run_share] or wanted[COLUMN.out__repeat_share]):
        repeats(view.x_out, out)
    if wanted[COLUMN.out__echo_share]:
        out[COLUMN.out__echo_share] = echo_share(view)


@kernel
def asks_for_digits(wanted, side):
    """Whether a wanted feature of one side looks at how amounts are written."""
    return (
        wanted[COLUMN.in__round_share + side]
        or wanted[COLUMN.in__short_share + side]
        or wanted[COLUMN.in__below_round_share + side]
        or wanted[COLUMN.in__power_of_ten_share + side]
        or wanted[COLUMN.in__entropy + side]
        or wanted[COLUMN.both__digit_deviation]
    )


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write the family's features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    prices = context.rows.usd.size > 0 and wanted[COLUMN.in__below_1k : COLUMN.out__below_10k + 1].any()
    written_in, written_out = asks_for_digits(wanted, 0), asks_for_digits(wanted, 1)
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(
                view(block, k), row_of(out, k, first_column), wanted, scratch, prices, written_in, written_out
            )
