"""The features that dust cannot move, or by at most a stated bound. `features.dust_proof` keeps only these.

Dust is what strangers send to a wallet, unasked, within the window: at most DUST of the value that the wallet received in its
leading asset, in any number of transfers, and any amount of other assets and of worthless ones. This file says which features are
proof and why; a property test holds each one to its bound.

Nothing is promised for a wallet that sent no asset most often: its leading asset then depends on what it received. Features that
look at other wallets' histories are left out, because strangers can pay those wallets too; ranks among all transfers of the chain
are the exception.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from ...features.families.registry import catalogue

DUST = 0.01
"""Share of the value received within the window."""

WALLET_ONLY = "depends only on what the wallet did itself"
SHARE_OF_VALUE = "a share of all value received: dust moves it by at most its own share of that"
SHARE_REACHED = "the position where a share of the received value is reached: dust shifts that share by at most DUST"


@dataclass(frozen=True)
class Proof:
    """A group of features that dust leaves in place, for one reason.

    Attributes:
        why: WALLET_ONLY, SHARE_OF_VALUE or SHARE_REACHED.
        prefixes: how their names start; a whole name selects one feature.
        exceptions: names with such a prefix that are not proof.
    """

    why: str
    prefixes: tuple[str, ...]
    exceptions: tuple[str, ...] = ()


PROOFS: tuple[Proof, ...] = (
    Proof(
        WALLET_ONLY,
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
        exceptions=(
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
    """Why dust leaves a feature in place; None if dust may move it."""
    for proof in PROOFS:
        if name.startswith(proof.prefixes) and name not in proof.exceptions:
            return proof
    return None


def dust_proof_features(names: Iterable[str] | None = None) -> list[str]:
    """The features among `names` (None: the catalogue) that dust leaves in place, in their order."""
    names = (feature.name for feature in catalogue()) if names is None else names
    return [name for name in names if proof_of(name)]
