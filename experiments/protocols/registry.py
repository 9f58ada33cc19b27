"""Finds the protocols in the folders below, and runs one by its name. Measures nothing itself."""

import pkgutil
from difflib import get_close_matches
from functools import cache
from importlib import import_module
from pathlib import Path

from ...features.base.errors import UsageError
from .protocol import Findings, Progress, Protocol


@cache
def all_protocols() -> dict[str, Protocol]:
    """Every protocol by name: the `PROTOCOL` of each module of the folders below that has one."""
    folder = import_module(__name__.rpartition(".")[0])
    modules = [
        import_module(module.name)
        for module in pkgutil.walk_packages(folder.__path__, f"{folder.__name__}.")
        if module.name.count(".") > folder.__name__.count(".") + 1
    ]
    protocols = [module.PROTOCOL for module in modules if hasattr(module, "PROTOCOL")]
    names = [protocol.name for protocol in protocols]
    assert len(set(names)) == len(names), f"two protocols of one name among {sorted(names)}"
    return {protocol.name: protocol for protocol in sorted(protocols, key=lambda protocol: protocol.name)}


def run_protocol(name: str, data: Path, seed: int = 7, on_progress: Progress | None = None) -> Findings:
    """Run a protocol.

    Args:
        name: one of `all_protocols`.
        data: the folder with its files; they may also lie in folders right below.
        seed: the seed of models, folds and intervals.
        on_progress: the function called as the work goes on.

    Raises:
        UsageError: if there is no such protocol or folder.
        DataError: if a file is missing or not as published.
    """
    protocol = protocol_named(name)
    if not data.is_dir():
        raise UsageError(f"--data: {data} is not a folder; {name} needs one with {protocol.needs}")
    return Findings(protocol, protocol.run(data, seed, on_progress or (lambda step, done, total: None)))


def protocol_named(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        UsageError: if there is none.
    """
    protocols = all_protocols()
    if name not in protocols:
        close = get_close_matches(name, protocols, n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise UsageError(f"benchmark: no protocol {name!r}{hint}; known are {', '.join(protocols)}")
    return protocols[name]
