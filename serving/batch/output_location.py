"""Where a batch's output lies: a folder of parts, or one file that parts are joined into. Scores nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

from ...features.base.atomic_write import UNFINISHED, sha256_of, sync
from ...features.base.errors import UsageError
from ..scoring.output import SUFFIXES, join_scores
from .disk import write_output
from .record import difference, read_json, write_json

_RUN = ".run"
"""What a run needs to go on; gone when it is done."""


@dataclass(frozen=True, slots=True)
class Place:
    """An output.

    Attributes:
        out: what was asked for: a folder, or a file.
        folder: where parts lie: `out`, or a hidden folder beside the file.
        manifest: what tells that the output is complete.
        lock: held by the run that writes.
    """

    out: Path
    folder: Path
    manifest: Path
    lock: Path

    @classmethod
    def of(cls, out: Path) -> Place:
        """The place that a name stands for: one with the suffix of a table is a file. Raises UsageError for other suffixes."""
        lock = out.with_name(f".{out.name}.lock")
        if out.suffix.lower() in SUFFIXES:
            return cls(out, out.with_name(f".{out.name}.parts"), out.with_name(f"{out.name}.manifest.json"), lock)
        if out.suffix or (out.exists() and not out.is_dir()):
            raise UsageError(
                f"{out}: scores go to a folder (a name without suffix) or to a file that ends in {', '.join(SUFFIXES)}"
            )
        return cls(out, out, out / "manifest.json", lock)

    @property
    def is_file(self) -> bool:
        """Whether the output is one file."""
        return self.folder != self.out

    @property
    def asked(self) -> Path:
        """What the run that began here was asked."""
        return self.folder / _RUN / "asked.json"

    def names(self, number: int) -> tuple[str, str, Path]:
        """Of a part: its scores and what was set aside, below `folder`; and its record."""
        name = f"part-{number:06}"
        return f"scores/{name}.parquet", f"set_aside/{name}.parquet", self.folder / _RUN / f"{name}.json"

    def complete(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The manifest, if this very batch lies here complete and undamaged."""
        manifest = read_json(self.manifest)
        if manifest is None or difference(manifest, asked):
            return None
        files = manifest.get("files")
        whole = isinstance(files, dict) and all(_is(self.manifest.parent / name, sha) for name, sha in files.items())
        return manifest if whole else None

    def begin(self, asked: dict[str, Any], resume: bool) -> dict[str, Any]:
        """Make ready for parts, keeping those of this batch if it is resumed; what was asked when it began.

        Raises:
            UsageError: if there is something here that is not to be written over.
            DataError: if the place cannot be written.
        """
        begun = read_json(self.asked)
        if resume:
            self._refuse_other(asked, begun or (None if self.is_file else read_json(self.manifest)))
        elif self.is_file:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif begun is not None:
            raise UsageError(
                f"{self.out}: holds an unfinished run; --resume goes on with it, or remove it, or give another --out"
            )
        elif other := read_json(self.manifest):
            what = difference(other, asked)
            damage = "scores that were changed afterwards; --resume makes them anew"
            raise UsageError(
                f"{self.out}: holds {f'the scores of another {what}' if what else damage}; remove it, or give another --out"
            )
        if begun is None or not resume:
            self._refuse_strangers()
            shutil.rmtree(self.asked.parent, ignore_errors=True)
            write_json(self.asked, asked)
            begun = asked
        if not self.is_file:
            self.manifest.unlink(missing_ok=True)
        return begun

    def _refuse_other(self, asked: dict[str, Any], begun: dict[str, Any] | None) -> None:
        if begun is not None and (what := difference(begun, asked)):
            raise UsageError(
                f"{self.out}: was begun with another {what}; --resume goes on with the same one only: "
                "give it, or give another --out"
            )

    def _refuse_strangers(self) -> None:
        if self.is_file or not self.out.exists():
            return
        ours = {_RUN, "scores", "set_aside", self.manifest.name, self.manifest.name + UNFINISHED}
        known = self.manifest.exists() or (self.out / _RUN).exists()
        strangers = sorted(path.name for path in self.out.iterdir() if not known or path.name not in ours)
        if strangers:
            raise UsageError(f"{self.out}: holds other files ({strangers[0][:80]}); give a new folder")

    def kept(self, number: int) -> dict[str, Any] | None:
        """The record of a part that is done and whole; None if it is to be made."""
        scores, aside, place = self.names(number)
        record = read_json(place)
        if record is None or not _is(self.folder / scores, record.get("sha256")):
            return None
        sha = record.get("set_aside", {}).get("sha256")
        return record if sha is None or _is(self.folder / aside, sha) else None

    def finish(self, manifest: dict[str, Any]) -> None:
        """Join the parts if the output is one file, write the manifest last, and clear up."""
        parts = manifest["parts"]
        if self.is_file:
            tables = (pq.read_table(self.folder / part["file"]) for part in parts)
            files = {self.out.name: write_output(self.out, lambda file: join_scores(tables, self.out.suffix, file))}
            if aside := [self.folder / self.names(k)[1] for k, part in enumerate(parts) if part["set_aside"]["places"]]:
                files[self.aside.name] = write_output(self.aside, lambda file: _joined(aside, file))
            manifest = manifest | {"parts": [{"rows": manifest["rows"]}]}
        else:
            files = dict(_files_of(self, parts))
        write_json(self.manifest, manifest | {"files": files})
        self.clear()

    @property
    def aside(self) -> Path:
        """What was set aside, of an output that is one file; a folder where there are parts."""
        return self.out.with_name(f"{self.out.stem}.bad-addresses.parquet") if self.is_file else self.out / "set_aside"

    def drop_parts(self) -> None:
        """Remove parts that hold no row."""
        for name in ("scores", "set_aside"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def clear(self) -> None:
        """Remove what only an unfinished run needs."""
        shutil.rmtree(self.folder if self.is_file else self.folder / _RUN, ignore_errors=True)
        if self.out.parent.is_dir():
            sync(self.out.parent)


def _files_of(place: Place, parts: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for number, part in enumerate(parts):
        yield part["file"], part["sha256"]
        if sha := part["set_aside"].get("sha256"):
            yield place.names(number)[1], sha


def _joined(places: list[Path], file: BinaryIO) -> None:
    with pq.ParquetWriter(file, pq.read_schema(places[0]), compression="zstd") as writer:
        for place in places:
            writer.write_table(pq.read_table(place))


def _is(place: Path, sha: object) -> bool:
    try:
        return isinstance(sha, str) and sha256_of(place) == sha
    except OSError:
        return False
