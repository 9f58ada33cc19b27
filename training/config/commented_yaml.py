"""A config as YAML with a comment per key, made from the config's types. Checks nothing."""

import textwrap
from typing import Any

import yaml
from pydantic import BaseModel

from .train_config import TrainConfig, as_yaml, heads, load_config

WIDTH = 110


def as_commented_yaml(config: TrainConfig) -> str:
    """The whole config as YAML, with a comment above each key; `load_config` reads it back to an equal config.

    A value that is not the default of its head has that default in its comment.
    """
    values, defaults = yaml.safe_load(as_yaml(config)), _defaults(config)
    origin = f"for the head {config.head}" if defaults else f"for {config.head}, a head of its own"
    opening = f"# A training config of walletprint {origin}. Keys that you leave out take these values.\n\n"
    return opening + "\n".join(_lines(TrainConfig, values, defaults, "")) + "\n"


def _defaults(config: TrainConfig) -> dict[str, Any]:
    return yaml.safe_load(as_yaml(load_config(head=config.head))) if config.head in heads() else {}


def _lines(section: type[BaseModel], values: dict[str, Any], defaults: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, field in section.model_fields.items():
        key = field.alias or name
        value, default = values[key], defaults.get(key)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            lines += ["", *_comment(_first_line(inner), indent)] if not indent else _comment(_first_line(inner), indent)
            lines += [f"{indent}{key}:", *_lines(inner, value, default or {}, indent + "  ")]
            continue
        differs = key in defaults and value != default
        comment = f"{field.description or ''}{f' (default: {_shown(default)})' if differs else ''}".strip()
        lines += [*_comment(comment, indent), *_entry(key, value, indent)]
    return lines


def _first_line(section: type[BaseModel]) -> str:
    return (section.__doc__ or "").strip().split("\n")[0]


def _comment(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}#   ") if text else []


def _entry(key: str, value: Any, indent: str) -> list[str]:
    """`key: value`; a list on one line, or broken at the width."""
    style = None if isinstance(value, list) else False
    text = yaml.safe_dump({key: value}, default_flow_style=style, width=WIDTH, allow_unicode=True, sort_keys=False)
    return [indent + line for line in text.rstrip("\n").split("\n")]


def _shown(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10**6, allow_unicode=True).removesuffix("...\n").strip()
