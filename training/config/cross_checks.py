"""Checks of a config that need several keys, or the catalogue. Reads a config; changes nothing."""

from collections.abc import Callable
from itertools import pairwise

from ...features.base.periods import parse_window
from ...features.families.registry import FAMILIES, catalogue
from ...features.labels.categories import IDS as CATEGORIES
from .dust_proof import proof_of
from .model_features import feature_names
from .sections import ACTOR, TrainSections
from .validation_errors import suggestion

Check = Callable[[TrainSections], list[str]]


def cross_problems(config: TrainSections, unusable: frozenset[str] = frozenset()) -> list[str]:
    """The problems that all checks find. A check that reads an unusable key is skipped."""
    problems = []
    for needs, check in CHECKS:
        if not any(_touches(need, path) for need in needs for path in unusable):
            problems += check(config)
    return problems


def _touches(need: str, path: str) -> bool:
    return need == path or need.startswith(f"{path}.") or path.startswith(f"{need}.")


def _head(config: TrainSections) -> list[str]:
    return [] if config.head else ["head: is missing; give one, such as laundering"]


def _labels(config: TrainSections) -> list[str]:
    lists = config.labels.model_dump()
    problems = [
        f"labels.{name}: is empty; list at least one category" for name in ("positive", "negative") if not lists[name]
    ]
    for name, entries in lists.items():
        unknown = [entry for entry in entries if not _is_label(entry)]
        problems += [f"labels.{name}: unknown category {entry!r}{suggestion(entry, CATEGORIES)}" for entry in unknown]
    return problems + _overlaps(lists)


def _is_label(entry: str) -> bool:
    return entry in CATEGORIES or (entry.startswith(ACTOR) and bool(entry.removeprefix(ACTOR).strip()))


def _overlaps(lists: dict[str, tuple[str, ...]]) -> list[str]:
    names = list(lists)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    folded = {name: {entry.casefold() for entry in entries} for name, entries in lists.items()}
    return [
        f"labels: {', '.join(sorted(both))} in both {a} and {b}; keep it in one"
        for a, b in pairs
        if (both := folded[a] & folded[b])
    ]


def _families(config: TrainSections) -> list[str]:
    return [
        f"features.families: unknown family {name!r}{suggestion(name, FAMILIES)}"
        for name in config.features.families
        if name not in FAMILIES
    ]


def _names(config: TrainSections) -> list[str]:
    known = {feature.name: feature for feature in catalogue()}
    names = config.features.names
    chosen = [name for name in names if name in known]
    problems = [
        f"unknown feature {name!r}{suggestion(name, known, 'see `walletprint features`')}"
        for name in names
        if name not in known
    ]
    problems += [f"{name} is listed twice" for name in sorted({name for name in names if names.count(name) > 1})]
    if config.features.era_safe_only:
        fix = "leave it out or set features.era_safe_only: false"
        problems += [f"{name} is not era-safe; {fix}" for name in chosen if not known[name].era_safe]
    if config.features.dust_proof:
        fix = "leave it out or set features.dust_proof: false"
        problems += [f"{name} is not proof against dust; {fix}" for name in chosen if not proof_of(name)]
    return [f"features.names: {problem}" for problem in problems]


def _any_feature(config: TrainSections) -> list[str]:
    """The other keys must leave at least one feature of the families."""
    known = config.features.families and set(config.features.families) <= set(FAMILIES)
    if not known or feature_names(config.features):
        return []
    return ["features.families: era_safe_only and dust_proof leave no feature of these; add a family"]


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
    snapshots, split = config.snapshots, config.split
    return [
        *_ordered(("snapshots.first", snapshots.first), ("split.train_until", split.train_until), equal=True),
        *_ordered(("split.calibration_until", split.calibration_until), ("snapshots.last", snapshots.last)),
    ]


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
    if all(a < b for a, b in pairwise(starts.values())):
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
"""The checks, each with the keys that it reads."""
