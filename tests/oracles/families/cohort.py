"""Oracle of the family cohort: ranks of the wallet's values among those of wallets of its time."""

from ..history import History
from ..population import cohort_rank
from ..registry import both, feature


@both("cohort__{}__total_rank")
def total_rank(history: History, side: str):
    return cohort_rank(history, f"{side} total")


@both("cohort__{}__mean_rank")
def mean_rank(history: History, side: str):
    return cohort_rank(history, f"{side} mean")


@both("cohort__{}__max_rank")
def largest_rank(history: History, side: str):
    return cohort_rank(history, f"{side} max")


@feature("cohort__transfers__rank")
def transfers_rank(history: History):
    return cohort_rank(history, "transfers")
