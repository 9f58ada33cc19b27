"""The mistakes of a config that pydantic cannot see, and the wording of those it can. Reads a config; changes nothing."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from pydantic import ValidationError

from ...features.base.periods import parse_window
from ...features.families.registry import FAMILIES, catalogue
from ...features.labels.categories import IDS as CATEGORIES
from .dust_proof import proof_of
from .model_features import feature_names
from .sections import ACTOR, TrainSections

Check = Callable[[TrainSections], list[str]]


def field_problems(error: ValidationError) -> tuple[list[str], frozenset[str]]:
    """pydantic's findings as `key: what is wrong`, and the keys (at most two deep, or three in `model.lightgbm`) to leave out."""
    problems, unusable = [], set()
    for found in error.errors(include_url=False):
        keys = [str(part) for part in found["loc"] if not isinstance(part, int)]
        path = ".".join(keys)
        if not path:
            problems += found["msg"].removeprefix("Value error, ").split("\n")
            continue
        unusable.add(path)
        problems.append(f"{path}: {_wording(found, path)}")
    return problems, frozenset(unusable)


def cross_problems(config: TrainSections, unusable: frozenset[str] = frozenset()) -> list[str]:
    """What several keys together, or a key and the catalogue, get wrong; checks that read an unusable key are left out."""
    problems = []
    for needs, check in CHECKS:
        if not any(_touches(need, path) for need in needs for path in unusable):
            problems += check(config)
    return problems


def _touches(need: str, path: str) -> bool:
    return need == path or need.startswith(f"{path}.") or path.startswith(f"{need}.")


def _wording(found, path: str) -> str:
    if found["type"] == "extra_forbidden":
        return f"unknown key{_similar(path.rsplit('.', 1)[-1], _known_keys(path))}"
    message = found["msg"].removeprefix("Value error, ").replace("Input should", "should")
    came = found["input"]
    shown = f"{type(came).__name__} " if isinstance(came, dict | list) else ""
    return message if repr(came) in message else f"{message}, not {shown}{came!r:.60}"


def _known_keys(path: str) -> list[str]:
    model: Any = TrainSections
    for key in path.split(".")[:-1]:
        field = getattr(model, "model_fields", {}).get(key)
        if field is None:  # an unknown key with a dot in it
            return []
        model = field.annotation
    if not hasattr(model, "model_fields"):
        return []
    return [field.alias or name for name, field in model.model_fields.items()]


def _similar(name: str, known: Iterable[str]) -> str:
    known = list(known)
    close = get_close_matches(name, known, n=1)
    return f" (did you mean {close[0]}?)" if close else f" (known: {', '.join(known)})"


def _head(config: TrainSections) -> list[str]:
    return [] if config.head else ["head: is missing; give one, such as laundering"]


def _labels(config: TrainSections) -> list[str]:
    sets = {"positive": config.labels.positive, "negative": config.labels.negative, "ignored": config.labels.ignored}
    problems = [
        f"labels.{name}: is empty; list at least one category" for name in ("positive", "negative") if not sets[name]
    ]
    for name, entries in sets.items():
        unknown = [entry for entry in entries if not _known_label(entry)]
        problems += [f"labels.{name}: unknown category {entry!r}{_similar(entry, CATEGORIES)}" for entry in unknown]
    return problems + _overlaps(sets)


def _known_label(entry: str) -> bool:
    return entry in CATEGORIES or (entry.startswith(ACTOR) and bool(entry.removeprefix(ACTOR).strip()))


def _overlaps(sets: dict[str, tuple[str, ...]]) -> list[str]:
    names = list(sets)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    folded = {name: {entry.casefold() for entry in entries} for name, entries in sets.items()}
    return [
        f"labels: {', '.join(sorted(both))} in both {a} and {b}; keep it in one"
        for a, b in pairs
        if (both := folded[a] & folded[b])
    ]


def _families(config: TrainSections) -> list[str]:
    return [
        f"features.families: unknown family {name!r}{_similar(name, FAMILIES)}"
        for name in config.features.families
        if name not in FAMILIES
    ]


def _names(config: TrainSections) -> list[str]:
    known = {feature.name: feature for feature in catalogue()}
    chosen = config.features.names
    problems = [
        f"features.names: unknown feature {name!r}{_similar_feature(name, known)}"
        for name in chosen
        if name not in known
    ]
    problems += [
        f"features.names: {name} is listed twice" for name in sorted({n for n in chosen if chosen.count(n) > 1})
    ]
    if config.features.era_safe_only:
        problems += [
            f"features.names: {name} is not era-safe; leave it out or set features.era_safe_only: false"
            for name in chosen
            if name in known and not known[name].era_safe
        ]
    if config.features.dust_proof:
        problems += [
            f"features.names: {name} is not proof against dust; leave it out or set features.dust_proof: false"
            for name in chosen
            if name in known and not proof_of(name)
        ]
    return problems


def _any_feature(config: TrainSections) -> list[str]:
    """Families that the other keys leave nothing of."""
    known = config.features.families and set(config.features.families) <= set(FAMILIES)
    if not known or feature_names(config.features):
        return []
    return ["features.families: era_safe_only and dust_proof leave no feature of these; add a family"]


def _similar_feature(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f" (did you mean {close[0]}?)" if close else " (see `walletprint features`)"


def _one_choice(config: TrainSections) -> list[str]:
    both = config.features.families and config.features.names
    return ["features: give families or names, not both"] if both else []


def _snapshot_dates(config: TrainSections) -> list[str]:
    return _ordered(("snapshots.first", config.snapshots.first), ("snapshots.last", config.snapshots.last))


def _split_dates(config: TrainSections) -> list[str]:
    split = config.split
    if (split.train_until is None) != (split.calibration_until is None):
        return ["split: give both train_until and calibration_until, or neither (then they are derived)"]
    return _ordered(("split.train_until", split.train_until), ("split.calibration_until", split.calibration_until))


def _dates_together(config: TrainSections) -> list[str]:
    return _ordered(
        ("snapshots.first", config.snapshots.first), ("split.train_until", config.split.train_until), equal=True
    ) + (
        _ordered(("split.calibration_until", config.split.calibration_until), ("snapshots.last", config.snapshots.last))
    )


def _ordered(earlier, later, equal: bool = False) -> list[str]:
    (name_a, a), (name_b, b) = earlier, later
    if a is None or b is None or a < b or (equal and a == b):
        return []
    return [f"{name_a} ({a.date()}) must lie before {name_b} ({b.date()})"]


def _lengths(config: TrainSections) -> list[str]:
    given = {"split.embargo": config.split.embargo, "split.label_delay": config.split.label_delay}
    return [f"{name}: a length such as 90d is needed, not all" for name, value in given.items() if value == "all"]


def _tuning(config: TrainSections) -> list[str]:
    useless = config.tuning.minutes is not None and config.tuning.trials == 0
    return ["tuning.minutes: only limits tuning.trials, which are 0; give trials too"] if useless else []


def _pu_learning(config: TrainSections) -> list[str]:
    learning = config.model.pu_learning
    lacking = learning.method != "none" and learning.wallets == 0
    return [f"model.pu_learning.method: {learning.method} needs model.pu_learning.wallets above 0"] if lacking else []


def _every(config: TrainSections) -> list[str]:
    every = config.snapshots.every
    if every in ("month", "quarter") or (parse_window(every) or 0) >= 86_400:
        return []
    return [f"snapshots.every: a day or more is needed, not {every}"]


def _bands(config: TrainSections) -> list[str]:
    starts = config.bands.model_dump()
    values = list(starts.values())
    if all(a < b for a, b in pairwise(values)):
        return []
    return [f"bands: low < medium < high < severe is needed, not {', '.join(f'{k} {v:g}' for k, v in starts.items())}"]


CHECKS: tuple[tuple[tuple[str, ...], Check], ...] = (
    (("head",), _head),
    (("labels",), _labels),
    (("features.families",), _families),
    (("features.names",), _names),
    (("features",), _any_feature),
    (("features",), _one_choice),
    (("snapshots.first", "snapshots.last"), _snapshot_dates),
    (("split.train_until", "split.calibration_until"), _split_dates),
    (("snapshots.first", "snapshots.last", "split.train_until", "split.calibration_until"), _dates_together),
    (("split.embargo", "split.label_delay"), _lengths),
    (("tuning.trials", "tuning.minutes"), _tuning),
    (("model.pu_learning",), _pu_learning),
    (("snapshots.every",), _every),
    (("bands",), _bands),
)
