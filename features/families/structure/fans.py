"""Structure, first part: fans, and how widely those that a wallet deals with had dealt before (`chain/degrees.py`)."""

from ...base.kernel_compiler import kernel
from ...kernels.intrinsics import part
from ...kernels.sorted_arrays import median
from ...kernels.statistics import most_within, ratio
from ...kernels.wallet_view import DAY, IN, OUT
from ..declaration import SHARE, WALLETS, Feature, in_and_out, positions

_NONE_SENT = "nothing was sent"
_NONE_RECEIVED = "nothing was received"
_NEW = "Alphapo 2023: 125 new addresses"
_TUTELA = "Tutela: deposit addresses"
_ALTMAN = "Altman et al. 2023 (AMLworld)"
_DEGREES = ("degrees",)
_HUB = 100
_FAN_WINDOWS = (("1h", "an hour", 3_600), ("7d", "a week", 604_800))

# fmt: off
FEATURES = (
    *(
        feature
        for label, words, seconds in _FAN_WINDOWS
        for feature in in_and_out("structure__fan_{side}__" + label, WALLETS, "most {who} within " + words,
                                  "max over {side}s i of distinct {who} with t_i ≤ t < t_i + " + str(seconds),
                                  "FATF 2020: fan-in, fan-out", "nothing was {verb}", null=0.0, behaviour=13)
    ),
    Feature("structure__gather_scatter__1d", WALLETS,
            "most wallets gathered from in a day and scattered to in the next",
            "max over i of min(distinct senders with t_i − 86400 < t ≤ t_i, distinct receivers with t_i ≤ t < t_i + "
            "86400)",
            _ALTMAN, null=0.0, null_when="there are neither ins nor outs", behaviour=16),
    Feature("structure__new_receivers__share", SHARE, "share of its receivers that got their first money from it",
            "receivers x with an out of amount > 0 to x at first(x) ÷ receivers", _NEW, null_when=_NONE_SENT,
            behaviour=39, needs=_DEGREES),
    Feature("structure__new_receivers__value_share", SHARE,
            "share of the value sent that was its receivers' first money",
            "Σ x_out to x at first(x) ÷ Σ x_out", _NEW, null_when="no value was sent", behaviour=39, needs=_DEGREES),
    Feature("structure__new_receivers__1d", WALLETS, "most wallets that got their first money from it within 24 hours",
            "max over i of distinct x with an out of amount > 0 to x at t = first(x), t_i ≤ t < t_i + 86400", _NEW,
            null=0.0, null_when=_NONE_SENT, behaviour=39, needs=_DEGREES),
    Feature("structure__receiver_fan__median", WALLETS, "usual number of wallets that had paid its receivers before",
            "median over outs of the distinct wallets that sent to the receiver before t", _TUTELA,
            null_when=_NONE_SENT, behaviour=31, needs=_DEGREES),
    Feature("structure__receiver_fan__hub_share", SHARE,
            "share of payments to wallets that a hundred others or more had paid before",
            "share of outs for which the distinct wallets that sent to the receiver before t are ≥ 100", _TUTELA,
            null_when=_NONE_SENT, behaviour=31, needs=_DEGREES),
    Feature("structure__sender_fan__median", WALLETS, "usual number of wallets that its senders had paid before",
            "median over ins of the distinct wallets that the sender sent to before t", _TUTELA,
            null_when=_NONE_RECEIVED, behaviour=31, needs=_DEGREES),
    Feature("structure__sender_fan__hub_share", SHARE,
            "share of inflows from wallets that had paid a hundred others or more before",
            "share of ins for which the distinct wallets that the sender sent to before t are ≥ 100", _TUTELA,
            null_when=_NONE_RECEIVED, behaviour=31, needs=_DEGREES),
    Feature("structure__deposit__share", SHARE, "share of payments to wallets that pass all they send on to one other",
            "share of outs whose receiver sent value before t, all of it to one wallet", _TUTELA, null_when=_NONE_SENT,
            behaviour=31, needs=_DEGREES),
    Feature("structure__deposit__shared_share", SHARE,
            "share of payments to such deposit addresses that others had paid too",
            "share of outs as in structure__deposit__share for which some wallet but w sent to the receiver before t",
            _TUTELA, null_when=_NONE_SENT, behaviour=31, needs=_DEGREES),
    Feature("structure__deposit__senders", WALLETS,
            "mean number of wallets that had paid the deposit addresses it pays",
            "mean over outs as in structure__deposit__share of the distinct wallets that sent to the receiver before t",
            _TUTELA, null_when="it paid no deposit address", behaviour=31, needs=_DEGREES),
)
# fmt: on

COLUMN = positions(FEATURES)


@kernel
def fan(block, way, seconds, out, column, counts):
    """Most distinct counterparties of one direction within this many seconds; `counts` is scratch.

    One loop over all snapshots, here and below: passing all the columns for each would take longer than reading them.
    """
    time, direction, party = block.time, block.direction, block.party
    for k in range(block.wallet.size):
        for p in range(block.parties[k]):
            counts[p] = 0
        first = block.start[k]
        best = distinct = 0
        for j in range(block.start[k], block.start[k + 1]):
            if direction[j] != way:
                continue
            while time[j] - time[first] >= seconds:
                if direction[first] == way:
                    counts[party[first]] -= 1
                    distinct -= counts[party[first]] == 0
                first += 1
            distinct += counts[party[j]] == 0
            counts[party[j]] += 1
            best = max(best, distinct)
        out[k, column] = best


@kernel
def gather_scatter(block, out, column, senders, receivers):
    """Most wallets gathered from in a day and scattered to in the next; `senders` and `receivers` are scratch."""
    time, direction, party = block.time, block.direction, block.party
    for k in range(block.wallet.size):
        for p in range(block.parties[k]):
            senders[p] = receivers[p] = 0
        best = gathered = scattered = 0
        in_low = in_high = out_low = out_high = block.start[k]
        end = block.start[k + 1]
        for j in range(block.start[k], end):
            while in_high < end and time[in_high] <= time[j]:
                if direction[in_high] == IN:
                    gathered += senders[party[in_high]] == 0
                    senders[party[in_high]] += 1
                in_high += 1
            while time[in_low] <= time[j] - DAY:
                if direction[in_low] == IN:
                    senders[party[in_low]] -= 1
                    gathered -= senders[party[in_low]] == 0
                in_low += 1
            while out_high < end and time[out_high] < time[j] + DAY:
                if direction[out_high] == OUT:
                    scattered += receivers[party[out_high]] == 0
                    receivers[party[out_high]] += 1
                out_high += 1
            while time[out_low] < time[j]:
                if direction[out_low] == OUT:
                    receivers[party[out_low]] -= 1
                    scattered -= receivers[party[out_low]] == 0
                out_low += 1
            best = max(best, min(gathered, scattered))
        out[k, column] = best


@kernel
def fans(block, out, first_column, wanted, scratch):
    """The features of the wallet's own transfers alone."""
    if wanted[COLUMN.fan_in__1h]:
        fan(block, IN, 3_600, out, first_column + COLUMN.fan_in__1h, scratch.i0)
    if wanted[COLUMN.fan_out__1h]:
        fan(block, OUT, 3_600, out, first_column + COLUMN.fan_out__1h, scratch.i0)
    if wanted[COLUMN.fan_in__7d]:
        fan(block, IN, 7 * DAY, out, first_column + COLUMN.fan_in__7d, scratch.i0)
    if wanted[COLUMN.fan_out__7d]:
        fan(block, OUT, 7 * DAY, out, first_column + COLUMN.fan_out__7d, scratch.i0)
    if wanted[COLUMN.gather_scatter__1d]:
        gather_scatter(block, out, first_column + COLUMN.gather_scatter__1d, scratch.i0, scratch.i1)


@kernel
def new_receivers(block, first, out, first_column, times, known):
    """Receivers whose first money came from the wallet; `times` and `known` (1: a receiver, 2: one of these) are scratch."""
    time, direction, other = block.time, block.direction, block.other
    party, amount, value = block.party, block.amount, block.value
    for k in range(block.wallet.size):
        for p in range(block.parties[k]):
            known[p] = 0
        found = receivers = 0
        total = new = 0.0
        for j in range(block.start[k], block.start[k + 1]):
            if direction[j] != OUT:
                continue
            p = party[j]
            total += value[j]
            receivers += known[p] == 0
            known[p] = max(known[p], 1)
            if amount[j] > 0 and first[other[j]] == time[j]:
                new += value[j]
                times[found] = time[j]
                found += known[p] == 1
                known[p] = 2
        if receivers:
            out[k, first_column + COLUMN.new_receivers__share] = found / receivers
            out[k, first_column + COLUMN.new_receivers__value_share] = ratio(new, total)
            out[k, first_column + COLUMN.new_receivers__1d] = (
                most_within(part(times, 0, found), DAY) if found > 1 else found
            )


@kernel
def features_of_receivers(block, senders, sweeps, others, out, first_column, wanted, fans):
    """How many had paid its receivers before, and which of these are deposit addresses; `fans` is scratch."""
    row, direction = block.row, block.direction
    for k in range(block.wallet.size):
        outs = hubs = deposits = shared = of_deposits = 0
        for j in range(block.start[k], block.start[k + 1]):
            if direction[j] == OUT:
                i = row[j]
                fans[outs] = senders[i]
                outs += 1
                hubs += senders[i] >= _HUB
                deposits += sweeps[i]
                shared += sweeps[i] & others[i]
                of_deposits += sweeps[i] * senders[i]
        if outs:
            out[k, first_column + COLUMN.receiver_fan__hub_share] = hubs / outs
            out[k, first_column + COLUMN.deposit__share] = deposits / outs
            out[k, first_column + COLUMN.deposit__shared_share] = shared / outs
            out[k, first_column + COLUMN.deposit__senders] = ratio(of_deposits, deposits)
            if wanted[COLUMN.receiver_fan__median]:
                out[k, first_column + COLUMN.receiver_fan__median] = median(part(fans, 0, outs))


@kernel
def features_of_senders(block, receivers, out, first_column, wanted, fans):
    """How many its senders had paid before; `fans` is scratch."""
    row, direction = block.row, block.direction
    for k in range(block.wallet.size):
        ins = hubs = 0
        for j in range(block.start[k], block.start[k + 1]):
            if direction[j] == IN:
                fans[ins] = receivers[row[j]]
                hubs += fans[ins] >= _HUB
                ins += 1
        if ins:
            out[k, first_column + COLUMN.sender_fan__hub_share] = hubs / ins
            if wanted[COLUMN.sender_fan__median]:
                out[k, first_column + COLUMN.sender_fan__median] = median(part(fans, 0, ins))


@kernel
def compute_family(block, context, out, first_column, wanted, scratch):
    """Write these features into `out[:, first_column:]`: one row per snapshot of the block, in the order of FEATURES."""
    degrees = context.degrees
    fans(block, out, first_column, wanted, scratch)
    if (
        wanted[COLUMN.new_receivers__share]
        or wanted[COLUMN.new_receivers__value_share]
        or wanted[COLUMN.new_receivers__1d]
    ):
        new_receivers(block, degrees.first, out, first_column, scratch.i0, scratch.i1)
    if (
        wanted[COLUMN.receiver_fan__median]
        or wanted[COLUMN.receiver_fan__hub_share]
        or wanted[COLUMN.deposit__share]
        or wanted[COLUMN.deposit__shared_share]
        or wanted[COLUMN.deposit__senders]
    ):
        senders, sweeps, others = degrees.senders, degrees.sweeps, degrees.others
        features_of_receivers(block, senders, sweeps, others, out, first_column, wanted, scratch.f0)
    if wanted[COLUMN.sender_fan__median] or wanted[COLUMN.sender_fan__hub_share]:
        features_of_senders(block, degrees.receivers, out, first_column, wanted, scratch.f0)
