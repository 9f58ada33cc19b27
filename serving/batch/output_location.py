"""Where a batch writes: a folder of parts, or one file into which the parts are joined. Scores nothing."""

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
from .batch_records import first_difference, read_json, write_json
from .disk import write_output

_RUN = ".run"
"""The folder of what an unfinished run needs to continue; removed when it is done."""


@dataclass(frozen=True, slots=True)
class OutputLocation:
    """The output of a batch.

    Attributes:
        out: the folder or file that the caller named.
        folder: where parts are written: `out`, or a hidden folder beside the file.
        manifest: written last: it says that the output is complete.
        lock: held by the run that writes.
    """

    out: Path
    folder: Path
    manifest: Path
    lock: Path

    @classmethod
    def from_path(cls, out: Path) -> OutputLocation:
        """A path with the suffix of a table is a file, one without is a folder. Raises UsageError for other suffixes."""
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
    def request_file(self) -> Path:
        """The request of the run that began here."""
        return self.folder / _RUN / "request.json"

    @property
    def quarantine(self) -> Path:
        """The rejects of an output that is one file; the folder of them where there are parts."""
        return self.out.with_name(f"{self.out.stem}.bad-addresses.parquet") if self.is_file else self.out / "quarantine"

    def part_files(self, number: int) -> tuple[str, str, Path]:
        """The scores and the rejects of a part, below `folder`; and its record."""
        name = f"part-{number:06}"
        return f"scores/{name}.parquet", f"quarantine/{name}.parquet", self.folder / _RUN / f"{name}.json"

    def complete(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """The manifest, if the output of this very request is here, complete and undamaged."""
        manifest = read_json(self.manifest)
        if manifest is None or first_difference(manifest, request):
            return None
        files = manifest.get("files")
        folder = self.manifest.parent
        whole = isinstance(files, dict) and all(_has_sha256(folder / name, sha) for name, sha in files.items())
        return manifest if whole else None

    def begin(self, request: dict[str, Any], resume: bool) -> dict[str, Any]:
        """Prepare for parts, and keep those of this batch if it is resumed. Returns the request of the run that began it.

        Raises:
            UsageError: something is here that must not be overwritten.
            DataError: the output cannot be written.
        """
        begun = read_json(self.request_file)
        if resume:
            self._refuse_other(request, begun or (None if self.is_file else read_json(self.manifest)))
        elif self.is_file:
            shutil.rmtree(self.folder, ignore_errors=True)
        elif begun is not None:
            raise UsageError(
                f"{self.out}: holds an unfinished run; continue it with --resume, remove it, or give another --out"
            )
        elif other := read_json(self.manifest):
            difference = first_difference(other, request)
            damage = "scores that were changed afterwards; --resume makes them anew"
            raise UsageError(
                f"{self.out}: holds {f'the scores of another {difference}' if difference else damage}; "
                "remove it, or give another --out"
            )
        if begun is None or not resume:
            self._refuse_strangers()
            shutil.rmtree(self.request_file.parent, ignore_errors=True)
            write_json(self.request_file, request)
            begun = request
        if not self.is_file:
            self.manifest.unlink(missing_ok=True)
        return begun

    def _refuse_other(self, request: dict[str, Any], begun: dict[str, Any] | None) -> None:
        if begun is not None and (difference := first_difference(begun, request)):
            raise UsageError(
                f"{self.out}: was begun with another {difference}; --resume continues only with the same one: "
                "give it, or give another --out"
            )

    def _refuse_strangers(self) -> None:
        if self.is_file or not self.out.exists():
            return
        ours = {_RUN, "scores", "quarantine", self.manifest.name, self.manifest.name + UNFINISHED}
        is_output = self.manifest.exists() or (self.out / _RUN).exists()
        strangers = sorted(path.name for path in self.out.iterdir() if not is_output or path.name not in ours)
        if strangers:
            raise UsageError(f"{self.out}: holds other files ({strangers[0][:80]}); give a new folder")

    def finished_part(self, number: int) -> dict[str, Any] | None:
        """The record of a part that is complete and undamaged; None if the part must be made."""
        scores, rejects, record_file = self.part_files(number)
        record = read_json(record_file)
        if record is None or not _has_sha256(self.folder / scores, record.get("sha256")):
            return None
        sha = record.get("quarantined", {}).get("sha256")
        return record if sha is None or _has_sha256(self.folder / rejects, sha) else None

    def finish(self, manifest: dict[str, Any]) -> None:
        """Join the parts if the output is one file, write the manifest last, and clear up."""
        parts = manifest["parts"]
        if self.is_file:
            tables = (pq.read_table(self.folder / part["file"]) for part in parts)
            files = {self.out.name: write_output(self.out, lambda file: join_scores(tables, self.out.suffix, file))}
            if rejects := [self.folder / self.part_files(k)[1] for k, part in enumerate(parts) if _has_rejects(part)]:
                files[self.quarantine.name] = write_output(self.quarantine, lambda file: _join(rejects, file))
            manifest = manifest | {"parts": [{"rows": manifest["rows"]}]}
        else:
            files = dict(self._files_of(parts))
        write_json(self.manifest, manifest | {"files": files})
        self.clear()

    def _files_of(self, parts: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
        for number, part in enumerate(parts):
            yield part["file"], part["sha256"]
            if _has_rejects(part):
                yield self.part_files(number)[1], part["quarantined"]["sha256"]

    def drop_parts(self) -> None:
        """Remove parts that hold no row."""
        for name in ("scores", "quarantine"):
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def clear(self) -> None:
        """Remove what only an unfinished run needs."""
        shutil.rmtree(self.folder if self.is_file else self.folder / _RUN, ignore_errors=True)
        if self.out.parent.is_dir():
            sync(self.out.parent)


def _has_rejects(part: dict[str, Any]) -> bool:
    return part["quarantined"]["rejects"] > 0


def _join(paths: list[Path], file: BinaryIO) -> None:
    with pq.ParquetWriter(file, pq.read_schema(paths[0]), compression="zstd") as writer:
        for path in paths:
            writer.write_table(pq.read_table(path))


def _has_sha256(path: Path, sha: object) -> bool:
    try:
        return isinstance(sha, str) and sha256_of(path) == sha
    except OSError:
        return False
