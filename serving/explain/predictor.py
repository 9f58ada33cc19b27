"""LightGBM's own prediction, through the C interface of its library. Trains nothing and changes no prediction.

LightGBM's Python package does the same, but it imports scikit-learn where that is installed, which takes longer than the rest
of a cold start.
"""

import ctypes
import weakref
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

_DOUBLE, _RAW = 1, 1  # C_API_DTYPE_FLOAT64, C_API_PREDICT_RAW_SCORE of LightGBM's c_api.h
_SUFFIXES = (".so", ".dylib", ".dll")
_QUIET = b"verbosity=-1"


class Predictor:
    """Trees that predict margins. It never changes, so threads may share it."""

    def __init__(self, trees: str) -> None:
        """Read a well-formed LightGBM model text (`trees.checked_trees` checks one). Raises ValueError if LightGBM cannot."""
        self._trees, self._handle = trees, ctypes.c_void_p()
        rounds = ctypes.c_int()
        _call("LGBM_BoosterLoadModelFromString", trees.encode(), ctypes.byref(rounds), ctypes.byref(self._handle))
        weakref.finalize(self, _library().LGBM_BoosterFree, self._handle)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._trees,)

    def margins(self, matrix: np.ndarray) -> np.ndarray:
        """The margin (log-odds) of each row, float64[rows].

        Args:
            matrix: shape (rows, features of the model), NaN where not defined.

        Raises:
            ValueError: the matrix has another number of columns.
        """
        matrix = np.asarray(matrix, dtype=np.float64)
        by_row = matrix.flags.c_contiguous
        if not (by_row or matrix.flags.f_contiguous):
            matrix, by_row = np.ascontiguousarray(matrix), True
        rows, columns = matrix.shape
        margins, count = np.empty(rows), ctypes.c_int64()
        if rows:  # LightGBM refuses an empty matrix
            layout = (ctypes.c_int32(rows), ctypes.c_int32(columns), ctypes.c_int(by_row))
            every = (ctypes.c_int(_RAW), ctypes.c_int(0), ctypes.c_int(-1), _QUIET)
            out = (ctypes.byref(count), margins.ctypes.data_as(ctypes.c_void_p))
            data = matrix.ctypes.data_as(ctypes.c_void_p)
            _call("LGBM_BoosterPredictForMat", self._handle, data, ctypes.c_int(_DOUBLE), *layout, *every, *out)
        return margins


def _call(name: str, *arguments: Any) -> None:
    """Call the library. Raises ValueError with its message if it fails."""
    library = _library()
    if getattr(library, name)(*arguments) != 0:
        raise ValueError(library.LGBM_GetLastError().decode("utf-8", "replace"))


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    """The library of the package `lightgbm`, found without importing the package."""
    package = find_spec("lightgbm")
    if package is None or package.origin is None:
        raise ImportError("lightgbm is not installed; pip install lightgbm")
    paths = Path(package.origin).parent.rglob("lib_lightgbm.*")
    library = ctypes.CDLL(str(next(path for path in paths if path.suffix in _SUFFIXES)))
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library
