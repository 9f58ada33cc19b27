"""Features along which a score may only rise, because more of the behaviour is never a reason to suspect a wallet less.

Which ones, and why, is all that stands here; `models.py` passes them to LightGBM. A share that services or victims show as well
(pass-through, fan-out, what was paid to thefts or frauds) is in no list: there the model has to find out. Nor is what came over
any distance: on real wallets a trace of it, far below a hundredth, is a sign of an ordinary wallet that deals with many, and less
suspect than none (docs/training.md).

A missing value is not bound: at each split it goes to the side where it fits better.
"""

from collections.abc import Iterable
from dataclasses import dataclass

EVERY = ("*",)


@dataclass(frozen=True)
class Constraint:
    """One direction that theory dictates.

    Attributes:
        feature: its name in the catalogue.
        direction: 1: the margin never falls as the feature grows; −1: it never rises.
        why: in one line.
        behaviours: numbers of the red flags that it is one of (`features/families/behaviours.py`).
        heads: for which heads it holds; `*`: for all.
    """

    feature: str
    direction: int
    why: str
    behaviours: tuple[int, ...] = ()
    heads: tuple[str, ...] = EVERY


CONSTRAINTS: tuple[Constraint, ...] = (
    Constraint("exposure__theft_in__direct_share", 1, "more money straight from a theft clears nobody", (20,)),
    Constraint("exposure__theft_in__cases", 1, "a hundredth of its money from one more theft clears nobody", (32,)),
    Constraint(
        "exposure__sanctioned_in__direct_share", 1, "more money straight from sanctioned wallets clears nobody", (34,)
    ),
    Constraint("exposure__sanctioned_out__direct_share", 1, "paying sanctioned wallets more clears nobody", (34,)),
    Constraint("exposure__mixer_in__direct_share", 1, "more money straight from mixers clears nobody", (22,)),
    Constraint("exposure__mixer_in__fan_1d", 1, "a wider fan after a mixer clears nobody", (24,)),
    Constraint("exposure__mixer_out__direct_share", 1, "paying mixers more clears nobody", (22,)),
    Constraint("exposure__mixer_out__pools", 1, "one more mixer paid clears nobody", (22,)),
    Constraint("exposure__mixer_out__1h", 1, "more payments to mixers in a row clear nobody", (23,)),
    # of a state's thief it may well speak against: he lives on thefts, not on frauds
    Constraint(
        "exposure__fraud_in__direct_share", 1, "more money straight from frauds clears nobody", (20,), ("laundering",)
    ),
)


def monotone_directions(features: Iterable[str], head: str) -> dict[str, int]:
    """The direction (1 or −1) of those of the features that have one for this head, in the order of `features`.

    A head that does not come with the package gets what holds for all heads.
    """
    known = {one.feature: one.direction for one in CONSTRAINTS if one.heads == EVERY or head in one.heads}
    return {name: known[name] for name in features if name in known}
