"""What the gate between challenger and champion found and did: data alone."""

from dataclasses import dataclass

import pandas as pd

from ..metrics.bootstrap import Paired
from .held_out_wallets import HeldOutRows


@dataclass(frozen=True)
class Decision:
    """What the gate found and did.

    Attributes:
        name: of the registered model; challenger, champion: versions, `champion` is None for the first.
        promoted: whether the alias was moved; reason: why, or why not, in one sentence.
        compared: PR-AUC of both, their difference and its interval; of the base rate where there is no champion.
        figures: a row a metric: [metric, challenger, champion]; cases: a row a case: [case, positives, challenger, champion].
        held_out: the rows they were compared on; notes: what a reader should mind.
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
