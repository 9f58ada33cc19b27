"""Timing: the rhythm of a wallet. Gaps between all transfers show automation; the hours of those it sent, its operator."""

from ..joined_parts import joined
from . import gaps, hours

FEATURES, compute_family = joined(gaps, hours)
