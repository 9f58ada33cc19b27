"""Atomic writing: the old content or the new, and nothing else, however the writing ends."""

from pathlib import Path

import pytest

from walletprint.features.base import atomic_write
from walletprint.features.base.atomic_write import sha256_of, write_atomically, write_folder_atomically
from walletprint.features.base.errors import DataError


def write(text: str, path: Path) -> None:
    write_atomically(path, lambda file: file.write(text.encode()))


def write_folder(text: str, folder: Path) -> None:
    write_folder_atomically(folder, lambda new: (new / "a.txt").write_text(text))


def texts(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_file_is_written_and_replaced_and_nothing_else_is_left(tmp_path):
    for text in ("old", "new"):
        write(text, tmp_path / "made" / "a.txt")
        assert texts(tmp_path) == {"made/a.txt": text}
    assert sha256_of(tmp_path / "made" / "a.txt") == "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437"


def test_a_folder_is_written_and_replaced_and_nothing_else_is_left(tmp_path):
    for text in ("old", "new"):
        write_folder(text, tmp_path / "made" / "folder")
        assert texts(tmp_path) == {"made/folder/a.txt": text}


@pytest.mark.parametrize(
    ("writer", "step"),
    [(write, "open_new"), (write, "sync"), (write, "move"), (write_folder, "sync"), (write_folder, "move")],
)
@pytest.mark.parametrize(
    ("failure", "reported"), [(OSError(28, "disk full"), DataError), (KeyboardInterrupt(), KeyboardInterrupt)]
)
def test_where_a_step_fails_the_old_content_stands(tmp_path, monkeypatch, writer, step, failure, reported):
    writer("old", tmp_path / "target")
    before = texts(tmp_path)

    def fail(*given: object) -> None:
        raise failure

    with monkeypatch.context() as patch:
        patch.setattr(atomic_write, step, fail)
        with pytest.raises(reported):
            writer("new", tmp_path / "target")
    assert texts(tmp_path) == before


def test_a_folder_that_cannot_be_moved_into_place_gives_way_to_the_old_one(tmp_path, monkeypatch):
    write_folder("old", tmp_path / "target")
    real, moves = atomic_write.move, []

    def move(path: Path, target: Path) -> None:
        moves.append(target)
        if len(moves) == 2:
            raise OSError(28, "disk full")
        real(path, target)

    monkeypatch.setattr(atomic_write, "move", move)
    with pytest.raises(DataError, match=r"cannot be written \(disk full\); give another place"):
        write_folder("new", tmp_path / "target")
    assert texts(tmp_path) == {"target/a.txt": "old"}
