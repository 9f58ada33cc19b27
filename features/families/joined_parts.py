"""A family in several files, each with its own features and kernels, put together as one."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..kernels.context import ChainContext
from ..kernels.wallet_view import Block, Scratch
from .declaration import Feature


def joined(*parts: Any) -> tuple[tuple[Feature, ...], Callable[..., None]]:
    """The features of the parts, side by side, and a function that computes the wanted ones."""
    features = tuple(feature for part in parts for feature in part.FEATURES)

    def compute_family(
        block: Block, context: ChainContext, out: np.ndarray, first_column: int, wanted: np.ndarray, scratch: Scratch
    ) -> None:
        start = 0
        for part in parts:
            wanted_here = wanted[start : start + len(part.FEATURES)]
            if wanted_here.any():
                part.compute_family(block, context, out, first_column + start, wanted_here, scratch)
            start += len(part.FEATURES)

    return features, compute_family
