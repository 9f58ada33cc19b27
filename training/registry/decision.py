"""The decision of the gate between challenger and champion, as plain data."""

from dataclasses import dataclass

import pandas as pd

from ..metrics.bootstrap import Paired
from .held_out_wallets import HeldOutRows


@dataclass(frozen=True)
class Decision:
    """The decision of the gate, and the figures it rests on.

    Attributes:
        name: of the registered model; challenger, champion: their versions; `champion` is None if there is none yet.
        promoted: whether the alias was moved; reason: why or why not, in one sentence.
        compared: PR-AUC of both, their difference and its interval; of the base rate where there is no champion.
        figures: one row per metric: [metric, challenger, champion].
        cases: one row per case: [case, positives, challenger, champion], with each model's PR-AUC.
        held_out: the rows they were compared on; notes: what a reader should bear in mind.
        run_id: of the record in MLflow.
    """

    name: str
    challenger: str
    champion: str | None
    promoted: bool
    reason: str
    tolerance: float
    compared: Paired
    figures: pd.DataFrame
    cases: pd.DataFrame
    held_out: HeldOutRows
    notes: tuple[str, ...]
    run_id: str = ""
