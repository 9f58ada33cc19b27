"""Exposure: where a wallet's funds come from and go to, by the categories of labelled wallets. Definitions: docs/exposure.md."""

from .attribution import with_attribution
from .exposure_facts import facts
from .taint_pass import Taint, TaintSources, taint

__all__ = ["Taint", "TaintSources", "facts", "taint", "with_attribution"]
