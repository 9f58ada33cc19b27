"""Applies a model folder to wallets: one scored, explained row an address, in the order asked. Holds no state."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from ..features.catalogue import feature
from ..features.errors import DataError
from ..features.exposure import facts
from ..features.extract import coverage, extract
from ..features.ledger import Ledger
from . import registry
from .asked import asked_rows
from .calibration import UNSCORED, bands_of, calibrate, percentiles
from .model_folder import TREES, ModelFolder
from .reasons import reasons_of
from .references import reference_folder
from .trees import checked_trees

if TYPE_CHECKING:
    import lightgbm

Progress = Callable[[int, int], None]
COLUMNS = (
    "address",
    "as_of",
    "head",
    "score",
    "percentile",
    "band",
    "flagged",
    "threshold",
    "reasons",
    "exposure",
    "labels",
    "coverage",
    "model",
    "error",
)
_CHUNK = 1_000
_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Scorer:
    """A loaded model, ready to score. Nothing in it changes, so threads may share it.

    Attributes:
        model: everything about the model but its trees.
        booster: the trees.
    """

    model: ModelFolder
    booster: lightgbm.Booster

    @classmethod
    def load(cls, source: str | os.PathLike[str], tracking_uri: str | None = None) -> Self:
        """Load a model folder, or one registered in MLflow (only this imports MLflow). Runs no code of the model's.

        Args:
            source: a folder, `models:/name@alias` or `models:/name/3`; `reference` or `reference:state_linked` for a model that
                comes with walletprint.
            tracking_uri: of the MLflow store for `models:/…`; None for the one that MLflow is set to.

        Raises:
            DataError: if the folder is missing, incomplete, edited, malformed or of another version of walletprint.
            UsageError: if MLflow or the registered model is missing, or there is no such reference.
        """
        if str(source).startswith(registry.PREFIX):
            with registry.fetched(str(source), tracking_uri) as folder:
                return cls.load(folder)
        folder = reference_folder(source) or Path(source)
        model = ModelFolder.load(folder)
        return cls(model, _booster(model, folder / TREES))

    @classmethod
    def of(cls, model: ModelFolder) -> Self:
        """A scorer of a model that is in memory. Raises DataError if its trees cannot be read."""
        return cls(model, _booster(model, Path(TREES)))

    def score(
        self, addresses: Any, transfers: Any, as_of: Any = None, on_progress: Progress | None = None
    ) -> pd.DataFrame:
        """Score addresses.

        Args:
            addresses: a sequence of strings, or a frame with a column `address` and perhaps `as_of`. Duplicates stay.
            transfers: a Ledger, or anything that `Ledger.from_transfers` takes.
            as_of: a date (text, date, datetime, Timestamp; UTC if it names no zone) for all without one in the frame.
            on_progress: called with (wallets done, wallets in all).

        Returns:
            One row an address in the order asked, with the columns COLUMNS as `docs/scoring.md` describes them. What is
            no address, or has fewer than `min_transfers` transfers in the window, has band `unscored`, score NaN and an
            `error`.

        Raises:
            UsageError: if `addresses` has no column `address`, or a date is missing or is none.
            DataError: if the transfers cannot be read.
        """
        asked = asked_rows(addresses, as_of)
        ledger = transfers if isinstance(transfers, Ledger) else Ledger.from_transfers(transfers, self.model.features)
        good = asked["error"].isna().to_numpy()
        keys = asked.loc[good, ["wallet", "as_of"]]
        place = np.full(len(asked), -1)
        place[good] = keys.groupby(["wallet", "as_of"], sort=False).ngroup()
        snapshots = keys.drop_duplicates(ignore_index=True).rename(columns={"wallet": "address"})
        rows = self._score_snapshots(ledger, snapshots, on_progress).iloc[place].reset_index(drop=True)
        return self._frame(asked, rows)

    def score_features(self, X: pd.DataFrame) -> pd.DataFrame:
        """Score behavioural vectors that `extract` computed with this model's window.

        Returns:
            A frame with the index of `X`: margin (log-odds), score, percentile, band, flagged.

        Raises:
            DataError: if a feature of the model is missing among the columns, is there twice, or is not numeric.
        """
        margin = self._predict(self._matrix(X), raw_score=True)
        score = calibrate(margin, self.model.calibration)
        return pd.DataFrame(
            {
                "margin": margin,
                "score": score,
                "percentile": percentiles(margin, self.model.reference),
                "band": pd.array(bands_of(score, self.model.bands), dtype="str"),
                "flagged": score >= self.model.threshold,
            },
            index=X.index,
        )

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the margin of each row, in log-odds, and `base`; a row's sum is its margin.

        LightGBM's own exact tree SHAP values (Lundberg et al. 2020). Raises DataError as `score_features` does.
        """
        values = self._predict(self._matrix(X), pred_contrib=True)
        return pd.DataFrame(values, columns=[*self.model.features, "base"], index=X.index)

    def _predict(self, matrix: np.ndarray, **kind: bool) -> np.ndarray:
        if not len(matrix):  # LightGBM refuses an empty matrix
            return np.empty((0, matrix.shape[1] + 1) if "pred_contrib" in kind else 0)
        return np.asarray(self.booster.predict(matrix, **kind), dtype=np.float64)

    def _matrix(self, X: pd.DataFrame) -> np.ndarray:
        """The model's columns in the model's order: LightGBM itself scores reordered columns wrongly, in silence."""
        names = list(self.model.features)
        if missing := [name for name in names if name not in X.columns]:
            raise DataError(
                f"features: {self.model.name} needs {', '.join(missing)}, which did not come; extract them first"
            )
        try:
            matrix = X[names].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise DataError(f"features: numbers are needed in all columns ({' '.join(str(error).split())})") from None
        if matrix.shape[1] != len(names):
            raise DataError(f"features: a column came twice among {', '.join(map(str, X.columns))}; keep one")
        return matrix

    def _score_snapshots(self, ledger: Ledger, snapshots: pd.DataFrame, on_progress: Progress | None) -> pd.DataFrame:
        """A row a snapshot, and a last one for what has no snapshot: an address that is none."""
        seen = coverage(ledger, snapshots, window=self.model.window)
        enough = seen["transfers"].to_numpy() >= self.model.min_transfers
        rows = _unscored(len(snapshots) + 1)
        rows["coverage"] = [*_coverages(seen), _no_coverage()]
        rows["error"] = pd.Series([*self._shortages(ledger, seen), None], dtype=object)
        rows["exposure"], rows["labels"] = _facts(ledger, seen)
        for chunk in _chunks(np.flatnonzero(enough), on_progress):
            X = extract(ledger, snapshots.iloc[chunk], window=self.model.window, features=self.model.features)
            scored = self.score_features(X)
            scored["reasons"] = self._reasons(X, scored.pop("margin"))
            rows.loc[chunk, scored.columns] = scored.set_axis(chunk, axis=0)
        return rows

    def _shortages(self, ledger: Ledger, seen: pd.DataFrame) -> Iterator[str | None]:
        """Why a snapshot cannot be scored, or None."""
        known = ledger.ids(seen["address"]) >= 0
        least = self.model.min_transfers
        for found, n, as_of in zip(known, seen["transfers"], seen["as_of"], strict=True):
            if n >= least:
                yield None
            elif not found:
                yield "no history: this address is in none of the transfers"
            elif n == 0:
                yield f"no history: no transfer {self._period(as_of)}"
            else:
                yield f"too little history: transfers {self._period(as_of)}: {n}, this model needs {least}"

    def _period(self, as_of: pd.Timestamp) -> str:
        span = "" if self.model.window == "all" else f"in the {self.model.window} "
        return f"{span}before {as_of:%Y-%m-%d %H:%M:%S} UTC".replace(" 00:00:00 UTC", "")

    def _reasons(self, X: pd.DataFrame, margin: pd.Series) -> list[list[dict[str, Any]]]:
        """The reasons of each row. No row goes out whose contributions do not add up to its margin."""
        declared = [feature(name) for name in self.model.features]
        contributions = self.contributions(X)
        if not np.allclose(contributions.sum(axis=1), margin, rtol=_EXACT, atol=_EXACT):
            model = f"{self.model.name} {self.model.version}"
            raise DataError(f"model {model}: its contributions do not add up to its margin; retrain it")
        parts = contributions[list(self.model.features)].to_numpy()
        rows = zip(self._matrix(X), parts, strict=True)
        return [reasons_of(declared, values, part, self.model.usual) for values, part in rows]

    def _frame(self, asked: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
        model = self.model
        about = {
            "name": model.name,
            "version": model.version,
            "trained_until": model.trained_until,
            "features_hash": model.features_hash,
        }
        frame = rows.assign(
            address=asked["address"],
            as_of=asked["as_of"],
            head=pd.Series(model.head, index=rows.index, dtype="str"),
            threshold=pd.Series(model.threshold, index=rows.index, dtype="float64"),
            model=pd.Series([dict(about) for _ in range(len(rows))], dtype=object),
            error=asked["error"].where(asked["error"].notna(), rows["error"]).astype("str"),
        )
        return frame.loc[:, list(COLUMNS)]


def _booster(model: ModelFolder, place: Path) -> lightgbm.Booster:
    """The trees, checked against the model's features."""
    import lightgbm  # here, for it imports scikit-learn where that is installed

    try:
        return lightgbm.Booster(model_str=checked_trees(model.trees, model.features))
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise DataError(
            f"{place}: {' '.join(str(error).split())}; take a fresh copy of the model, or retrain it"
        ) from None


def _unscored(n: int) -> pd.DataFrame:
    """Rows of the scored columns' types, none of them scored."""
    return pd.DataFrame(
        {
            "score": np.full(n, np.nan),
            "percentile": np.full(n, np.nan),
            "band": pd.array([UNSCORED] * n, dtype="str"),
            "flagged": np.zeros(n, dtype=bool),
            "reasons": pd.Series([[] for _ in range(n)], dtype=object),
        }
    )


def _facts(ledger: Ledger, seen: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Exposure and labels of each snapshot, and of a last one for what has none; None where the ledger has no labels."""
    if ledger.book is None:
        nothing = pd.Series([None] * (len(seen) + 1), dtype=object)
        return nothing, nothing
    date = (seen["as_of"] - pd.Timestamp(0, tz="UTC")).dt.total_seconds().to_numpy().astype(np.int64)
    found = facts(ledger, ledger.ids(seen["address"]), date)
    for fact in itertools.chain.from_iterable(found[0]):
        fact["first"], fact["last"] = (pd.Timestamp(fact[name], unit="s", tz="UTC") for name in ("first", "last"))
    exposure, labels = (pd.Series([*rows, []], dtype=object) for rows in found)
    return exposure, labels


def _coverages(seen: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """One fact a column of `coverage`; None where nothing was seen."""
    names = ["transfers", "first", "last", "priced_share"]
    for row in zip(*(seen[name].tolist() for name in names), strict=True):
        yield {name: None if pd.isna(value) else value for name, value in zip(names, row, strict=True)}


def _no_coverage() -> dict[str, Any]:
    return {"transfers": 0, "first": None, "last": None, "priced_share": None}


def _chunks(positions: np.ndarray, on_progress: Progress | None) -> Iterator[np.ndarray]:
    """Positions in pieces that bound the memory; reports each as done when the next is asked for."""
    for start in range(0, len(positions), _CHUNK):
        chunk = positions[start : start + _CHUNK]
        yield chunk
        if on_progress:
            on_progress(start + len(chunk), len(positions))
