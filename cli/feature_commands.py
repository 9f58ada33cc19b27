"""What `walletprint features` prints: the list, JSON, the page of the reference, or one feature with its worked example."""

import dataclasses
import difflib
import json
import math
from types import ModuleType

import pandas as pd

from ..features import Feature, UsageError, catalogue, feature
from ..features.base.kernel_compiler import compiled_before
from ..features.families.registry import FAMILY_MODULES
from ..features.reference.examples import worked
from ..features.reference.histories import Example
from ..features.reference.page import behaviour_text, needs_text, null_text
from .console import Screen


def show_list(family: str | None, screen: Screen) -> None:
    """The features as a table."""
    listed = catalogue(family)
    rows = {
        "name": [declared.name for declared in listed],
        "unit": [declared.unit for declared in listed],
        "era_safe": [declared.era_safe for declared in listed],
        "behaviour": [behaviour_text(declared) for declared in listed],
        "sentence": [declared.sentence for declared in listed],
    }
    screen.table(pd.DataFrame(rows), title=f"{len(listed)} features")


def show_json(family: str | None, screen: Screen) -> None:
    """All that is declared of the features, as JSON; NaN as null."""
    listed = [dataclasses.asdict(declared) for declared in catalogue(family)]
    for entry in listed:
        entry["null"] = None if math.isnan(entry["null"]) else entry["null"]
    screen.show(json.dumps(listed, indent=2, ensure_ascii=False))


def show_one(name: str, screen: Screen) -> None:
    """One feature: its declaration in full, and a small history worked out.

    Raises:
        UsageError: if there is no such feature.
    """
    declared = _known(name)
    if not compiled_before(*_sources(declared.family)):
        screen.say(f"compiling the kernels of {declared.family}, which happens once")
    screen.show("\n".join([name, declared.sentence, "", *_declaration(declared), "", *_example(name)]))


def _example(name: str) -> list[str]:
    if (shown := worked(name)) is None:
        return ["No example shows it yet; examples are in features/reference/histories.py."]
    working = [f"Working: {shown.working}"] if shown.working else []
    return [*_history(shown.example), "", f"{name} = {shown.value:.6g}", *working]


def _sources(family: str) -> list[ModuleType]:
    """The modules that hold a family's kernels: its own, or the parts that it puts together."""
    module = FAMILY_MODULES[family]
    package = module.__name__.rpartition(".")[0]
    parts = (part for part in vars(module).values() if isinstance(part, ModuleType))
    return [module, *(part for part in parts if part.__name__.startswith(package))]


def _known(name: str) -> Feature:
    names = [declared.name for declared in catalogue()]
    if name in names:
        return feature(name)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"; close to it: {', '.join(close)}" if close else "; `walletprint features` lists it"
    raise UsageError(f"--show: {name!r} is not in the catalogue{hint}")


def _declaration(declared: Feature) -> list[str]:
    declaration_rows = {
        "formula": declared.formula,
        "unit": declared.unit,
        "null": null_text(declared),
        "era-safe": "yes" if declared.era_safe else "no: it moves with the calendar",
        "behaviour": behaviour_text(declared) or "none",
        "source": declared.source,
        "looks at": ", ".join(["the wallet's own transfers", *filter(None, [needs_text(declared)])]).replace("`", ""),
    }
    return [f"{label:<11}{text}" for label, text in declaration_rows.items()]


def _history(example: Example) -> list[str]:
    """The example's transfers as a table, its batches as one line each, before or after them."""
    rows = [line.split(maxsplit=7) for line in example.lines]
    wide = [max(len(row[k]) for row in rows) for k in range(7)]
    first = " ".join(rows[0][:2])
    before = [f"  from {batch.start} on: {batch.words} …" for batch in example.batches if batch.start < first]
    after = [f"  … from {batch.start} on: {batch.words}" for batch in example.batches if batch.start >= first]
    title = f"Example: {example.story}; as of {example.as_of}, with all history."
    labels = [f"  {address} is labelled {category}, known since 2020" for address, category in example.labels]
    return [title, "", *before, *(_aligned(row, wide) for row in rows), *after, *labels]


def _aligned(row: list[str], wide: list[int]) -> str:
    date, time, sender, arrow, receiver, _, asset = (text.ljust(n) for text, n in zip(row, wide, strict=False))
    amount, others = row[5].rjust(wide[5]), " ".join(row[7:])
    return f"  {date} {time}  {sender} {arrow} {receiver}  {amount} {asset}  {others}".rstrip()
