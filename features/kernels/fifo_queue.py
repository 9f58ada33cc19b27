"""First in, first out: which inflow each outflow of a wallet spends. Families work out what follows from the matches."""

from ..base.kernel_compiler import kernel
from .wallet_view import DAY, IN, ROUNDING

DUST = 1e-6  # of a transfer: less than this share of it left counts as nothing, as its rounding would weigh in


@kernel
def fifo(view, left, since, matched, dwell, drains):
    """Match every outflow to the earliest inflows not yet spent.

    `left` and `since` (room for view.n_in) are the queue: what remains of each inflow, and its time. `matched` and `dwell` (room
    for view.n) take the matches in order. `drains[j]` is set to 1 if the j-th outflow takes nine tenths of the balance, else 0.

    Returns:
        The number of matches, their total, the peak balance, the number of the first inflow not yet spent, and how much of the
        first inflow had left within two days.
    """
    head = tail = matches = outs = 0
    total_in = total = dropped = peak = exited = 0.0
    for k in range(view.n):
        a, t = view.value[k], view.time[k]
        if a == 0:
            continue
        if view.direction[k] == IN:
            left[tail] = a
            since[tail] = t
            tail += 1
            total_in += a
            peak = max(peak, total_in - total - dropped)
            continue
        balance = total_in - total - dropped
        drains[outs] = head < tail and a >= 0.9 * balance * (1 - ROUNDING)
        outs += 1
        due = a
        while due > DUST * a and head < tail:
            take = min(left[head], due)
            matched[matches] = take
            dwell[matches] = t - since[head]
            if head == 0 and dwell[matches] <= 2 * DAY:
                exited += take
            matches += 1
            total += take
            due -= take
            left[head] -= take
            if left[head] <= DUST * view.x_in[head]:
                dropped += left[head]
                left[head] = 0.0
                head += 1
    return matches, total, peak, head, exited
