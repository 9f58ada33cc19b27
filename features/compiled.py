"""One way to compile a kernel: `@kernel`. Machine code is kept on disk between runs, apart for each state of the sources.

Numba alone looks only at the file of the function it compiles: after a change in a file that it calls, it would go on running the
old machine code without a word. Here the cache folder's name holds a digest of all sources with kernels.
"""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import platformdirs
from numba.core import config

_SOURCES = Path(__file__).parent
_SETTING = "CACHE_DIR"  # of numba; read when a function is decorated
_WITH_KERNELS = ("compiled.py", "declare.py", "extract.py", "fifo.py", "ledger.py", "view.py")


def _cache_folder() -> str:
    digest = hashlib.sha256()
    for path in sorted([*(_SOURCES / name for name in _WITH_KERNELS), *(_SOURCES / "families").glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    base = os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("walletprint", appauthor=False)
    return str(Path(base) / f"kernels-{digest.hexdigest()[:16]}")


CACHE_FOLDER = _cache_folder()


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays and numbers to machine code that runs without Python's lock.

    Floating point is exact IEEE (no `fastmath`: it drops tests for NaN); a division by zero gives inf or NaN.
    """
    before = getattr(config, _SETTING)
    setattr(config, _SETTING, CACHE_FOLDER)
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    finally:
        setattr(config, _SETTING, before)


def compiled_before() -> bool:
    """Whether this machine has kernels for this state of the sources, so that a caller can announce the wait."""
    return any(Path(CACHE_FOLDER).glob("**/*.nbi"))
