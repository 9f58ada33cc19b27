"""A config as a commented YAML file: every key with its value and what it does. Made from the config's types; checks nothing."""

import textwrap
from typing import Any

import yaml
from pydantic import BaseModel

from .train_config import TrainConfig, as_yaml, heads, load_config

WIDTH = 110


def as_commented_yaml(config: TrainConfig) -> str:
    """The whole config as YAML that `load_config` reads back to an equal one, each key under a comment that says what it does.

    Where a value is not the default of its head, the comment names that default.
    """
    values, usual = yaml.safe_load(as_yaml(config)), _usual(config)
    origin = f"of the head {config.head}" if usual else f"of {config.head}, a head of its own"
    opening = f"# A training config of walletprint, {origin}. What you leave out of a config has these values.\n\n"
    return opening + "\n".join(_lines(TrainConfig, values, usual, "")) + "\n"


def _usual(config: TrainConfig) -> dict[str, Any]:
    return yaml.safe_load(as_yaml(load_config(head=config.head))) if config.head in heads() else {}


def _lines(section: type[BaseModel], values: dict[str, Any], usual: dict[str, Any], indent: str) -> list[str]:
    lines = []
    for name, field in section.model_fields.items():
        key = field.alias or name
        value, default = values[key], usual.get(key)
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            lines += ["", *_comment(_first_line(inner), indent)] if not indent else _comment(_first_line(inner), indent)
            lines += [f"{indent}{key}:", *_lines(inner, value, default or {}, indent + "  ")]
            continue
        differs = key in usual and value != default
        said = f"{field.description or ''}{f' (default: {_shown(default)})' if differs else ''}".strip()
        lines += [*_comment(said, indent), *_entry(key, value, indent)]
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
