"""Runs a kernel over shares of some groups on all cores. Each call writes to its own part of the result: no order matters."""

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ..base.processor_cores import usable_cores


def over_shares(work: Callable[[int, int], Any], ends: np.ndarray) -> None:
    """Call `work(first, last)` for ranges of groups of about equal size, several at once.

    Args:
        work: of groups first … last − 1. It must release Python's lock, or threads gain nothing.
        ends: int64[groups + 1], where each group begins and the last one ends.
    """
    groups, shares = len(ends) - 1, 4 * usable_cores()
    cuts = np.searchsorted(ends, np.linspace(ends[0], ends[-1], shares + 1))
    cuts[0], cuts[-1] = 0, groups
    with ThreadPoolExecutor(usable_cores()) as pool:
        running = [pool.submit(work, int(a), int(b)) for a, b in itertools.pairwise(cuts) if a < b]
        for share in running:
            share.result()
