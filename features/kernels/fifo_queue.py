"""First in, first out: which inflow each outflow of a wallet spends. What follows from the matches is for the families."""

from ..base.kernel_compiler import kernel
from .wallet_view import DAY, IN, ROUNDING

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


@kernel
def weighted_quantile(x, weight, target):
    """The smallest x such that the weights of all up to it reach `target`; by selection (Hoare), which moves both about."""
    low, high = 0, x.size - 1
    below = 0.0
    while low < high:
        pivot = x[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while x[i] < pivot:
                i += 1
            while x[j] > pivot:
                j -= 1
            if i <= j:
                x[i], x[j] = x[j], x[i]
                weight[i], weight[j] = weight[j], weight[i]
                i += 1
                j -= 1
        left = middle = 0.0
        for k in range(low, j + 1):
            left += weight[k]
        for k in range(j + 1, i):
            middle += weight[k]
        if below + left >= target:
            high = j
        elif below + left + middle >= target:
            return x[j + 1]  # all between j and i equal the pivot
        else:
            below += left + middle
            low = i
    return x[min(low, x.size - 1)]
