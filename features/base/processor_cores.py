"""How many processor cores this process may use. In a container, or under `taskset`, these are fewer than the machine has."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_MEMBERSHIP = Path("/proc/self/cgroup")
_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """The cores that the affinity of this process and the quota of its container allow; at least 1.

    A quota of one and a half cores counts as two. More threads than this would only wait for each other.
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, math.ceil(min([affinity, *_quotas()])))


def _quotas() -> Iterator[float]:
    """The quotas of the control groups that hold this process, in cores."""
    for folder in _folders():
        words = _words(folder / "cpu.max") or [  # version 2 of control groups, else version 1
            *_words(folder / "cpu.cfs_quota_us"),
            *_words(folder / "cpu.cfs_period_us"),
        ]
        if len(words) == 2 and words[0].isdecimal():  # "max" and "-1": no quota
            yield int(words[0]) / int(words[1])


def _folders() -> Iterator[Path]:
    """Where the quotas may stand: a group's own folder and all above it. Inside a container some of them do not exist."""
    for line in _text(_MEMBERSHIP).splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers == "" or "cpu" in controllers.split(","):
            inside = PurePosixPath(group.lstrip("/"))
            yield from (_CONTROL_GROUPS / controllers / path for path in (inside, *inside.parents))


def _words(path: Path) -> list[str]:
    return _text(path).split()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""
