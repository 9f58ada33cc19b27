"""Cases: thefts followed from their seed addresses to where the loot left or lies, and the figures of many. See docs/cases.md."""

from .case_list import Case, Cases, read_cases
from .case_trace import Trace, trace
from .summary_tables import case_summary

__all__ = ["Case", "Cases", "Trace", "case_summary", "read_cases", "trace"]
