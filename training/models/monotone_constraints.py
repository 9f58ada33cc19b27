"""Monotone constraints: features along which the score may only rise, because more of the behaviour never clears a wallet.

This file says which features and why; `estimators.py` passes them to LightGBM. Not listed are shares that services and victims
show as well: pass-through, fan-out, payments to thefts or frauds. There the model has to learn the direction. Exposure over any
distance is not listed either: on real wallets a trace far below a hundredth marks an ordinary wallet that deals with many others,
and is less suspicious than none (docs/training.md).

A missing value is not bound: each split sends it to the side where it fits better.
"""

from collections.abc import Iterable
from dataclasses import dataclass

EVERY = ("*",)


@dataclass(frozen=True)
class Constraint:
    """A direction for one feature, from theory.

    Attributes:
        feature: the feature's name in the catalogue.
        direction: 1: the margin never falls as the feature grows; −1: it never rises.
        why: the reason, in one line.
        behaviours: the numbers of the red flags that the feature measures (`features/reference/behaviours.py`).
        heads: the heads that it holds for; `*` is all heads.
    """

    feature: str
    direction: int
    why: str
    behaviours: tuple[int, ...] = ()
    heads: tuple[str, ...] = EVERY


CONSTRAINTS: tuple[Constraint, ...] = (
    Constraint("exposure__theft_in__direct_share", 1, "more direct theft proceeds can never lower the score", (20,)),
    Constraint(
        "exposure__theft_in__cases", 1, "a hundredth of its money from one more theft can never lower the score", (32,)
    ),
    Constraint(
        "exposure__sanctioned_in__direct_share",
        1,
        "more direct money from sanctioned wallets can never lower the score",
        (34,),
    ),
    Constraint(
        "exposure__sanctioned_out__direct_share", 1, "paying sanctioned wallets more can never lower the score", (34,)
    ),
    Constraint("exposure__mixer_in__direct_share", 1, "more direct money from mixers can never lower the score", (22,)),
    Constraint("exposure__mixer_in__fan_1d", 1, "a wider fan-out after a mixer can never lower the score", (24,)),
    Constraint("exposure__mixer_out__direct_share", 1, "paying mixers more can never lower the score", (22,)),
    Constraint("exposure__mixer_out__pools", 1, "paying one more mixer can never lower the score", (22,)),
    Constraint("exposure__mixer_out__1h", 1, "more payments to mixers in a row can never lower the score", (23,)),
    # for `state_linked` it may well be evidence against: state actors live on thefts, not on frauds
    Constraint(
        "exposure__fraud_in__direct_share",
        1,
        "more direct fraud proceeds can never lower the score",
        (20,),
        ("laundering",),
    ),
)


def monotone_directions(features: Iterable[str], head: str) -> dict[str, int]:
    """The direction (1 or −1) of each feature that has one for this head, in the order of `features`.

    A head that does not come with the package gets the constraints of all heads.
    """
    known = {entry.feature: entry.direction for entry in CONSTRAINTS if entry.heads == EVERY or head in entry.heads}
    return {name: known[name] for name in features if name in known}
