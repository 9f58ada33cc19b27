"""The published test protocols of this field, and our own: one file per protocol, run by `walletprint benchmark NAME`.

Not for speed or for questions asked once: those are `benchmarks/`. Files and known faults of each: docs/protocols.md.
Front door: `run_protocol`, `all_protocols` (registry.py); `Protocol` (protocol.py) is what a new file declares.
"""

from .protocol import Findings, Protocol
from .registry import all_protocols, run_protocol

__all__ = ["Findings", "Protocol", "all_protocols", "run_protocol"]
