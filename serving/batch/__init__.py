"""Scores lists of any length in a job: parts, a manifest, a resume. Decides no score; see docs/batches.md."""

from .run import score_batch, write_summary

__all__ = ["score_batch", "write_summary"]
