"""Features that what strangers send a wallet cannot move, or by no more than a stated bound; `features.dust_proof` keeps these.

Which ones, and why, is all that stands here; a property test holds each to its bound. Dust is what others send the wallet unasked
within the window: of its leading asset at most DUST of the value that it received there, in any number of transfers from anybody,
and as much as they like of other assets, and of nothing.

Nothing is promised of a wallet of which no asset was sent most often: its leading asset hangs on what it received. What looks at
other wallets' histories is not in here, as strangers can pay those too; but for ranks among all transfers of the chain.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ...features.families.registry import catalogue

DUST = 0.01
"""Share of the value received within the window."""

OWN_DOING = "only what the wallet did itself"
SHARE_OF_VALUE = "a share of all value received: dust moves it by at most its own share of that"
SHARE_REACHED = (
    "where a share of the value received is reached: after dust, where a share at most DUST beside it was before"
)


@dataclass(frozen=True)
class Proof:
    """Some features that dust leaves in place.

    Attributes:
        why: OWN_DOING, SHARE_OF_VALUE or SHARE_REACHED.
        begins: how their names begin; a whole name names one feature.
        but: names that begin like that and do not belong there.
    """

    why: str
    begins: tuple[str, ...]
    but: tuple[str, ...] = ()


PROOFS: tuple[Proof, ...] = (
    Proof(
        OWN_DOING,
        (
            "activity__transfers__out",
            "activity__recency_out__days",
            "activity__zero_out__share",
            "activity__value_out__",
            "value__out__",
            "value__last_out__share",
            "value__burst_out__gini",
            "amounts__out__",
            "timing__out_",
            "timing__equal_gap__",
            "counterparties__out__",
            "counterparties__fan_out__1d",
            "assets__out__distinct",
            "assets__loop__",
            "fees__",
            "structure__fan_out__",
            "exposure__sanctioned_out__direct_share",
            "exposure__theft_out__direct_share",
            "exposure__mixer_out__",
            "exposure__fraud_out__direct_share",
            "exposure__exchange_out__direct_share",
            "exposure__bridge_out__direct_share",
            "exposure__bridge_out__bridges",
            "exposure__dex_out__direct_share",
            "exposure__otc_out__direct_share",
        ),
        but=(
            "value__out__share",
            "amounts__out__echo_share",
            "timing__out_hour__divergence",
            "exposure__mixer_out__share",
            "exposure__mixer_out__hops",
        ),
    ),
    Proof(
        SHARE_OF_VALUE,
        tuple(
            f"exposure__{group}_in__{measure}"
            for group in ("sanctioned", "theft", "mixer", "fraud")
            for measure in ("share", "direct_share")
        ),
    ),
    Proof(SHARE_REACHED, ("activity__value_in__", "value__in__count_for_90pct", "counterparties__in__count_for_90pct")),
)


def proof_of(name: str) -> Proof | None:
    """Why dust leaves a feature in place; None if it may move it."""
    for proof in PROOFS:
        if name.startswith(proof.begins) and name not in proof.but:
            return proof
    return None


def dust_proof_features(names: Iterable[str] | None = None) -> list[str]:
    """Those of the features (None: of the catalogue) that dust leaves in place, in their order."""
    asked = (declared.name for declared in catalogue()) if names is None else names
    return [name for name in asked if proof_of(name)]
