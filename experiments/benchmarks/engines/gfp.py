"""Whether IBM's Graph Feature Preprocessor can run in an interpreter. Imports none of it."""

import subprocess
from pathlib import Path


def missing(python: Path) -> str:
    """Why the guest cannot run there; empty if it can."""
    try:
        fails = subprocess.run([python, "-c", "import snapml"], capture_output=True).returncode
    except OSError:
        fails = True
    return f"{python} cannot import snapml; install it there, or name one that can: --guest-python" if fails else ""
