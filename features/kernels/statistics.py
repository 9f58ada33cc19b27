"""Figures of plain arrays of numbers: ratios, spread, burstiness, entropy, busiest period."""

import numpy as np

from ..base.kernel_compiler import kernel


@kernel
def ratio(a, b):
    """a ÷ b, or NaN where b is zero."""
    return a / b if b != 0 else np.nan


@kernel
def mean_and_deviation(x):
    """Mean and population standard deviation in two passes; NaN of an empty array."""
    mean = ratio(x.sum(), x.size)
    squares = 0.0
    for v in x:
        squares += (v - mean) ** 2
    return mean, np.sqrt(ratio(squares, x.size))


@kernel
def burstiness(gaps):
    """(σ − μ) ÷ (σ + μ) of at least two gaps, else NaN (Goh & Barabási 2008)."""
    if gaps.size < 2:
        return np.nan
    mean, deviation = mean_and_deviation(gaps)
    return ratio(deviation - mean, deviation + mean)


@kernel
def entropy(counts):
    """Shannon entropy in nats of an array of counts."""
    total = once = 0.0
    for c in counts:
        total += c
        once += c == 1
    h = once / total * np.log(total) if once else 0.0  # most counts are 1, and a logarithm is slow
    for c in counts:
        if c > 1:
            h -= c / total * np.log(c / total)
    return h


@kernel
def most_within(time, seconds):
    """The largest number of times t with t_i ≤ t < t_i + seconds, over all i; `time` ascends."""
    most = first = 0
    for k in range(time.size):
        while time[k] - time[first] >= seconds:
            first += 1
        most = max(most, k - first + 1)
    return most
