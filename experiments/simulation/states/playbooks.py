"""What becomes of loot, playbook by playbook: those that a state is known by, year by year, and those of ordinary thieves.

Each takes a party, a holding of loot and about how many wallets there are for it. Of the published ones, `peel` is that of the
exchange thefts of 2018–20, `fan` of Upbit 2019, `rounds` of KuCoin 2020, `swap_mix` of 2021, `tranches` of Ronin 2022, `privacy`
of Harmony 2022/23, `session` of Alphapo and Atomic 2023, `dormant` of HTX/HECO 2023, `flood` of Bybit 2025.
"""

from collections.abc import Callable

from ..engine.market import DAY, USDT
from ..parties.holding import Holding
from ..parties.moves import cash_out, dormant, forward, gather, peel, rest, split
from ..parties.party import Party
from ..parties.service_moves import nest, swap_chain
from .theft_moves import at_desks, cross_bridge, rounds, session, swap_to_coin, tranches

TOKENS_FIRST = ("swap_mix", "dormant")
"""Playbooks that begin at the DEX: what is stolen are mostly tokens."""
EXTORTED = ("ransom",)
"""Playbooks of loot that victims pay themselves."""
HOUR = 3600.0


def play(party: Party, script: str, loot: Holding, n: int) -> None:
    """Play a playbook on loot with about n wallets."""
    if loot.utxo:
        _ransom(party, loot, n)
    else:
        PLAYBOOKS[script](party, loot if script in KEEPS_TOKENS else swap_to_coin(party, loot), max(n, 4))


def _gathered(party: Party, holdings: list[Holding], n: int, most: int = 6) -> None:
    """In n wallets for each asset, if there is anything, and sold."""
    if holdings:
        cash_out(party, gather(party, holdings, max(1, n)), most)


def _peel(party: Party, loot: Holding, n: int) -> None:
    """A few large parts, a rest, a long peel chain each into many accounts."""
    party.exits = party.rng.choice(party.services.deposits, max(6, n // 2))
    parts = rest(party, split(party, loot, max(1, n // 40)), float(party.rng.uniform(1, 30)))
    cash_out(party, [peel(party, holding, max(2, n // len(parts) - 2)) for holding in parts], 6)


def _fan(party: Party, loot: Holding, n: int) -> None:
    """Hundreds of wallets in two layers, each used two or three times within days, then exchanges."""
    first = split(party, loot, max(2, round(n**0.5)), "uneven")
    each = max(1, (n - len(first)) // len(first))
    cash_out(party, [part for holding in first for part in split(party, holding, each)], 2)


def _rounds(party: Party, loot: Holding, n: int) -> None:
    """Equal payments just below a round number, each once the last is confirmed; then the same again into accounts."""
    first = rest(party, split(party, loot, max(1, n // 20), "below"), float(party.rng.uniform(2, 25)))
    for part in [part for holding in first for part in rounds(party, holding, max(2, n // 2 // len(first)))]:
        own = party.exit(part.asset)
        rounds(party, part, int(party.rng.integers(2, 8)), lambda t, own=own: own)


def _swap_mix(party: Party, loot: Holding, n: int) -> None:
    """Coin, mixer, tokens and back or over the bridge, mixer again, consolidation, accounts at exchanges."""
    once = tranches(party, split(party, loot, max(1, n // 6)), DAY * float(party.rng.uniform(2, 12)), max(1, n // 4))
    far = cross_bridge(party, once[: len(once) // 3], n // 8)
    again = [swap_chain(party, holding, 2) for holding in once[len(once) // 3 :]]
    twice = tranches(party, again, DAY * float(party.rng.uniform(1, 8)), max(1, n // 4))
    for holdings in (far, twice):
        _gathered(party, holdings, len(holdings) // 6)


def _tranches(party: Party, loot: Holding, n: int) -> None:
    """A first layer of wallets, the mixer's largest denomination in sittings, the remainder left; then the other chain."""
    first = split(party, loot, max(2, min(23, n // 8)), "below")
    mixed = tranches(party, first, DAY * float(party.rng.uniform(2, 15)), max(1, n // 3))
    far = cross_bridge(party, mixed, n // 3)
    _gathered(party, far, len(far) // 8)


def _privacy(party: Party, loot: Holding, n: int) -> None:
    """Everything through a privacy pool to hundreds of wallets, consolidated at two, sent to six exchanges."""
    parts = rest(party, split(party, loot, max(1, n // 8)), float(party.rng.uniform(20, 150)))
    out = tranches(party, parts, 0.3 * DAY, max(2, round(0.8 * n)))
    party.exits = party.rng.choice(party.services.deposits, 6)
    _gathered(party, out, 2, 12)


def _session(party: Party, loot: Holding, n: int) -> None:
    """One sitting of five hours: over a hundred new wallets, most of it over the bridge, the rest as dollars over the counter."""
    parts = session(party, loot, max(3, n // 2), 5 * HOUR)
    most = round(0.6 * len(parts))
    far = cross_bridge(party, parts[:most], most)
    _gathered(party, far, len(far) // 10)
    at_desks(party, parts[most:], USDT)


def _dormant(party: Party, loot: Holding, n: int) -> None:
    """Swapped at once, idle for months, then a mixer in batches."""
    parts = dormant(party, split(party, loot, max(1, n // 5)), float(party.rng.uniform(100, 140)))
    out = tranches(party, parts, DAY * float(party.rng.uniform(0.5, 6)), max(1, n // 3))
    _gathered(party, out, len(out) // 5, 4)


def _flood(party: Party, loot: Holding, n: int) -> None:
    """Most of it over the bridge within days, a little each to very many wallets; the rest is mixed, then sold."""
    party.pace = float(party.rng.uniform(600, 4 * HOUR))
    parts = split(party, loot, max(6, n // 12), "uneven")
    most = round(0.84 * len(parts))
    far = cross_bridge(party, parts[:most], round(0.75 * n))
    late = rest(party, far[: len(far) // 2], float(party.rng.uniform(20, 120)))
    _gathered(party, late, len(late) // 12, 3)
    cash_out(party, tranches(party, parts[most:], DAY, max(1, n // 20)), 3)


def _ransom(party: Party, loot: Holding, n: int) -> None:
    """A ransom waits for days, passes a few wallets and is sold at exchanges."""
    holdings = rest(party, [loot], float(party.rng.uniform(1, 12)))
    for _ in range(int(party.rng.integers(1, 4))):
        holdings = forward(party, holdings)
    cash_out(party, holdings, 5)


def _accounts(party: Party, loot: Holding, n: int) -> None:
    """A few wallets, then the same few accounts in uneven sums, over weeks."""
    party.pace = 2 * DAY
    parts = forward(party, split(party, loot, max(1, n // 3)))
    _gathered(party, parts, len(parts) // 3, 8)


def _swap_chain(party: Party, loot: Holding, n: int) -> None:
    """From token to token; a half over the bridge, the rest over the counter."""
    parts = forward(party, split(party, loot, max(2, n // 5)))
    parts = [swap_chain(party, holding, int(party.rng.integers(2, 5))) for holding in parts]
    cash_out(party, cross_bridge(party, parts[::2], n // 4), 3)
    at_desks(party, parts[1::2], USDT)


def _nested(party: Party, loot: Holding, n: int) -> None:
    """Through nested services to new wallets, and over the counter."""
    out = [nest(party, holding) for holding in split(party, loot, max(2, n // 4))]
    _gathered(party, out, len(out) // 4, 3)


def _quick(party: Party, loot: Holding, n: int) -> None:
    """A fan, a hop or none, gathered again or not, and sale within days."""
    parts = split(party, loot, max(1, n // 3))
    parts = forward(party, parts) if party.rng.random() < 0.7 else parts
    parts = gather(party, parts, max(1, len(parts) // 4)) if party.rng.random() < 0.4 else parts
    cash_out(party, parts)


def _mixed(party: Party, loot: Holding, n: int) -> None:
    """The mixer, from a few wallets, a day or two, and sale."""
    out = tranches(party, split(party, loot, max(1, n // 4)), DAY * float(party.rng.uniform(0.1, 2)), max(1, n // 2))
    cash_out(party, out, 3)


def _over(party: Party, loot: Holding, n: int) -> None:
    """A part is sold at once; the rest goes over the bridge and is sold there."""
    parts = split(party, loot, max(2, n // 6))
    cash_out(party, parts[: len(parts) // 3], 3)
    cash_out(party, forward(party, cross_bridge(party, parts[len(parts) // 3 :], n // 4)), 3)


PLAYBOOKS: dict[str, Callable[[Party, Holding, int], None]] = {
    "peel": _peel, "fan": _fan, "rounds": _rounds, "swap_mix": _swap_mix, "tranches": _tranches, "privacy": _privacy,
    "session": _session, "dormant": _dormant, "flood": _flood, "ransom": _ransom, "accounts": _accounts,
    "swap_chain": _swap_chain, "nested": _nested, "quick": _quick, "mixed": _mixed, "over": _over,
}  # fmt: skip
KEEPS_TOKENS = ("accounts", "nested", "quick", "peel")
"""Playbooks that move tokens as they are."""
