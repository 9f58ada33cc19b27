"""The command line `walletprint`. It is thin: most commands call one public function.

Not for computing: what a command shows or writes comes from the other four parts. Heavy modules are imported inside commands, so
that `--help` answers at once. Front door: `main` (main.py).
"""

from .main import main

__all__ = ["main"]
