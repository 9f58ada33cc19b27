"""Hours: how many transfers the chain had in each UTC hour of the day, week by week."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..base.kernel_compiler import kernel
from ..kernels.context import EMPTY, Hours
from ..kernels.wallet_view import DAY, WEEK

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger


def build_hours(ledger: Ledger) -> Hours:
    """Counts from the week of the first transfer to that of the last."""
    time = ledger.rows.time
    if time.size == 0:
        return EMPTY["hours"]._replace(first_week=np.zeros(1, np.int64))
    first = time[0] // WEEK
    return Hours(np.array([first]), _counted(time, first, int(time[-1] // WEEK - first + 1)))


@kernel
def _counted(time, first_week, weeks):
    counts = np.zeros((weeks, 24), np.int64)
    for t in time:
        counts[t // WEEK - first_week, t % DAY // 3_600] += 1
    return counts
