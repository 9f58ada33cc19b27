"""A trained model as a folder of plain files that anyone can read, check and copy. Neither trains nor applies the model.

    manifest.json   format and the sha256 of every other file
    model.txt       the trees, in LightGBM's text format
    model.json      everything else: features, calibration, thresholds, reference, labels, metrics, versions
    README.md       the model card
    manifest.sig    only if it was signed (`signature.py`)

No pickle: loading a model reads text, checks it and runs no code.
"""

import hashlib
import json
import math
import os
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, field_validator, model_validator

from ...features.base.atomic_write import write_folder_atomically
from ...features.base.errors import DataError, UsageError, WalletprintError
from ...features.base.periods import parse_window
from ...features.families.registry import catalogue, features_hash
from .profile import Profile
from .signature import SIGNATURE, check_signature, signed

FORMAT = "walletprint-model/2"
MANIFEST, MODEL, TREES, CARD = "manifest.json", "model.json", "model.txt", "README.md"
FILES = (MODEL, TREES, CARD)
LARGEST = {MANIFEST: 1 << 16, SIGNATURE: 1 << 10, MODEL: 1 << 24, TREES: 1 << 26, CARD: 1 << 22}
"""Bytes that a file may have: many times what a model needs, and still read in seconds."""
QUANTILES = 1001

Probability = Annotated[float, Field(ge=0, le=1)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Calibration(_Section):
    """How a raw margin (log-odds) becomes a probability; see `calibration.calibrate`.

    `isotonic`: knots, linear between, clipped outside. `sigmoid`: x = [a], y = [b], p = 1 / (1 + exp(−(a·margin + b))).
    `venn_abers`: steps; y[0] below x[0], y[i + 1] from x[i] on. `none`: p = 1 / (1 + exp(−margin)).
    """

    method: Literal["isotonic", "sigmoid", "venn_abers", "none"] = "none"
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        need = {"none": 0, "sigmoid": 1}.get(self.method, max(1, len(self.x)))
        heights = need + (self.method == "venn_abers")
        if len(self.x) != need or len(self.y) != heights:
            raise ValueError(f"{self.method} needs {need} x and {heights} y, not {len(self.x)} and {len(self.y)}")
        if self.method in ("isotonic", "venn_abers"):
            self._check_knots()
        return self

    def _check_knots(self) -> None:
        if any(b <= a for a, b in zip(self.x, self.x[1:], strict=False)):
            raise ValueError("the knots' x must rise")
        if list(self.y) != sorted(self.y) or self.y[0] < 0 or self.y[-1] > 1:
            raise ValueError("the knots' y must never fall, and lie between 0 and 1")


class Bands(_Section):
    """The score at which each band begins; below `low` the band is `none`."""

    low: Probability
    medium: Probability
    high: Probability
    severe: Probability

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.low <= self.medium <= self.high <= self.severe:
            raise ValueError("low, medium, high and severe must rise")
        return self


class ReferenceMargins(_Section):
    """The raw margin of the reference population at 0 %, 0.1 %, … 100 % (`calibration.reference_margins`)."""

    quantiles: tuple[float, ...] = Field(min_length=QUANTILES, max_length=QUANTILES)

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, quantiles: tuple[float, ...]) -> tuple[float, ...]:
        if list(quantiles) != sorted(quantiles):
            raise ValueError("the quantiles must never fall")
        return quantiles


class ModelFolder(_Section):
    """One model: its trees and everything needed to apply and judge it. `version` is a content id, computed if not given.

    Attributes:
        name: its name, as registered.
        head: what it scores: "laundering", "state_linked".
        features: the columns of the trees, in their order; `features_hash` is the catalogue's digest of their formulas.
        window: period before `as_of` that the features see, such as "90d"; "all" for no limit.
        min_transfers: fewer transfers than this in the window are not scored.
        bands, threshold: on the calibrated score; `threshold_policy` says in words how they were set.
        reference_margins: raw margins of the reference population.
        reference_quartiles: quartiles (25, 50, 75 %) of each feature in it; None if the feature is never defined there.
        profile: deciles and a sample of that population, with which batches are compared; None in older models.
        trained_until: ISO date; training saw nothing later.
        labels: what counted as positive and negative.
        metrics: NaN is stored as null.
        trees: LightGBM's text format. card: the model card, Markdown.
    """

    name: Name
    head: Name
    version: str = ""
    features: tuple[str, ...] = Field(min_length=1)
    features_hash: str
    window: str
    min_transfers: int = Field(ge=1)
    calibration: Calibration
    bands: Bands
    threshold: Probability
    threshold_policy: str
    reference_margins: ReferenceMargins
    reference_quartiles: dict[str, tuple[float, float, float] | None]
    profile: Profile | None = None
    trained_until: str
    labels: dict[str, JsonValue]
    metrics: dict[str, JsonValue]
    data_digest: str
    seed: int
    versions: dict[str, str]
    trees: str = Field(min_length=1, repr=False)
    card: str = Field(min_length=1, repr=False)

    @field_validator("metrics", "labels", mode="before")
    @classmethod
    def _null_for_nan(cls, value: Any) -> Any:
        return _without_nan(value)

    @field_validator("trained_until")
    @classmethod
    def _is_date(cls, text: str) -> str:
        return date.fromisoformat(text).isoformat()

    @field_validator("window")
    @classmethod
    def _is_window(cls, text: str) -> str:
        try:
            parse_window(text)
        except WalletprintError as error:
            raise ValueError(str(error)) from None
        return text

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if len(set(self.features)) != len(self.features):
            raise ValueError("a feature is listed twice")
        if set(self.reference_quartiles) != set(self.features):
            raise ValueError("`reference_quartiles` and `features` must name the same features")
        if self.profile is not None and set(self.profile.edges) != set(self.features):
            raise ValueError("`profile` and `features` must name the same features")
        content = _sha256(self.trees.encode() + b"\0" + self._json(without="version"))[:16]
        if self.version not in ("", content):
            raise ValueError(f"version {self.version} does not belong to this content, which is {content}")
        object.__setattr__(self, "version", content)
        return self

    def _json(self, without: str | None = None) -> bytes:
        """The canonical bytes of model.json."""
        left_out = (
            {"trees", "card"} | ({without} if without else set()) | ({"profile"} if self.profile is None else set())
        )
        values = self.model_dump(mode="json", exclude=left_out)
        return (json.dumps(values, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write the folder whole or not at all; the same model gives the same bytes. Returns its path.

        An older model folder there is replaced. Raises UsageError if something else is there, DataError if the folder
        cannot be written.
        """
        target = Path(folder)
        _check_replaceable(target)
        files = {MODEL: self._json(), TREES: self.trees.encode(), CARD: self.card.encode()}
        manifest = {"format": FORMAT, "files": {name: _sha256(data) for name, data in sorted(files.items())}}
        files[MANIFEST] = (json.dumps(manifest, indent=1) + "\n").encode()
        files |= signed(files[MANIFEST])
        write_folder_atomically(target, lambda folder: _write_files(folder, files))
        return target

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Read a model folder and check all but its trees, which the scorer checks (`checked_trees`, serving/model/trees.py).

        Raises:
            DataError: something is not as it was saved. One line names the file.
        """
        path = Path(folder)
        try:
            files = _checked_files(path)
        except OSError as error:
            raise DataError(f"{error.filename or path}: cannot be read ({error.strerror or error})") from None
        document = files[MODEL].removesuffix(b"\n")
        try:
            values = _read_json(document)
            if not isinstance(values, dict) or {"trees", "card"} & set(values):
                raise ValueError("not the object that walletprint writes")
            values |= {"trees": files[TREES].decode(), "card": files[CARD].decode()}
            model = cls.model_validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            raise DataError(
                f"{path / MODEL}: {_first_mistake(error)}; take a fresh copy of the model, or retrain it"
            ) from None
        except (ValueError, RecursionError, MemoryError) as error:
            cause = " ".join(str(error).split())[:200] or type(error).__name__
            raise DataError(
                f"{path / MODEL}: cannot be read ({cause}); take a fresh copy of the model, or retrain it"
            ) from None
        _check_catalogue(model, path)
        return model


def _checked_files(path: Path) -> dict[str, bytes]:
    """The files' bytes, each with the right checksum. Opens only the known names, even if the manifest lists others."""
    if not path.is_dir():
        raise DataError(f"{path}: no such model folder; give a folder that `walletprint train --out` wrote")
    checksums = _manifest(path)
    if extra := _first_extra(path):
        raise DataError(
            f"{path / extra}: does not belong to a model folder ({', '.join((MANIFEST, *FILES))}); move it elsewhere"
        )
    return {name: _checked_file(path / name, checksums[name]) for name in FILES}


def _first_extra(path: Path) -> str | None:
    """A name that no model folder has."""
    return min((entry.name for entry in path.iterdir() if entry.name not in LARGEST), default=None)


def _manifest(path: Path) -> dict[str, str]:
    """Names and checksums of the files, once the format and, if a key is set, the signature are checked."""
    file = path / MANIFEST
    if not file.is_file():
        raise DataError(
            f"{file}: missing, so this is not a model folder; give a folder that `walletprint train --out` wrote"
        )
    data = _bytes_of(file)
    check_signature(data, path)
    try:
        manifest = _read_json(data)
        file_format, files = manifest["format"], manifest["files"]
    except (ValueError, TypeError, KeyError, RecursionError, MemoryError):
        raise DataError(
            f"{file}: not a manifest (JSON with format and files); take a fresh copy of the model"
        ) from None
    if file_format != FORMAT:
        raise DataError(
            f"{file}: made by another version of walletprint: format {file_format!r}, this one reads {FORMAT}; "
            "retrain the model, or install the version that made it"
        )
    if not isinstance(files, dict) or set(files) != set(FILES):
        raise DataError(f"{file}: must list exactly {', '.join(FILES)}; take a fresh copy of the model")
    return files


def _checked_file(file: Path, checksum: str) -> bytes:
    if not file.is_file():
        raise DataError(f"{file}: missing from the model folder; take a fresh copy of the model")
    data = _bytes_of(file)
    if _sha256(data) != checksum:
        raise DataError(
            f"{file}: was changed after it was saved (sha256 differs from {MANIFEST}); take a fresh copy of the model"
        )
    return data


def _bytes_of(file: Path) -> bytes:
    """A file's bytes. Refuses a link, and a file larger than a model's can be."""
    if file.is_symlink():
        raise DataError(f"{file}: a link to another file; a model folder holds its files itself, copy the file there")
    if (size := file.stat().st_size) > (most := LARGEST[file.name]):
        raise DataError(f"{file}: {size:,} bytes, and at most {most:,} are read; this is not a model of walletprint")
    return file.read_bytes()


def _read_json(data: bytes) -> Any:
    """JSON in which no key occurs twice. Raises ValueError or RecursionError."""
    return json.loads(data, object_pairs_hook=_unique_keys)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(values := dict(pairs)) != len(pairs):
        raise ValueError("a key occurs twice")
    return values


def _check_catalogue(model: ModelFolder, path: Path) -> None:
    """Refuse a model whose features mean something else here than where it was trained."""
    here = {feature.name for feature in catalogue()}
    remedy = "retrain the model, or install the version that made it"
    made = f"made by another version of walletprint ({model.versions.get('walletprint', 'unknown')})"
    if unknown := [name for name in model.features if name not in here]:
        raise DataError(f"{path / MODEL}: {made}: feature {unknown[0]} is not known here; {remedy}")
    if (ours := features_hash(model.features)) != model.features_hash:
        differs = f"its features are defined differently here ({model.features_hash}, here {ours})"
        raise DataError(f"{path / MODEL}: {made}: {differs}; {remedy}")


def _check_replaceable(target: Path) -> None:
    if not target.exists():
        return
    present = {entry.name for entry in target.iterdir()} if target.is_dir() else None
    if present is None or not present <= set(LARGEST):
        raise UsageError(
            f"{target}: exists and is not a model folder; give a new folder, or one that holds only an older model"
        )


def _write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).write_bytes(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _first_mistake(error: ValidationError) -> str:
    """The first mistake, in one line."""
    first = error.errors(include_url=False, include_input=False)[0]
    key = ".".join(str(name) for name in first["loc"])
    return f"{key + ': ' if key else ''}{first['msg']}".replace("\n", " ")[:300]


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
