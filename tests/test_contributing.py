"""CONTRIBUTING.md is followed to the letter, in a scratch copy of the repository.

A section "A …" is a worked example. Its fenced blocks are applied in their order:

- `sh`: commands, run at the top of the copy;
- anything else: text for a file. The first line says where, as a comment of the file's language: `# FILE` (a new file),
  `# FILE, at the end`, ``# FILE, before `LINE` `` or ``# FILE, after `LINE` ``. LINE is how one line of the file begins.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SECTIONS = dict(
    re.findall(r"^## (A .+?)\n(.*?)(?=^## [A-Z]|\Z)", (REPOSITORY / "CONTRIBUTING.md").read_text(), re.M | re.S)
)
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
WHERE = re.compile(r"^\W+ (?P<file>[\w./-]+)(?:, (?P<side>before|after|at the end)(?: `(?P<line>.+)`)?)?$")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A copy of the repository's files, with a `.venv`, and a folder `site` in which `walletprint` is the copy."""
    copy = tmp_path / "walletprint"
    listed = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (REPOSITORY / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((REPOSITORY / name).read_bytes())
    (copy / ".venv").symlink_to(sys.prefix)
    folders = tomllib.loads((copy / "pyproject.toml").read_text())["tool"]["setuptools"]["package-dir"]
    package = tmp_path / "site" / "walletprint"
    package.mkdir(parents=True)
    for name, folder in folders.items():
        inner = name.partition(".")[2]
        for path in [copy / folder] if inner else (copy / folder).iterdir():
            (package / (inner or path.name)).symlink_to(path)
    return copy


def write(block: str, copy: Path) -> None:
    """Put the text of a block where its first line says."""
    first, _, text = block.partition("\n")
    where = WHERE.match(first)
    assert where, f"the first line of a block says where the rest goes; this one does not: {first}"
    path = copy / where["file"]
    if where["side"] is None:
        assert not path.exists(), f"{where['file']} exists: say where in it"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return
    lines = path.read_text().splitlines(keepends=True)
    position = len(lines)
    if where["line"]:
        found = [k for k, line in enumerate(lines) if line.strip().startswith(where["line"])]
        assert len(found) == 1, f"{len(found)} lines of {where['file']} begin with {where['line']!r}; name one"
        position = found[0] + (where["side"] == "after")
    path.write_text("".join([*lines[:position], text, *lines[position:]]))


def run(commands: str, copy: Path) -> None:
    """Run the commands of a block; the copy is what they import."""
    environment = os.environ | {"PYTHONPATH": str(copy.parent / "site")}
    ended = subprocess.run(["bash", "-euc", commands], cwd=copy, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, f"{commands}\n{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"


@pytest.mark.parametrize("title", [title for title, text in SECTIONS.items() if BLOCK.search(text)])
def test_a_worked_example_works(title: str, scratch: Path):
    blocks = BLOCK.findall(SECTIONS[title])
    assert any(language == "sh" for language, _ in blocks), f"{title}: no command shows that it works"
    for language, block in blocks:
        if language == "sh":
            run(block, scratch)
        else:
            write(block, scratch)


def test_the_three_things_that_people_add_have_a_section():
    assert {"A feature", "A source", "A protocol"} <= set(SECTIONS)


def test_the_table_names_files_that_exist_and_what_is_in_them():
    text = (REPOSITORY / "CONTRIBUTING.md").read_text().partition("## Where things are")[2].partition("\n## ")[0]
    paths = re.findall(r"`([^`]*/[^`]*)`", text)
    assert [path for path in paths if not list(REPOSITORY.glob(path))] == []
    names = re.findall(r"`([\w.]+)` in `([^`]+\.py)`", text)
    assert names
    defined = r"^ *(?:def|class) {0}\b|^{0}\b.* = "
    missing = [(name, path) for name, path in names
               if not re.search(defined.format(name.rpartition(".")[2]), (REPOSITORY / path).read_text(), re.M)]  # fmt: skip
    assert missing == []
