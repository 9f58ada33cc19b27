"""Exposure: whose money a wallet holds, received and sent on, and how it deals with mixers and bridges, by labels known by then.

Declarations only: `exposure/snapshot_features.py` computes the numbers of all snapshots at once, as they depend on all transfers
of the chain. They look at all history before the as-of date, not only at the window. Shares are of value in the wallet's leading
asset. A stranger who sends it money moves them by at most that money's share of all it received, and by tokens not at all.
"""

from .declaration import DAYS, HOPS, SECONDS, SHARE, THEFTS, TRANSFERS, WALLETS, Feature

ILLICIT = ("sanctioned", "theft", "mixer", "fraud")
"""Groups that are followed over any number of hops."""
SERVICES = ("exchange", "bridge", "dex", "otc")
"""Groups of which only direct dealings are measured."""
SIDES = (("in", "received", "came from"), ("out", "sent", "went to"))
MIN_SHARE = 0.01
"""Shares below this are dust: they have no distance, and count for no theft."""
_LABELS = ("labels", "tx")
# fmt: off
_BEHAVIOURS = {"sanctioned": 34, "theft": 20, "mixer": 22, "fraud": 20, "exchange": None, "bridge": 26, "dex": None, "otc": 33}
_WHO = {
    "sanctioned": "sanctioned wallets", "theft": "thefts", "mixer": "mixers", "fraud": "frauds", "exchange": "exchanges",
    "bridge": "bridges", "dex": "decentralised exchanges", "otc": "brokers",
}


def _followed(group: str, side: str, verb: str, way: str) -> tuple[Feature, ...]:
    """Share over any number of hops, share of direct dealings, and mean distance."""
    nothing = f"nothing was {verb}"
    return (
        Feature(f"exposure__{group}_{side}__share", SHARE,
                f"share of what it {verb} that {way} {_WHO[group]} over any distance",
                f"tainted_{side}({group}) ÷ Σ x_{side} before as_of", "FATF 2020; haircut", null_when=nothing,
                behaviour=_BEHAVIOURS[group], needs=_LABELS),
        _direct(group, side, verb, way),
        Feature(f"exposure__{group}_{side}__hops", HOPS,
                f"mean number of hops between it and the {_WHO[group]} that what it {verb} {way}",
                f"Σ hops · tainted_{side}({group}) ÷ tainted_{side}({group})", "FINTRAC: layering",
                null_when=f"less than a hundredth of what it {verb} {way} {_WHO[group]}", behaviour=19, needs=_LABELS),
    )


def _direct(group: str, side: str, verb: str, way: str) -> Feature:
    return Feature(f"exposure__{group}_{side}__direct_share", SHARE,
                   f"share of what it {verb} that {way} {_WHO[group]} themselves",
                   f"Σ x_{side} of transfers {'from' if side == 'in' else 'to'} a wallet of {group} ÷ Σ x_{side} "
                   f"before as_of",
                   "FATF 2020", null_when=f"nothing was {verb}", behaviour=_BEHAVIOURS[group], needs=_LABELS)


def _held(group: str) -> Feature:
    return Feature(f"exposure__{group}_in__held_share", SHARE,
                   f"share of what it still holds that came from {_WHO[group]}",
                   f"held({group}) ÷ balance before as_of", "haircut",
                   null_when="it holds less than a hundredth of what it received", behaviour=_BEHAVIOURS[group],
                   needs=_LABELS)


_DEALINGS = (
    Feature("exposure__theft_in__cases", THEFTS,
            "number of thefts that each make up a hundredth or more of what it received",
            "cases j with tainted_in(j) ÷ Σ x_in ≥ 0.01", "Harmony 2022, Alphapo 2023, Atomic 2023: thefts converge",
            null=0.0, null_when="nothing was received", behaviour=32, needs=_LABELS),
    Feature("exposure__mixer_out__pools", WALLETS, "number of mixers' addresses that it paid",
            "distinct receivers of outs to mixer with amount > 0 before as_of", "FATF 2020", null=0.0,
            null_when="it paid no mixer", behaviour=22, needs=_LABELS),
    Feature("exposure__mixer_out__recency", DAYS, "time since it last paid a mixer",
            "(as_of − max t of outs to mixer with amount > 0) ÷ 86400", "FATF 2020", null_when="it paid no mixer",
            behaviour=22, needs=_LABELS),
    Feature("exposure__mixer_out__mode_share", SHARE, "share of its payments to mixers that are of one amount",
            "outs to mixer of the most frequent amount ÷ outs to mixer, both of amount > 0",
            "Ronin 2022: tranches of 100 ETH", null_when="it paid no mixer", behaviour=23, needs=_LABELS),
    Feature("exposure__mixer_out__1h", TRANSFERS, "most payments to mixers within an hour",
            "max over outs i to mixer with amount > 0 of such outs with t_i ≤ t < t_i + 3600",
            "Ronin 2022: $10 M at a time", null=0.0, null_when="it paid no mixer", behaviour=23, needs=_LABELS),
    Feature("exposure__mixer_in__fan_1d", WALLETS, "most wallets that it paid within a day of an inflow from a mixer",
            "max over ins i from mixer with x_i ≥ 0.01 Σ x_in of distinct receivers of outs with amount > 0, "
            "t_i ≤ t < t_i + 86400, among the wallet's first 1,000 transfers at t ≥ t_i",
            "FINTRAC: fan after a mixer", null=0.0, null_when="no such inflow came from a mixer", behaviour=24,
            needs=_LABELS),
    Feature("exposure__bridge_out__bridges", WALLETS, "number of bridges' addresses that it paid",
            "distinct receivers of outs to bridge with amount > 0 before as_of", "Bybit 2025", null=0.0,
            null_when="it paid no bridge", behaviour=26, needs=_LABELS),
    Feature("exposure__bridge_out__lag", SECONDS, "usual time from its last inflow to a payment to a bridge",
            "median over outs to bridge with amount > 0 of t − max t' ≤ t of ins with amount > 0", "Ronin 2022",
            null_when="nothing came before such a payment", behaviour=26, needs=_LABELS),
)
# fmt: on

FEATURES = (
    *(feature for group in ILLICIT for side in SIDES for feature in _followed(group, *side)),
    *(_direct(group, *side) for group in SERVICES for side in SIDES),
    *(_held(group) for group in ILLICIT),
    *_DEALINGS,
)
