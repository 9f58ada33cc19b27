"""What a simulated chain is to be like: one typed scenario, from a YAML file. Reads and checks it; simulates nothing."""

import datetime as dt
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ....features.base.errors import UsageError
from ....features.base.untrusted_yaml import read_yaml

_HERE = __name__.rpartition(".")[0]
MIN_WALLETS = 400
MIN_DAYS = 60
YEARS = (2010, 2099)
STRATEGIES = ("none", "dust", "split", "wait", "pad", "mimic")

Share = Annotated[float, Field(ge=0, le=1, strict=False)]
Positive = Annotated[float, Field(gt=0, strict=False)]
Pair = Annotated[tuple[Positive, Positive], Field(strict=False)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Labels(_Section):
    """What the world knows of the chain's wallets, late and in part."""

    share: Share = 0.6
    illicit: Share = 0.7
    wrong: Share = 0.01
    undated: Share = 0.04
    helpers: Share = 0.7
    new_wallets: Share = 0.04
    seeds_only: bool = False


class Crimes(_Section):
    """Ordinary crime: its share of the wallets, and the share of each script among the cases."""

    share: Share = 0.08
    kinds: dict[str, Share] = {
        "phishing": 0.3, "drainer": 0.15, "ponzi": 0.15, "theft": 0.2, "ransomware": 0.08, "darknet": 0.06, "ring": 0.06,
    }  # fmt: skip


class Thefts(_Section):
    """Large thefts, by states' groups and by ordinary thieves."""

    share: Share = 0.08
    count: Annotated[int, Field(ge=0)] = 24
    median_usd: Positive = 3e6
    spread: Positive = 2.0
    largest_usd: Positive = 6e8
    state: Share = 0.6
    shared: Share = 0.2
    patience: Share = 0.6
    actors: dict[str, Share] = {"A": 0.7, "B": 0.15, "C": 0.15}


class Evasion(_Section):
    """What launderers do to hide, and how much they spend on it."""

    strategy: str = "none"
    strength: Share = 0.0

    @model_validator(mode="after")
    def _known(self) -> "Evasion":
        if self.strategy not in STRATEGIES:
            raise ValueError(f"strategy: got {self.strategy!r}; give one of {', '.join(STRATEGIES)}")
        return self


class Scenario(_Section):
    """A chain: how long, how large, who is on it, what crimes happen, and what is known of them."""

    about: str = ""
    """What it is for, in a sentence."""
    start: dt.date = dt.date(2021, 1, 1)
    """The first day; the chain begins on the Friday before it, so that weekends stay weekends."""
    days: Annotated[int, Field(ge=MIN_DAYS)] = 540
    wallets: Annotated[int, Field(ge=MIN_WALLETS)] = 3000
    """About how many; those that never get a transfer are in no file."""
    seed: Annotated[int, Field(ge=0)] = 7
    growth: Positive = 1.0
    """How many times as many people arrive in a day at the end as at the beginning."""
    prices: dict[str, Pair] = {"ETH": (900.0, 1900.0), "BTC": (29_000.0, 40_000.0)}
    """Dollars on the first day and on the last."""
    unpriced: Share = 0.02
    """Share of transfers of which no vendor knows the worth."""
    utxo: Share = 0.2
    """Share of the wallets that live on the UTXO chain."""
    crimes: Crimes = Crimes()
    thefts: Thefts = Thefts()
    evasion: Evasion = Evasion()
    labels: Labels = Labels()

    @model_validator(mode="after")
    def _in_time(self) -> "Scenario":
        last = self.start + dt.timedelta(days=self.days)
        if self.start.year < YEARS[0] or last.year > YEARS[1] + 1:
            raise ValueError(f"start: got {self.start} to {last}; the chain must lie in {YEARS[0]} to {YEARS[1]}")
        return self


def scenarios() -> list[str]:
    """The names of the scenarios that walletprint brings along."""
    folder = resources.files(_HERE)
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir() if file.name.endswith(".yaml"))


def load_scenario(source: str | Path, **changes: Any) -> Scenario:
    """A scenario by name or from a YAML file; `changes` that are not None replace keys of it.

    Raises:
        UsageError: no such scenario or file, an unknown key, or a value out of its range; all mistakes together.
    """
    try:
        given = read_yaml(_text(source)) or {}
    except ValueError as error:
        raise UsageError(f"{source}: no YAML ({error})") from None
    if not isinstance(given, dict):
        raise UsageError(f"{source}: got {type(given).__name__}; give keys and their values, such as `days: 540`")
    given |= {name: value for name, value in changes.items() if value is not None}
    try:
        return Scenario.model_validate(given)
    except ValidationError as error:
        raise UsageError(f"{source}: " + "; ".join(_problem(dict(mistake)) for mistake in error.errors())) from None


def _text(source: str | Path) -> str:
    if str(source) in scenarios():
        return (resources.files(_HERE) / f"{source}.yaml").read_text(encoding="utf-8")
    try:
        return Path(source).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"scenario: got {source}; give one of {', '.join(scenarios())} or a readable YAML file"
        ) from None


def _problem(error: dict[str, Any]) -> str:
    """One mistake: the key, what is allowed, what came."""
    key = ".".join(str(part) for part in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{key}: {message}, got {error['input']!r:.100}" if key else message
