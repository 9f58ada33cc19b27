"""The reference population's features, in a form small enough for a model folder. Compares nothing with them.

The deciles of each feature, and up to 1,000 of the population's rows as the decile of each value: neither addresses nor values.
"""

import itertools
import string
from typing import Self

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, model_validator

from .population_stability import BINS, bins_of, edges_of

ROWS = 1_000
MISSING = "-"


class Profile(BaseModel):
    """The reference population of a model's features.

    Attributes:
        edges: per feature, where its bins begin, except the first: at most nine, ascending.
        codes: per feature, one character per row of the sample: the number of its bin, `-` where it is not defined.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    edges: dict[str, tuple[float, ...]]
    codes: dict[str, str]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if set(self.edges) != set(self.codes):
            raise ValueError("edges and codes must name the same features")
        if len({len(codes) for codes in self.codes.values()}) > 1 or self.rows > ROWS:
            raise ValueError(f"codes must have one character per row, for at most {ROWS} rows")
        for name, edges in self.edges.items():
            if len(edges) >= BINS or any(b <= a for a, b in itertools.pairwise(edges)):
                raise ValueError(f"edges of {name}: at most {BINS - 1} are allowed, and they must rise")
            if not set(self.codes[name]) <= {*string.digits[: len(edges) + 1], MISSING}:
                raise ValueError(f"codes of {name}: 0 to {len(edges)} and {MISSING} are allowed")
        return self

    @property
    def rows(self) -> int:
        """The number of rows in the sample."""
        return len(next(iter(self.codes.values()), ""))

    def sample(self, name: str) -> np.ndarray:
        """The bins of a feature in the sample, (rows,), as `population_stability.bins_of` numbers them."""
        codes = np.frombuffer(self.codes[name].encode(), dtype=np.uint8)
        return np.where(codes == ord(MISSING), len(self.edges[name]) + 1, codes.astype(np.int64) - ord("0"))


def profile_of(X: pd.DataFrame) -> Profile:
    """The profile of a population's vectors: deciles of all rows, and a sample that lies evenly among them."""
    sampled = np.unique(np.linspace(0, len(X) - 1, min(len(X), ROWS)).astype(np.int64)) if len(X) else np.arange(0)
    edges, codes = {}, {}
    for name in map(str, X.columns):
        values = X[name].to_numpy(dtype=np.float64)
        values = np.where(np.isfinite(values), values, np.nan)
        deciles = edges_of(values)
        letters = np.array([*string.digits[: len(deciles) + 1], MISSING])
        edges[name] = tuple(deciles.tolist())
        codes[name] = "".join(letters[bins_of(values[sampled], deciles)])
    return Profile(edges=edges, codes=codes)
