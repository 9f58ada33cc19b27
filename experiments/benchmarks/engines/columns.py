"""What every engine computes: 36 features by their names in the catalogue, the window of the last two, the date, the threads.

The definitions stand in `features/families`; the engines here say the same in SQL and in data frames. Imports nothing of ours, as
no engine should carry another's memory.
"""

from datetime import UTC, datetime

AS_OF = datetime(2024, 10, 1, tzinfo=UTC)
"""The date of the snapshots: about 83 % of the generated rows lie before it."""

ALL_HISTORY = (
    "activity__transfers__out",
    "activity__transfers__in",
    "activity__self__share",
    "activity__assets__distinct",
    "activity__age__days",
    "activity__recency__days",
    "activity__span__days",
    "activity__active__days",
    "value__out__total",
    "value__in__total",
    "value__out__mean",
    "value__in__mean",
    "value__out__max",
    "value__in__max",
    "value__out__cv",
    "value__in__cv",
    "amounts__out__round_share",
    "amounts__out__distinct_share",
    "timing__gap__longest",
    "timing__gap__longest_share",
    "timing__gap__zero_share",
    "timing__gap__burstiness",
    "timing__out_hour__entropy",
    "timing__out_hour__night_share",
    "counterparties__out__distinct",
    "counterparties__in__distinct",
    "counterparties__all__distinct",
    "counterparties__reciprocal__share",
    "counterparties__out__top_share",
    "flow__forward__1d",
    "flow__pass_through__1h",
    "flow__pass_through__1d",
    "flow__dwell__mean",
    "flow__retention__share",
)
LAST_MONTH = ("activity__transfers__out", "value__in__total")
MONTH = 30 * 86_400
SUFFIX = "__30d"
"""What the names of the features of the last month end in, in the engines' tables."""

COLUMNS = ("address", *ALL_HISTORY, *(name + SUFFIX for name in LAST_MONTH))
