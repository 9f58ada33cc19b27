"""Exposure: where a wallet's funds come from and go to, by the categories of labelled wallets. Definitions: docs/exposure.md."""

from .attribution import with_attribution
from .facts import facts
from .taint import Sources, Taint, taint

__all__ = ["Sources", "Taint", "facts", "taint", "with_attribution"]
