"""Reads the data file of actors (`actors.toml`) and finds an actor by any of its names.

A name that is not in the file stays as the source has it (`builder.py`).
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or group behind wallets.

    Attributes:
        id: stable id, as in label files.
        name: the usual name.
        aliases: other names that mean this actor only.
        state: ISO 3166 code of the state behind it, where an official source names one.
        sources: URLs of the official publications that say so.
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
    """The id of the actor with this name; None if there is none. Case, spaces and punctuation do not count."""
    return _by_name().get(folded(name))


def first_actor(names: Iterable[str]) -> str | None:
    """The id of the first of these names that belongs to an actor; None if none does."""
    return next(filter(None, map(actor_id, names)), None)


def folded(name: str) -> str:
    """The letters and digits of a name, without case."""
    return "".join(filter(str.isalnum, name.casefold()))


@cache
def _by_name() -> dict[str, str]:
    return {
        folded(name): actor.id for actor in actors() for name in (actor.id, actor.name, *actor.aliases) if folded(name)
    }
