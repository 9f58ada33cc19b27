"""The data file of actors (`actors.toml`), and finding an actor by any of the names it goes by.

Names that are not in the file are left to the reader that met them.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody behind wallets.

    Attributes:
        id: stable id, as it stands in label files.
        name: the usual name.
        aliases: other names that mean it and nothing else.
        state: ISO 3166 code of the state behind it, where an official source names one.
        sources: addresses of the official publications that say so.
    """

    id: str
    name: str
    aliases: tuple[str, ...]
    state: str | None
    sources: tuple[str, ...]


@cache
def actors() -> tuple[Actor, ...]:
    """All actors of the data file, in its order."""
    entries = tomllib.loads(files("walletprint.features.labels").joinpath("actors.toml").read_text(encoding="utf-8"))[
        "actor"
    ]
    return tuple(
        Actor(entry["id"], entry["name"], tuple(entry["aliases"]), entry.get("state"), tuple(entry["sources"]))
        for entry in entries
    )


def actor_id(name: str) -> str | None:
    """The id of the actor that goes by a name; None if there is none. Case, spaces and punctuation do not count."""
    return _by_name().get(folded(name))


def first_actor(names: Iterable[str]) -> str | None:
    """The id of the first of several names that an actor goes by; None if none of them is one."""
    return next(filter(None, map(actor_id, names)), None)


def folded(name: str) -> str:
    """A name by its letters and digits alone, without regard to case."""
    return "".join(filter(str.isalnum, name.casefold()))


@cache
def _by_name() -> dict[str, str]:
    return {
        folded(name): actor.id for actor in actors() for name in (actor.id, actor.name, *actor.aliases) if folded(name)
    }
