"""Timing: the rhythm of a wallet. Gaps between all transfers show automation; the hours of those it sent, its operator.

Not for amounts or counterparties. Front door: `FEATURES` and `compute_family`, made of gaps.py and hours.py.
"""

from ..joined_parts import joined
from . import gaps, hours

FEATURES, compute_family = joined(gaps, hours)
