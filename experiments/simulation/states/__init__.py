"""Large thefts: states' groups, each with habits of its own, and thieves who use the same techniques.

Ordinary crime is `crimes/`. `actors` says who they are, `playbooks` what they do in which years, `thefts` what is stolen and
when, `campaigns` what becomes of loot that waited.
Front door: `plan` (thefts.py).
"""

from .thefts import plan

__all__ = ["plan"]
