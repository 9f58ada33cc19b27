"""Cases: thefts followed from their seed addresses to where the loot left or lies, and the figures of many. See docs/cases.md."""

from .figures import case_ledger
from .read import Case, Cases, read_cases
from .trace import Trace, trace

__all__ = ["Case", "Cases", "Trace", "case_ledger", "read_cases", "trace"]
