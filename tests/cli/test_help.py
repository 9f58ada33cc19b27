"""Help texts reach the reader as they were written: nothing in them is taken for markup and lost."""

import re

import click
import pytest
import typer
from typer.testing import CliRunner

from walletprint.cli.main import app


def commands(group: click.Command, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    """Every command below a group, with the words that call it."""
    inner = getattr(group, "commands", {})
    return [(path, group), *(pair for name, one in inner.items() for pair in commands(one, (*path, name)))]


COMMANDS = commands(typer.main.get_command(app))


def words(text: str) -> str:
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize(("path", "command"), COMMANDS, ids=[" ".join(path) or "walletprint" for path, _ in COMMANDS])
def test_every_text_is_shown_whole(path, command):
    shown = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "1000", "TERMINAL_WIDTH": "1000"})
    assert shown.exit_code == 0
    texts = [command.help, *(getattr(parameter, "help", None) for parameter in command.params)]
    missing = [text for text in texts if text and words(text) not in words(shown.output)]
    assert not missing
