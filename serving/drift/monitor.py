"""How far a scored batch has moved from the population that its model was calibrated on. Draws nothing, stops nothing.

Bins are counted, and counts add up: a batch in parts, or one that was resumed, gives the same report.
"""

import string
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...features.base.errors import DataError, UsageError
from ...features.base.read_table import read_small_table
from ..model.calibration import percentiles
from ..model.model_folder import ModelFolder
from ..model.population_stability import (
    BINS,
    DRIFTED,
    MIN_ROWS,
    WATCH,
    bins_of,
    bins_of_all,
    edges_of,
    index_of,
)
from ..model.profile import MISSING
from .adversarial_validation import tell_apart
from .score_diff import read_scored, version_of, wallets_of

if TYPE_CHECKING:
    from ..scoring.scorer import Scorer

AUC_WATCH, AUC_DRIFTED = 0.7, 0.85
"""ROC-AUC with which features tell the batch from the reference. Two seasons of one chain differ too: 0.5 never occurs."""
CALM, WATCHED, MOVED, FEW = "calm", "watch", "drifted", "too few rows"

SAMPLE = 500
"""Rows of a batch that are kept for the adversarial validation: those whose address and date have the smallest hashes.

Not the hash of their values: equal rows, which wallets with little history often have, would all be in the sample, or none."""
KEY = ("address", "as_of")
FOLDS, ROUNDS, NAMED = 2, 40, 5
_SMALL = {"learning_rate": 0.1, "num_leaves": 7, "min_data_in_leaf": 20, "feature_fraction": 0.3}
_hash_rows: Any = pd.util.hash_pandas_object  # pyright: ignore[reportAttributeAccessIssue] (public, but its types are not)
_NO_PROFILE = "the model has no profile of its features (it was trained before there was one): only scores are compared"


def batch_drift(model: ModelFolder, X: pd.DataFrame | None, percentile: Any) -> dict[str, Any]:
    """The drift of a batch that is in memory as a whole; see `BatchDrift`."""
    drift = BatchDrift(model)
    drift.add(X, percentile)
    return drift.report()


def drift_of_files(scorer: "Scorer", scores: Path, vectors: Path | None = None) -> dict[str, Any]:
    """The drift of a scored file, and of its features if the file of its vectors is given. Only vectors that were scored count.

    Raises:
        DataError: a file cannot be read, a feature is missing, or a scored row has no vector.
        UsageError: another model made the scores.
    """
    rows = read_scored(scores, ("address", "as_of", "percentile"))
    _refuse_other_models(rows, scorer.model, scores)
    percentile = pd.to_numeric(rows["percentile"], errors="coerce")
    if vectors is None:
        return batch_drift(scorer.model, None, percentile)
    scored = _keyed(rows).assign(percentile=percentile).dropna(subset="percentile").drop_duplicates(list(KEY))
    X = read_vectors(vectors, scorer.model).drop_duplicates(list(KEY)).merge(scored, on=list(KEY))
    if len(X) < len(scored):
        raise DataError(
            f"{vectors}: {len(scored) - len(X):,} of {len(scored):,} scored rows have no vector there; "
            "extract the addresses and dates that were scored"
        )
    return batch_drift(scorer.model, X, X["percentile"])


class BatchDrift:
    """Counts a batch piece by piece, against the reference population of its model."""

    def __init__(self, model: ModelFolder) -> None:
        profile = self.profile = model.profile
        known = percentiles(np.asarray(model.reference_margins.quantiles), model.reference_margins)
        self._edges = {"": edges_of(known)}
        self._expected = {"": self._count("", known)}
        if profile is not None:
            for name in model.features:
                self._edges[name] = np.asarray(profile.edges[name], dtype=np.float64)
                self._expected[name] = np.bincount(profile.sample(name), minlength=len(self._edges[name]) + 2)
        self._counted = {name: np.zeros_like(counts) for name, counts in self._expected.items()}
        self._sample: list[tuple[int, str]] = []

    @property
    def features(self) -> list[str]:
        """The features that are compared, in the model's order."""
        return [name for name in self._edges if name]

    def add(self, X: pd.DataFrame | None, percentile: Any) -> None:
        """Count rows that were scored.

        Args:
            X: their vectors as `extract` gives them: `address`, `as_of` and the model's features; None: only scores are counted.
            percentile: of each row, (rows,), as the scored row has it; unscored rows (NaN) are skipped.

        Raises:
            DataError: X lacks a column or has one twice, holds no numbers, or has another number of rows.
        """
        score = np.asarray(percentile, dtype=np.float64)
        scored = ~np.isnan(score)
        if X is not None:
            if len(X) != len(score):
                raise DataError(f"drift: got {len(X)} vectors and {len(score)} percentiles; one each is needed")
            if self.features:
                self._add_vectors(X if scored.all() else X.loc[scored])
        self._counted[""] += self._count("", score[scored])

    def _add_vectors(self, X: pd.DataFrame) -> None:
        values = _numbers(X, self.features)
        codes = bins_of_all(values, [self._edges[name] for name in self.features])
        for column, name in enumerate(self.features):
            self._counted[name] += np.bincount(codes[:, column], minlength=len(self._expected[name]))
        self._update_sample(_hash_rows(X[list(KEY)], index=False).to_numpy(), codes)

    def counts(self) -> dict[str, Any]:
        """The counts so far, as JSON can hold them; for `merge`."""
        return {
            "bins": {name: counts.tolist() for name, counts in self._counted.items()},
            "sample": [list(row) for row in self._sample],
        }

    def merge(self, counts: dict[str, Any]) -> None:
        """Add the counts of another part of the batch. Raises DataError if they were made against another model."""
        try:
            bins = {str(name): np.asarray(bin_counts, dtype=np.int64) for name, bin_counts in counts["bins"].items()}
            sample = [(int(key), str(row)) for key, row in counts["sample"]]
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise DataError("drift: these are not counts of a batch; count the batch anew") from None
        shapes = {name: own.shape for name, own in self._counted.items()}
        if {name: added.shape for name, added in bins.items()} != shapes:
            raise DataError("drift: these counts were made against another model; count the batch anew")
        if any((added < 0).any() for added in bins.values()) or not all(self._is_row(row) for _, row in sample):
            raise DataError("drift: these are not counts of a batch; count the batch anew")
        for name, added in bins.items():
            self._counted[name] = self._counted[name] + added
        self._sample = sorted(self._sample + sample)[:SAMPLE]

    def _is_row(self, row: str) -> bool:
        return len(row) == len(self.features) and set(row) <= {*string.digits, MISSING}

    def report(self) -> dict[str, Any]:
        """Index and verdict of the score and of each feature, and whether the features together tell the batch apart.

        The verdict of the batch is the score's. It is at least `watch` if a feature has drifted, or the features tell the batch
        apart. Fewer than 100 rows have no verdict. Numbers are rounded to six digits; a field that does not apply is None.
        """
        rows = int(self._counted[""].sum())
        features = {name: self._index(name) for name in self.features} if self.profile else None
        adversarial = self._adversarial() if self.profile else None
        moved = [name for name, index in (features or {}).items() if index["verdict"] == MOVED]
        score = self._index("")
        return {
            "rows": rows,
            "verdict": _worse(score["verdict"], bool(moved) or bool(adversarial and adversarial["verdict"] == MOVED)),
            "thresholds": {WATCHED: WATCH, MOVED: DRIFTED},
            "score": score,
            "features": features,
            "moved": sorted(moved, key=lambda name: (-(features or {})[name]["psi"], name)),
            "adversarial": adversarial,
            "note": None if self.profile else _NO_PROFILE,
        }

    def _index(self, name: str) -> dict[str, Any]:
        counted = self._counted[name]
        if counted.sum() < MIN_ROWS:
            return {"psi": None, "verdict": FEW}
        index = index_of(self._expected[name], counted)
        return {"psi": round(index, 6), "verdict": verdict_of(index, WATCH, DRIFTED)}

    def _count(self, name: str, values: np.ndarray) -> np.ndarray:
        edges = self._edges[name]
        return np.bincount(bins_of(values, edges), minlength=len(edges) + 2)

    def _update_sample(self, keys: np.ndarray, codes: np.ndarray) -> None:
        first = np.argsort(keys, kind="stable")[:SAMPLE]
        letters = np.array([*map(str, range(BINS)), MISSING])
        last = np.array([len(self._edges[name]) + 1 for name in self.features])
        marked = letters[np.where(codes[first] == last, BINS, codes[first])]
        rows = [(int(key), "".join(row)) for key, row in zip(keys[first], marked, strict=True)]
        self._sample = sorted(self._sample + rows)[:SAMPLE]

    def _adversarial(self) -> dict[str, Any] | None:
        """How well features tell rows of the batch from those of the reference; None if there are too few rows."""
        if self.profile is None or min(len(self._sample), self.profile.rows) < MIN_ROWS:
            return None
        ours = np.array([[_number(letter) for letter in row] for _, row in self._sample])
        theirs = np.column_stack([[_number(letter) for letter in self.profile.codes[name]] for name in self.features])
        held = np.arange(len(theirs) + len(ours)) % FOLDS
        X, kind = np.concatenate([theirs, ours]), np.repeat([0.0, 1.0], [len(theirs), len(ours)])
        folds = ((np.flatnonzero(held != fold), np.flatnonzero(held == fold)) for fold in range(FOLDS))
        auc, used = tell_apart(X, kind, folds, _SMALL, ROUNDS)
        verdict = verdict_of(auc, AUC_WATCH, AUC_DRIFTED)
        return {"roc_auc": round(auc, 6), "verdict": verdict, "by": [self.features[column] for column in used[:NAMED]]}


def verdict_of(value: float, watch: float, moved: float) -> str:
    """`calm`, `watch` or `drifted`."""
    return MOVED if value >= moved else WATCHED if value >= watch else CALM


def read_vectors(path: Path, model: ModelFolder) -> pd.DataFrame:
    """Address, date and the model's features, from a file of `walletprint extract`. Raises DataError if one is missing."""
    _, frame = read_small_table(path, "vectors")
    if missing := [name for name in (*KEY, *model.features) if name not in frame.columns]:
        raise DataError(f"{path}: the column {missing[0]} is missing; give vectors that `walletprint extract` wrote")
    return pd.concat([_keyed(frame), frame.loc[:, list(model.features)]], axis=1)


def _keyed(rows: pd.DataFrame) -> pd.DataFrame:
    """Address and date of each row, the same for every spelling of them."""
    dates = pd.to_datetime(rows["as_of"], utc=True, format="ISO8601", errors="coerce")
    return pd.DataFrame({"address": wallets_of(rows["address"]), "as_of": dates.dt.as_unit("us")})


def _refuse_other_models(rows: pd.DataFrame, model: ModelFolder, path: Path) -> None:
    versions = {version_of(cell) for cell in (rows["model"] if "model" in rows.columns else [])} - {""}
    if others := sorted(versions - {model.version}):
        raise UsageError(
            f"{path}: scored by version {others[0]:.50} of a model, and {model.name} is version {model.version}; "
            "give the model that scored it"
        )


def _worse(verdict: str, moved: bool) -> str:
    return WATCHED if moved and verdict == CALM else verdict


def _number(letter: str) -> float:
    return np.nan if letter == MISSING else float(letter)


def _numbers(X: pd.DataFrame, names: list[str]) -> np.ndarray:
    """The features' columns, (rows, features). Raises DataError, as `add` does."""
    columns = [*KEY, *names]
    if missing := [name for name in columns if name not in X.columns]:
        raise DataError(
            f"drift: the column {missing[0]} is missing among the vectors; extract them with this model's window"
        )
    if twice := [name for name in columns if list(X.columns).count(name) > 1]:
        raise DataError(f"drift: the column {twice[0]} occurs twice; keep one")
    try:
        return X[names].to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise DataError(f"drift: all columns must hold numbers ({' '.join(str(error).split())})") from None
