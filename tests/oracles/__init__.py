"""The features a second time, from their formulas alone: slow, exact, sharing no line with the kernels they check.

`oracle` is plain Python over exact fractions, one snapshot at a time; `sql` says the plainer features once more in
DuckDB, for larger tables; `histories` makes the transfers for both. The package imports nothing of this.
"""

from .answer import ORACLES, WITHOUT_LABELS, oracle

__all__ = ["ORACLES", "WITHOUT_LABELS", "oracle"]
