"""A family in several files, each with features and kernels of its own, as one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.context import ChainContext
from ..kernels.wallet_view import Block, Scratch
from .declaration import Feature


def joined(*parts: Any) -> tuple[tuple[Feature, ...], Callable[..., None]]:
    """The features of the parts, side by side, and what computes those of them that are wanted."""
    features = tuple(feature for part in parts for feature in part.FEATURES)

    def compute(b: Block, c: ChainContext, out: np.ndarray, at: int, want: np.ndarray, s: Scratch) -> None:
        first = 0
        for part in parts:
            wanted = want[first : first + len(part.FEATURES)]
            if wanted.any():
                part.compute(b, c, out, at + first, wanted, s)
            first += len(part.FEATURES)

    return features, compute
