"""The weights of training rows, from outcomes, cases and wallets. Knows no features and no model.

Weights by case come first, then weights by class. LightGBM and the baselines get the same weights; calibration and metrics use
none.

- cases: P positive rows belong to C cases. A row has the weight P / (C · W · S), where its case has W wallets and its wallet has
  S rows. So every case totals P / C, every wallet of a case has the same total, and all rows of cases total P, as without
  weights. Negatives, and positives without a case, have weight 1.
- classes (`balanced`): all rows total T, and class k totals Tₖ. The weight of a row of class k is multiplied by T / (2 · Tₖ), so
  that both classes total T / 2.
"""

import numpy as np
import pandas as pd

from ..config.train_config import TrainConfig
from ..data.dataset import Dataset
from ..splits.time_split import Slice


def training_weights(dataset: Dataset, train: Slice, config: TrainConfig) -> np.ndarray | None:
    """The weights of a slice under `model.weights`, (rows of the slice,); None if all rows have the same weight."""
    weights = np.ones(len(train.rows))
    if config.model.weights.cases:
        case, wallet = dataset.label_details["case"], dataset.snapshots["address"]
        weights = case_weights(train.y, case.iloc[train.rows], wallet.iloc[train.rows])
    if config.model.weights.classes == "balanced":
        weights = balanced_weights(train.y, weights)
    return None if (weights == weights[:1]).all() else weights


def case_weights(y: np.ndarray, case: pd.Series, wallet: pd.Series) -> np.ndarray:
    """Weights that give every case among the positives the same total, and every wallet within a case.

    Args:
        y: outcomes, 0 or 1, (n,).
        case: the case of each row, (n,); null for none.
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
    """The weights, scaled so that both classes have the same total and the sum stays; (n,)."""
    y, total = np.asarray(y), weights.sum()
    factor = [total / (2 * weights[y == side].sum()) if (y == side).any() else 1.0 for side in (0, 1)]
    return weights * np.array(factor)[y]
