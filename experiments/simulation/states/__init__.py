"""Large thefts: states' groups, each with habits of its own, and thieves who use the same techniques.

Ordinary crime is `crimes/`. actors.py says who they are, thefts.py what is stolen and when, playbooks.py what they do in
which years, theft_moves.py the moves that only they make, campaigns.py what happens to dormant loot.
Front door: `plan` (thefts.py).
"""

from .thefts import plan

__all__ = ["plan"]
