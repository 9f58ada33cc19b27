"""The command line `walletprint`: thin; each subcommand calls one public function."""

from .main import main

__all__ = ["main"]
