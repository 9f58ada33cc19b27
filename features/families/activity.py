"""Activity: how much, how long and how densely a wallet is used. Knows no counterparties, and values only as weights of dates."""

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.statistics import most_within, ratio
from ..kernels.wallet_view import DAY, IN, OUT, ROUNDING, row_of, view
from .declaration import ASSETS, DAYS, RATIO, SHARE, TRANSFERS, Feature, positions

# fmt: off
FEATURES = (
    Feature("activity__transfers__total", TRANSFERS, "number of transfers",
            "n", "Farrugia et al. 2020", null=0.0, null_when="the wallet has no transfer"),
    Feature("activity__transfers__in", TRANSFERS, "number of transfers received",
            "number of ins", "Farrugia et al. 2020", null=0.0, null_when="the wallet has no transfer"),
    Feature("activity__transfers__out", TRANSFERS, "number of transfers sent",
            "number of outs", "Farrugia et al. 2020", null=0.0, null_when="the wallet has no transfer"),
    Feature("activity__out__share", SHARE, "share of transfers that were sent, not received",
            "outs ÷ (ins + outs)", "Farrugia et al. 2020", null_when="there are neither ins nor outs"),
    Feature("activity__self__share", SHARE, "share of transfers from the wallet to itself", "selfs ÷ n", "FATF 2020"),
    Feature("activity__zero_in__share", SHARE, "share of transfers received that moved no value",
            "ins with amount = 0 ÷ ins", "Farrugia et al. 2020", null_when="nothing was received"),
    Feature("activity__zero_out__share", SHARE, "share of transfers sent that moved no value (contract calls)",
            "outs with amount = 0 ÷ outs", "Farrugia et al. 2020", null_when="nothing was sent"),
    Feature("activity__recency_in__days", DAYS, "time since it last received",
            "(as_of − t of the last in) ÷ 86400", "FATF 2020: dormancy", null_when="nothing was received", behaviour=5),
    Feature("activity__recency_out__days", DAYS, "time since it last sent",
            "(as_of − t of the last out) ÷ 86400", "FATF 2020: dormancy", null_when="nothing was sent", behaviour=5),
    Feature("activity__active__days", DAYS, "number of days with a transfer", "distinct floor(t ÷ 86400)", "FATF 2020"),
    Feature("activity__active__days_share", SHARE, "share of days with a transfer between the first and the last one",
            "distinct UTC days with a transfer ÷ (last UTC day − first UTC day + 1)", "FATF 2020"),
    Feature("activity__span__days", DAYS, "time between its first and last transfer",
            "(t_n − t_1) ÷ 86400", "Farrugia et al. 2020", behaviour=7),
    Feature("activity__recency__days", DAYS, "time since its last transfer",
            "(as_of − t_n) ÷ 86400", "FATF 2020", behaviour=5),
    Feature("activity__age__days", DAYS, "time since its first transfer in the window",
            "(as_of − t_1) ÷ 86400", "FATF 2020"),
    Feature("activity__rate__per_day", RATIO, "transfers a day while it was in use",
            "n ÷ max(1, (t_n − t_1) ÷ 86400)", "FATF 2020"),
    Feature("activity__busiest__1d_share", SHARE, "share of transfers that fell into its busiest 24 hours",
            "max over i of the number of transfers with t_i ≤ t < t_i + 86400, ÷ n", "Chainalysis on Bybit 2025",
            behaviour=36),
    Feature("activity__assets__distinct", ASSETS, "number of different assets moved",
            "distinct assets among all transfers", "Chainalysis 2022", null=0.0, null_when="the wallet has no transfer",
            behaviour=28),
    *(
        Feature(f"activity__value_{side}__p{share}_days", DAYS,
                f"time since {words} of the value {verb} in the window had {gone}",
                f"(as_of − t) ÷ 86400, t of the first x_{side} in order with Σ x_{side} up to it ≥ "
                f"{share / 100:g}·(1 − 1e-9)·Σ x_{side}",
                "Hampel 1971: what dust cannot move", null_when=f"no value was {verb}", behaviour=5)
        for side, verb, gone, share, words in (
            ("in", "received", "come in", 10, "a tenth"),
            ("in", "received", "come in", 50, "half"),
            ("in", "received", "come in", 90, "nine tenths"),
            ("out", "sent", "gone", 50, "half"),
        )
    ),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def since_share(view, direction, share):
    """Days since that share of the value of one direction had been moved; there must be some."""
    target = share * (1 - ROUNDING) * (view.x_in.sum() if direction == IN else view.x_out.sum())
    running = 0.0
    position = -1
    while running < target and position + 1 < view.n:
        position += 1
        running += view.value[position] if view.direction[position] == direction else 0.0
    return (view.as_of - view.time[position]) / DAY


@kernel
def since_value(view, out, wanted):
    """The dates of incoming and outgoing value."""
    if view.n_in and wanted[COLUMN.value_in__p10_days]:
        out[COLUMN.value_in__p10_days] = since_share(view, IN, 0.1)
    if view.n_in and wanted[COLUMN.value_in__p50_days]:
        out[COLUMN.value_in__p50_days] = since_share(view, IN, 0.5)
    if view.n_in and wanted[COLUMN.value_in__p90_days]:
        out[COLUMN.value_in__p90_days] = since_share(view, IN, 0.9)
    if view.n_out and wanted[COLUMN.value_out__p50_days]:
        out[COLUMN.value_out__p50_days] = since_share(view, OUT, 0.5)


@kernel
def features_of_snapshot(view, out, wanted, scratch):
    """The features of one snapshot."""
    ins = outs = zero_in = zero_out = 0
    last_in = last_out = np.int64(0)
    days = 1
    for k in range(view.n):
        if view.direction[k] == IN:
            ins += 1
            zero_in += view.amount[k] == 0
            last_in = view.time[k]
        elif view.direction[k] == OUT:
            outs += 1
            zero_out += view.amount[k] == 0
            last_out = view.time[k]
        days += k > 0 and view.time[k] // DAY != view.time[k - 1] // DAY
    first, last = view.time[0], view.time[view.n - 1]
    out[COLUMN.transfers__total] = view.n
    out[COLUMN.transfers__in] = ins
    out[COLUMN.transfers__out] = outs
    out[COLUMN.out__share] = ratio(outs, ins + outs)
    out[COLUMN.self__share] = (view.n - ins - outs) / view.n
    out[COLUMN.zero_in__share] = ratio(zero_in, ins)
    out[COLUMN.zero_out__share] = ratio(zero_out, outs)
    if ins:
        out[COLUMN.recency_in__days] = (view.as_of - last_in) / DAY
    if outs:
        out[COLUMN.recency_out__days] = (view.as_of - last_out) / DAY
    out[COLUMN.active__days] = days
    out[COLUMN.active__days_share] = days / (last // DAY - first // DAY + 1)
    out[COLUMN.span__days] = (last - first) / DAY
    out[COLUMN.recency__days] = (view.as_of - last) / DAY
    out[COLUMN.age__days] = (view.as_of - first) / DAY
    out[COLUMN.rate__per_day] = view.n / max(1.0, (last - first) / DAY)
    if wanted[COLUMN.busiest__1d_share]:
        out[COLUMN.busiest__1d_share] = most_within(view.time, DAY) / view.n
    out[COLUMN.assets__distinct] = view.assets
    since_value(view, out, wanted)


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write the family's features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    for k in range(block.wallet.size):
        if block.start[k + 1] > block.start[k]:
            features_of_snapshot(view(block, k), row_of(out, k, first_column), wanted, scratch)
