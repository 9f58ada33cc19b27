"""Cases: thefts followed from their seed addresses to where the loot left or lies, and the figures of many. See docs/cases.md.

It computes no features for models and draws nothing (`experiments/case_picture.py` does).
Front door: `read_cases` (case_list.py), `trace` (case_trace.py) and `case_summary` (summary_tables.py).
"""

from .case_list import Case, Cases, read_cases
from .case_trace import Trace, trace
from .summary_tables import case_summary

__all__ = ["Case", "Cases", "Trace", "case_summary", "read_cases", "trace"]
