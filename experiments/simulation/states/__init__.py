"""Large thefts: states' groups, each with habits of its own, and thieves who use the same techniques.

`actors` says who they are, `playbooks` what they do in which years, `thefts` what is stolen and when, `campaigns` what happens to
loot that was let lie.
"""

from .thefts import plan

__all__ = ["plan"]
