"""Timing: the rhythm of a wallet. Gaps between all transfers show automation; the hours of those it sent, its operator."""

from ..joined_parts import joined
from . import gaps as timing_gaps
from . import hours as timing_hours

FEATURES, compute = joined(timing_gaps, timing_hours)
