"""The reference of features as text, made from their declarations: the whole page, and parts for `walletprint features --show`.

Declares nothing and computes nothing. The worked examples are in `examples.py`.
"""

import math
from collections.abc import Iterator

from ..families.declaration import Feature
from ..families.registry import FAMILIES, FAMILY_MODULES, catalogue
from .behaviours import BEHAVIOURS, NEEDS, Behaviour

LOOKS_AT = {
    "chain": "the column `chain`",
    "cohorts": "a sample of the wallets active at the time",
    "cycles": "transfers of other wallets within a day",
    "degrees": "with whom its counterparties had dealt",
    "funders": "who first paid each wallet",
    "hours": "the hours of all transfers of the chain",
    "labels": "labels of other wallets, known before the as-of date",
    "paths": "whom its receivers paid, and who paid its senders",
    "peels": "peel steps of other wallets",
    "ranks": "the sizes of all transfers of the chain",
    "relays": "transfers of other wallets within a day",
    "scatters": "transfers of other wallets within a day",
    "tokens": "the names of assets, and who moved each first",
    "transactions": "the columns `nonce`, `gas_price`, `failed` and `method` of the chain's transactions",
    "tx": "the column `tx_id`",
}
"""A feature's `needs` in words."""

_HEAD = """\
# Features

`make docs` writes this page from the declarations: change those, not the page.

{total} features in {families} families. A feature is one number about the transfers of one wallet in one window, as of one date.
Its name reads back as family, measure and parameter: `flow__pass_through__1h`. `walletprint features --show NAME` prints one with
a small history worked out.

## How to read an entry

1. What the number is. It continues "the wallet's …".
2. Its exact definition, in the [notation of the guide](guide.md#notation-of-the-formulas).
3. Its unit; its value where the definition does not apply (NaN, or 0 for counts and totals), and when that is; whether it is
   **era-safe**. A feature that is not era-safe moves with the calendar (price levels, fee levels, absolute amounts). Models leave
   it out unless their config says otherwise.
4. The [behaviour](#behaviours) that it measures, if any; where the idea comes from; and what it looks at besides time, amount,
   asset and counterparty of the wallet's own transfers, if anything.

## Families
"""

_BEHAVIOURS_HEAD = """
## Behaviours

What launderers are known to do, and which features measure it. Where a behaviour needs labels ("this is a mixer"), family
`exposure` measures it, and the other families measure what transfers alone show of it.

| # | behaviour | needs | features |
|---:|---|---|---|
"""


def reference() -> str:
    """The page: all features by family, and by behaviour."""
    head = _HEAD.format(total=len(catalogue()), families=len(FAMILIES))
    families = ["", "| family | features | what it is about |", "|---|---:|---|", *map(_family_row, FAMILIES)]
    sections = [line for family in FAMILIES for line in _section(family)]
    behaviours = map(_behaviour_row, BEHAVIOURS.values())
    return "\n".join([head.rstrip(), *families, *sections, _BEHAVIOURS_HEAD.rstrip(), *behaviours, ""])


def null_text(declared: Feature) -> str:
    """The value of the feature where its formula is not defined, and when that is."""
    if not declared.null_when:
        return "defined for every wallet with a transfer"
    return f"{'NaN' if math.isnan(declared.null) else f'{declared.null:g}'} if {declared.null_when}"


def behaviour_text(declared: Feature) -> str:
    """The behaviour that the feature measures, as number and name; empty if it measures none."""
    if declared.behaviour is None:
        return ""
    return f"{declared.behaviour}: {BEHAVIOURS[declared.behaviour].name}"


def needs_text(declared: Feature) -> str:
    """What the feature looks at besides the wallet's own transfers; empty if nothing."""
    return ", ".join(dict.fromkeys(LOOKS_AT[need] for need in declared.needs))


def data_text(behaviour: Behaviour) -> str:
    """What data a behaviour needs, in words."""
    return ", ".join(NEEDS[letter] for letter in behaviour.needs)


def _family_row(family: str) -> str:
    return f"| [{family}](#{family}) | {len(catalogue(family))} | {_about(family).split('. ')[0].rstrip('.')}. |"


def _about(family: str) -> str:
    """The first line of a family's module, without its title."""
    first = (FAMILY_MODULES[family].__doc__ or "").strip().splitlines()[0]
    about = first.split(": ", 1)[-1]
    return _escaped(about[0].upper() + about[1:])


def _section(family: str) -> Iterator[str]:
    yield from ("", f"## {family}", "", _about(family))
    for declared in catalogue(family):
        yield from _entry(declared)


def _entry(declared: Feature) -> Iterator[str]:
    sentence = _escaped(declared.sentence[0].upper() + declared.sentence[1:])
    era = "era-safe" if declared.era_safe else "**not era-safe**"
    yield from ("", f"### `{declared.name}`", "")
    yield f"{sentence}.\\"
    yield f"`{declared.formula}`\\"
    yield f"{declared.unit}; {_escaped(null_text(declared))}; {era}\\"
    yield "; ".join(filter(None, (_linked(declared), f"source: {_escaped(declared.source)}", _looks(declared))))


def _linked(declared: Feature) -> str:
    return f"[behaviour {behaviour_text(declared)}](#behaviours)" if declared.behaviour else ""


def _looks(declared: Feature) -> str:
    return f"looks at {needs_text(declared)}" if declared.needs else ""


def _behaviour_row(behaviour: Behaviour) -> str:
    measuring = [declared.name for declared in catalogue() if declared.behaviour == behaviour.number]
    links = ", ".join(f"[{name}](#{name})" for name in measuring) or "–"
    return f"| {behaviour.number} | {behaviour.name} | {data_text(behaviour)} | {links} |"


def _escaped(text: str) -> str:
    """Text that Markdown shows as it stands, in a table, too."""
    for mark in "\\`*_|<":
        text = text.replace(mark, "\\" + mark)
    return text
