"""Exposure: where a wallet's funds come from and go to, by the categories of labelled wallets. Definitions: docs/exposure.md.

It takes labels as given and judges nobody: reading labels is `features/labels`, following one theft is `features/cases`.
Front door: `taint` (taint_pass.py), `facts` (exposure_facts.py) and `with_attribution` (attribution.py).
"""

from .attribution import with_attribution
from .exposure_facts import facts
from .taint_pass import Taint, TaintSources, taint

__all__ = ["Taint", "TaintSources", "facts", "taint", "with_attribution"]
