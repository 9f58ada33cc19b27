"""Scores lists of addresses of any length in an unattended job: in parts, with a manifest, resumable.

Not for the scores themselves, which are `Scorer.score`'s; `docs/batches.md` describes what is written.
Front door: `score_batch` and `write_summary` (run.py).
"""

from .run import score_batch, write_summary

__all__ = ["score_batch", "write_summary"]
