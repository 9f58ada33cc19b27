"""First in, first out: which inflow each outflow of a wallet spends. What follows from the matches is for the families."""

from .compiled import kernel
from .view import DAY, IN, ROUNDING

DUST = 1e-6  # of a transfer: what is left of it below that counts as nothing, as its own rounding would weigh in


@kernel
def fifo(v, left, since, matched, dwell, drains):
    """Match every outflow to the earliest inflows not yet spent.

    `left`, `since` (room for v.n_in) are the queue: what remains of each inflow, and its time. `matched`, `dwell` (room for
    v.n) take the matches in order. `drains[j]` is set to 1 where the j-th outflow takes nine tenths of the balance, else 0.
    Returns the number of matches, their total, the peak balance, the number of the first inflow not yet spent, and what had left
    the first inflow within two days.
    """
    head = tail = matches = outs = 0
    total_in = total = dropped = peak = exited = 0.0
    for k in range(v.n):
        a, t = v.value[k], v.time[k]
        if a == 0:
            continue
        if v.direction[k] == IN:
            left[tail] = a
            since[tail] = t
            tail += 1
            total_in += a
            peak = max(peak, total_in - total - dropped)
            continue
        balance = total_in - total - dropped
        drains[outs] = head < tail and a >= 0.9 * balance * (1 - ROUNDING)
        outs += 1
        wanted = a
        while wanted > DUST * a and head < tail:
            take = min(left[head], wanted)
            matched[matches] = take
            dwell[matches] = t - since[head]
            if head == 0 and dwell[matches] <= 2 * DAY:
                exited += take
            matches += 1
            total += take
            wanted -= take
            left[head] -= take
            if left[head] <= DUST * v.x_in[head]:
                dropped += left[head]
                left[head] = 0.0
                head += 1
    return matches, total, peak, head, exited
