"""What each training row weighs. Knows outcomes, cases and wallets; no features and no model.

Cases first, then classes; LightGBM and the baselines get the same. Calibration and metrics weigh nothing.

- cases: let P be the positive rows with a case, in C cases. A row of a case with W wallets, of a wallet with S rows in it,
  weighs P / (C · W · S): every case totals P / C, every wallet of a case the same, and all of them P, as without weights.
  Positives without a case, and negatives, weigh 1.
- classes (`balanced`): let T be the total of all rows, and Tₖ that of class k. A row of class k is multiplied by T / (2 · Tₖ):
  both classes total T / 2.
"""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..splits.time_split import Slice

if TYPE_CHECKING:
    from ..config.train_config import TrainConfig
    from ..data.dataset import Dataset


def training_weights(dataset: "Dataset", part: Slice, config: "TrainConfig") -> np.ndarray | None:
    """The weights of a slice under `model.weights`, (rows of the slice,); None where every row weighs the same."""
    weights = np.ones(len(part.rows))
    if config.model.weights.cases:
        case, wallet = dataset.label_details["case"], dataset.snapshots["address"]
        weights = case_weights(part.y, case.iloc[part.rows], wallet.iloc[part.rows])
    if config.model.weights.classes == "balanced":
        weights = balanced_weights(part.y, weights)
    return None if (weights == weights[:1]).all() else weights


def case_weights(y: np.ndarray, case: pd.Series, wallet: pd.Series) -> np.ndarray:
    """Weights with which every case among the positives totals the same, and every wallet within a case.

    Args:
        y: outcomes, 0 or 1, (n,).
        case: the case of each row, null for none, (n,).
        wallet: the wallet of each row, (n,).
    """
    weights = np.ones(len(y))
    inside = (np.asarray(y) == 1) & case.notna().to_numpy()
    if not inside.any():
        return weights
    rows = pd.DataFrame({"case": case.to_numpy()[inside], "wallet": wallet.to_numpy()[inside]})
    wallets = rows.groupby("case")["wallet"].transform("nunique").to_numpy()
    shots = rows.groupby(["case", "wallet"])["wallet"].transform("size").to_numpy()
    weights[inside] = len(rows) / (rows["case"].nunique() * wallets * shots)
    return weights


def balanced_weights(y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The weights, scaled so that both classes total the same and all rows as much as before; (n,)."""
    y, total = np.asarray(y), weights.sum()
    factor = [total / (2 * weights[y == side].sum()) if (y == side).any() else 1.0 for side in (0, 1)]
    return weights * np.array(factor)[y]
