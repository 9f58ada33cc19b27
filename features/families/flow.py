"""Flow: what becomes of money that comes in. FIFO: each outflow spends the earliest inflow not yet spent.

All of the wallet's leading asset. What is left of a transfer below a millionth of its size counts as nothing.
"""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.fifo_queue import fifo
from ..kernels.intrinsics import part
from ..kernels.sorted_arrays import median, weighted_quantile
from ..kernels.statistics import ratio
from ..kernels.wallet_view import DAY, IN, OUT, ROUNDING, row_of, view
from .declaration import DAYS, FLAG, SECONDS, SHARE, WALLETS, Feature, positions

_NO_IN = "no value was received"
_NO_OUT = "no value was sent"

# fmt: off
FEATURES = (
    *(
        Feature(f"flow__pass_through__{label}", SHARE, f"share of the value received that left again within {words}",
                f"Σ matched value with dwell ≤ {seconds} ÷ Σ x_in", "FATF 2020; STRO", null_when=_NO_IN, behaviour=1)
        for label, words, seconds in (
            ("10min", "ten minutes", 600),
            ("1h", "an hour", 3_600),
            ("1d", "a day", 86_400),
            ("7d", "a week", 604_800),
        )
    ),
    Feature("flow__dwell__mean", SECONDS, "mean time that money stays",
            "Σ matched·dwell ÷ Σ matched", "FATF 2020", null_when="nothing received was sent on", behaviour=2),
    Feature("flow__dwell__median", SECONDS, "time after which half of the money sent on had left",
            "smallest dwell d with Σ matched (dwell ≤ d) ≥ 0.5·(1 − 1e-12)·Σ matched", "FATF 2020",
            null_when="nothing received was sent on", behaviour=2),
    Feature("flow__dwell__p90", SECONDS, "time after which nine tenths of the money sent on had left",
            "smallest dwell d with Σ matched (dwell ≤ d) ≥ 0.9·(1 − 1e-12)·Σ matched", "FATF 2020",
            null_when="nothing received was sent on", behaviour=2),
    Feature("flow__retention__share", SHARE, "share of the value received that is still there",
            "(Σ x_in − Σ matched) ÷ Σ x_in", "FATF 2020", null_when=_NO_IN, behaviour=3),
    Feature("flow__uncovered__share", SHARE, "share of the value sent that did not come in within the window",
            "(Σ x_out − Σ matched) ÷ Σ x_out", "FATF 2020", null_when=_NO_OUT),
    Feature("flow__patience__days", DAYS, "mean age of the money still there",
            "Σ left·(as_of − t_in) ÷ Σ left ÷ 86400 over inflows with something left",
            "Chainalysis 2022: $170 M of 49 thefts still unmoved", null_when="nothing received is left", behaviour=4),
    Feature("flow__drain__share", SHARE, "share of payments that empty the wallet",
            "share of x_out that find a balance b > 0 (Σ left before it) and are ≥ 0.9·b·(1 − 1e-9)", "FATF 2020",
            null_when=_NO_OUT, behaviour=15),
    Feature("flow__drain__value_share", SHARE, "share of the value sent by payments that empty the wallet",
            "Σ of the x_out that drain (as in flow__drain__share) ÷ Σ x_out", "FATF 2020", null_when=_NO_OUT,
            behaviour=15),
    Feature("flow__consolidation__senders_1d", WALLETS,
            "most senders in the day before a payment that empties the wallet",
            "max over outflows that drain (as in flow__drain__share) of distinct senders of x_in that stand before it "
            "in order with "
            "t > t_out − 86400",
            "FATF 2020: consolidation", null_when="no payment empties the wallet", behaviour=15),
    Feature("flow__peak__share", SHARE, "largest balance, against all value received",
            "max over x_in of Σ left just after it ÷ Σ x_in", "FATF 2020", null_when=_NO_IN, behaviour=3),
    Feature("flow__exit__2d", SHARE, "share of the first inflow that was gone within two days",
            "matched value of the first x_in with dwell ≤ 172800 ÷ that x_in",
            "FATF 2020: large first inflow, then exit", null_when=_NO_IN, behaviour=41),
    Feature("flow__first_out__delay", SECONDS, "time from the first inflow to the next payment",
            "t of the first x_out after the first x_in in order − t of that x_in", "FATF 2020",
            null_when="no valued outflow follows a valued inflow", behaviour=2),
    Feature("flow__reaction__median", SECONDS, "usual time from an inflow to the next payment",
            "median over x_out with an x_in before it in order of t_out − t of the latest such x_in",
            "FATF 2020: pass-through", null_when="no valued outflow follows a valued inflow", behaviour=1),
    Feature("flow__last_out__flag", FLAG, "last movement of value (1: a payment, 0: an inflow)",
            "1 if the last valued transfer in order is an x_out, else 0", "FATF 2020", null_when="no value was moved"),
    Feature("flow__forward__1d", SHARE,
            "share of inflows followed within a day by payments of at least nine tenths of them",
            "share of x_in a at t with Σ (x_out with t ≤ t_out ≤ t + 86400) ≥ 0.9·a·(1 − 1e-9)",
            "FATF 2020: pass-through", null_when=_NO_IN, behaviour=1),
    Feature("flow__peel_step__share", SHARE,
            "share of consecutive payments of which one is less than a tenth of the other",
            "share of consecutive x_out pairs with no x_in between them in order and min < 0.1·(1 − 1e-9)·max",
            "DOJ 2020: peel chains", null_when="fewer than two valued transfers were sent", behaviour=17),
    Feature("flow__switch__share", SHARE, "share of transfers that turn from receiving to sending or back",
            "share of consecutive valued transfers of different direction", "FATF 2020",
            null_when="there are fewer than two valued transfers"),
    Feature("flow__day_kept__mean", SHARE, "mean share of a day's inflow that is not matched by that day's outflow",
            "mean over UTC days with an x_in of min(1, |Σ x_out − Σ x_in| ÷ Σ x_in) of that day",
            "FATF 2020: value kept per hop", null_when=_NO_IN, behaviour=21),
    Feature("flow__large_in__age_days", DAYS, "age of the wallet at its first large inflow",
            "(t of the first x_in ≥ p − t_1) ÷ 86400, p = the ceil(0.95·m)-th smallest of m x_in",
            "FATF 2020: fresh wallet, large inflow", null_when=_NO_IN, behaviour=6),
    Feature("flow__burner__flag", FLAG,
            "sign of a burner wallet (1: lived under a day, at most two payments, nothing left)",
            "1 if t_n − t_1 < 86400 and 1 ≤ number of x_out ≤ 2 and Σ left ≤ 0.01·(1 + 1e-9)·Σ x_in, else 0",
            "FATF 2020: burner", null_when=_NO_IN, behaviour=7),
)
# fmt: on


COLUMN = positions(FEATURES)


@kernel
def dwell_times(matched, dwell, total, total_in, out, wanted):
    """Pass-through shares and the mean and quantiles of the time money stayed, from the matches, which it moves about."""
    weighted = minutes = hour = day = week = 0.0
    for k in range(matched.size):
        weighted += matched[k] * dwell[k]
        if dwell[k] <= 7 * DAY:
            week += matched[k]
            day += matched[k] if dwell[k] <= DAY else 0.0
            hour += matched[k] if dwell[k] <= 3600 else 0.0
            minutes += matched[k] if dwell[k] <= 600 else 0.0
    out[COLUMN.pass_through__10min] = minutes / total_in
    out[COLUMN.pass_through__1h] = hour / total_in
    out[COLUMN.pass_through__1d] = day / total_in
    out[COLUMN.pass_through__7d] = week / total_in
    if total == 0:
        return
    out[COLUMN.dwell__mean] = weighted / total
    if wanted[COLUMN.dwell__median]:
        out[COLUMN.dwell__median] = weighted_quantile(dwell, matched, 0.5 * (1 - 1e-12) * total)
    if wanted[COLUMN.dwell__p90]:
        out[COLUMN.dwell__p90] = weighted_quantile(dwell, matched, 0.9 * (1 - 1e-12) * total)


@kernel
def senders_before_drain(view, drains, counts):
    """Most distinct senders of value in the day before an outflow that drains the wallet; NaN if none does."""
    for p in range(view.parties):
        counts[p] = 0
    best = -1
    distinct = first = outs = 0
    for k in range(view.n):
        while view.time[first] <= view.time[k] - DAY:
            if view.value[first] > 0 and view.direction[first] == IN:
                counts[view.party[first]] -= 1
                distinct -= counts[view.party[first]] == 0
            first += 1
        if view.value[k] == 0:
            continue
        if view.direction[k] == IN:
            distinct += counts[view.party[k]] == 0
            counts[view.party[k]] += 1
        else:
            if drains[outs]:
                best = max(best, distinct)
            outs += 1
    return best if best >= 0 else np.nan


@kernel
def forwarded_share(view, running, lost):
    """Share of inflows that outflows of the day from then on cover to nine tenths.

    `running` and `lost` (scratch of view.n + 1) are the running sum of outflows and what its rounding lost (two-sum of Knuth): a
    difference of plain running sums would lose a small payment after a large one.
    """
    running[0] = lost[0] = 0.0
    for k in range(view.n):
        a = view.value[k] if view.direction[k] == OUT else 0.0
        running[k + 1] = running[k] + a
        taken = running[k + 1] - running[k]
        lost[k + 1] = lost[k] + (running[k] - (running[k + 1] - taken)) + (a - taken)
    low = high = forwarded = 0
    for k in range(view.n):
        while high < view.n and view.time[high] <= view.time[k] + DAY:
            high += 1
        while view.time[low] < view.time[k]:
            low += 1
        if view.value[k] > 0 and view.direction[k] == IN:
            sent = (running[high] - running[low]) + (lost[high] - lost[low])
            forwarded += sent >= 0.9 * view.value[k] * (1 - ROUNDING)
    return forwarded / view.n_in


@kernel
def steps(view, out):
    """Peel-like pairs of payments, changes of direction, and the delay of the first payment."""
    peels = switches = pairs = 0
    first_in = np.int64(-1)
    before = -1
    for k in range(view.n):
        if view.value[k] == 0:
            continue
        if before >= 0:
            pairs += 1
            switches += view.direction[k] != view.direction[before]
            if view.direction[k] == OUT and view.direction[before] == OUT:
                small, large = min(view.value[k], view.value[before]), max(view.value[k], view.value[before])
                peels += small < 0.1 * (1 - ROUNDING) * large
        if view.direction[k] == IN and first_in < 0:
            first_in = view.time[k]
        if view.direction[k] == OUT and first_in >= 0 and np.isnan(out[COLUMN.first_out__delay]):
            out[COLUMN.first_out__delay] = view.time[k] - first_in
        before = k
    out[COLUMN.peel_step__share] = peels / (view.n_out - 1) if view.n_out > 1 else np.nan
    out[COLUMN.switch__share] = ratio(switches, pairs)


@kernel
def reactions(view, times, out):
    """Median time from the latest inflow to each outflow, and the last transfer's direction; `times` is scratch of view.n."""
    found = 0
    latest = np.int64(-1)
    for k in range(view.n):
        if view.value[k] > 0 and view.direction[k] == IN:
            latest = view.time[k]
            out[COLUMN.last_out__flag] = 0.0
        elif view.value[k] > 0:
            out[COLUMN.last_out__flag] = 1.0
            if latest >= 0:
                times[found] = view.time[k] - latest
                found += 1
    out[COLUMN.reaction__median] = median(part(times, 0, found))


@kernel
def day_kept(view):
    """Mean over days with an inflow of the share of it that the day's outflow does not match, at most 1."""
    days = 0
    kept = came = went = 0.0
    for k in range(view.n):
        if view.direction[k] == IN:
            came += view.value[k]
        else:
            went += view.value[k]
        if k + 1 == view.n or view.time[k + 1] // DAY != view.time[k] // DAY:
            if came > 0:
                days += 1
                kept += min(1.0, abs(went - came) / came)
            came = went = 0.0
    return kept / days


@kernel
def large_inflow_age(view):
    """Days from the first transfer to the first inflow at or above the 95th percentile (nearest rank) of inflows."""
    threshold = view.sorted_in[(19 * view.n_in + 19) // 20 - 1]
    for k in range(view.n):
        if view.direction[k] == IN and view.value[k] >= threshold:
            return (view.time[k] - view.time[0]) / DAY
    return np.nan


@kernel
def features_of_snapshot(view, out, wanted, scratch):
    """The features of one snapshot."""
    left, matched, dwell, since, drains = scratch.f0, scratch.f1, scratch.i0, scratch.i1, scratch.i2
    if wanted[COLUMN.reaction__median] or wanted[COLUMN.last_out__flag]:
        reactions(view, left, out)  # before `left` gets its use below
    matches, total, peak, head, exited = fifo(view, left, since, matched, dwell, drains)
    total_in, total_out = view.x_in.sum(), view.x_out.sum()
    if wanted[COLUMN.first_out__delay] or wanted[COLUMN.peel_step__share] or wanted[COLUMN.switch__share]:
        steps(view, out)
    if view.n_out:
        out[COLUMN.uncovered__share] = (total_out - total) / total_out
        drained(view, drains, total_out, out, wanted, scratch.i3)
    if view.n_in == 0:
        return
    dwell_times(part(matched, 0, matches), part(dwell, 0, matches), total, total_in, out, wanted)
    out[COLUMN.retention__share] = (total_in - total) / total_in
    remaining = aged = 0.0
    for j in range(head, view.n_in):
        remaining += left[j]
        aged += left[j] * (view.as_of - since[j])
    out[COLUMN.patience__days] = ratio(aged, remaining) / DAY
    out[COLUMN.peak__share] = peak / total_in
    out[COLUMN.exit__2d] = exited / view.x_in[0]
    if wanted[COLUMN.forward__1d]:
        out[COLUMN.forward__1d] = forwarded_share(view, matched, left)
    if wanted[COLUMN.day_kept__mean]:
        out[COLUMN.day_kept__mean] = day_kept(view)
    if wanted[COLUMN.large_in__age_days]:
        out[COLUMN.large_in__age_days] = large_inflow_age(view)
    out[COLUMN.burner__flag] = (
        view.time[view.n - 1] - view.time[0] < DAY
        and 1 <= view.n_out <= 2
        and remaining <= 0.01 * (1 + ROUNDING) * total_in
    )


@kernel
def drained(view, drains, total_out, out, wanted, counts):
    """The features of payments that empty the wallet; `drains` holds whether each x_out does, `counts` is scratch."""
    emptying = 0
    emptied = 0.0
    for j in range(view.n_out):
        emptying += drains[j]
        emptied += drains[j] * view.x_out[j]
    out[COLUMN.drain__share] = emptying / view.n_out
    out[COLUMN.drain__value_share] = emptied / total_out
    if emptying and wanted[COLUMN.consolidation__senders_1d]:
        out[COLUMN.consolidation__senders_1d] = senders_before_drain(view, drains, counts)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write the family's features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), row_of(out, k, first_column), wanted, scratch)
