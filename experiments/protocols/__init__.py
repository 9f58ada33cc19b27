"""walletprint.experiments.protocols: the protocols by which this field measures itself, each a file with a plain function.

What they are, what they need and what is wrong with them is told in `docs/protocols.md`.
"""

from .registry import PROTOCOLS, Findings, Protocol, run_protocol

__all__ = ["PROTOCOLS", "Findings", "Protocol", "run_protocol"]
