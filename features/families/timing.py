"""Timing: the rhythm of a wallet. Gaps between all transfers show automation; the hours of those it sent, its operator."""

from . import timing_gaps, timing_hours
from .joined import joined

FEATURES, compute = joined(timing_gaps, timing_hours)
