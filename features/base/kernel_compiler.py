"""The one way to compile a kernel: `@kernel`. Machine code is kept on disk between runs, separately per state of the sources.

Numba alone looks only at the file of the function it compiles: after a change in a file that it calls, it would silently run the
old machine code. Here each file with kernels has a cache folder named by a digest of it and of all it imports.
"""

# Numba's types do not know what it sets at run time, nor that a locator may return text.
# pyright: reportAttributeAccessIssue=false, reportIncompatibleMethodOverride=false, reportCallIssue=false
import hashlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
import platformdirs
from llvmlite import binding
from numba.core import config
from numba.core.caching import CacheImpl, UserProvidedCacheLocator

_IMPORT = re.compile(r"^from (\.+)([\w.]*) import (.+)$", re.MULTILINE)
_PROSE = re.compile(r'"""(?:.|\n)*?"""|^\s*#.*$', re.MULTILINE)
_FOLDERS: dict[str, str] = {}


def sources_of(path: Path) -> list[Path]:
    """A file and all files of the package that it imports, directly or not: everything its machine code may depend on."""
    found, waiting = set(), [path.resolve()]
    while waiting:
        file = waiting.pop()
        if file not in found and file.is_file():
            found.add(file)
            for dots, module, names in _IMPORT.findall(_text(file)):
                folder = file.parents[len(dots) - 1].joinpath(*module.split("."))
                waiting += [folder.with_suffix(".py"), *(folder / f"{name.strip()}.py" for name in names.split(","))]
    return sorted(found)


@cache
def _text(path: Path) -> str:
    """A source without docstrings and comment lines: rewording them must not compile anything again."""
    return _PROSE.sub("", path.read_text(encoding="utf-8"))


@cache
def _machine() -> str:
    """What machine code depends on besides the sources."""
    python = ".".join(map(str, sys.version_info[:2]))
    features = binding.get_host_cpu_features().flatten()
    return "\0".join(
        [python, numba.__version__, config.CPU_NAME or binding.get_host_cpu_name(), config.CPU_FEATURES or features]
    )


def _cache_folder(source: Path) -> str:
    """Where the machine code of one file's kernels lies: the same for the same sources and machine, wherever the files are."""
    digest = hashlib.sha256(_machine().encode())
    for path in sources_of(source):
        digest.update(path.name.encode() + b"\0" + _text(path).encode() + b"\0")
    base = os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_dir("walletprint", appauthor=False)
    return str(Path(base) / "kernels" / f"{source.stem}-{digest.hexdigest()[:16]}")


class _Locator(UserProvidedCacheLocator):
    """Tells Numba where a kernel's machine code is kept. Numba's own locators name folders by path and functions by line."""

    def __init__(self, py_func: Any, py_file: str) -> None:
        self._py_file = py_file
        self._cache_path = _FOLDERS[py_file]

    def get_source_stamp(self) -> str:
        """What must not have changed since: the folder's name holds the digest."""
        return self._cache_path

    def get_disambiguator(self) -> str:
        """Nothing: a name stands once in a file."""
        return "kernel"

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "_Locator | None":
        """The locator of a kernel of this package; None for any other function, or where nothing can be written."""
        if py_file not in _FOLDERS:
            return None
        locator = cls(py_func, py_file)
        try:
            locator.ensure_cache_path()
        except OSError:
            return None
        return locator


CacheImpl._locator_classes.insert(0, _Locator)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function of arrays and numbers to machine code that runs without Python's lock.

    Floating point is exact IEEE (no `fastmath`: it drops tests for NaN); a division by zero gives inf or NaN.
    """
    source = inspect.getfile(function)
    if source not in _FOLDERS:
        _FOLDERS[source] = _cache_folder(Path(source))
    return numba.njit(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)(function)


def compiled_before(*sources: Any) -> bool:
    """Whether this machine has kernels for this state of these modules, so that a caller can announce the wait."""
    return all(
        any(Path(_FOLDERS[module.__file__]).glob("**/*.nbi")) for module in sources if module.__file__ in _FOLDERS
    )
