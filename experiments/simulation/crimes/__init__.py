"""Ordinary crime: each case plays a script with parameters drawn anew, and launders what it brings.

Large thefts are not here: those are `states/`. How money is moved is `parties/`.
Front door: `plan` (planner.py), which plans the crimes of a district. One file per script; techniques.py holds how cases launder.
"""

from .planner import CRIME_SCRIPTS, plan

__all__ = ["CRIME_SCRIPTS", "plan"]
