"""Which oracle answers for which feature name: a table filled by decorators. Computes nothing."""

from collections.abc import Callable
from functools import partial

from .history import SIDES, History

Oracle = Callable[[History], float | int | None]

ORACLES: dict[str, Oracle] = {}


def feature(name: str) -> Callable[[Oracle], Oracle]:
    """Registers a function of a history under a feature's name."""

    def register(function: Oracle) -> Oracle:
        _add(name, function)
        return function

    return register


def variants(template: str, *values) -> Callable:
    """Registers a function of (history, value) once per value; `{}` in the name stands for it."""

    def register(function: Callable) -> Callable:
        for value in values:
            _add(template.format(value), partial(_swapped, function, value))
        return function

    return register


def both(template: str) -> Callable:
    """Registers a function of (history, side) for "in" and "out"."""
    return variants(template, *SIDES)


def _swapped(function: Callable, value, history: History):
    return function(history, value)


def _add(name: str, function: Oracle) -> None:
    if name in ORACLES:
        raise ValueError(f"two oracles for {name}")
    ORACLES[name] = function
