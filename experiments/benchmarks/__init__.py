"""Benchmarks of speed and of detection: one script per question, one page per result.

Not for protocols that others published: those are `protocols/`. In no wheel; run from an editable install of the checkout.
Front door: README.md, which lists the commands.
"""
