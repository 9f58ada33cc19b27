"""Applies a model folder to wallets: one scored, explained row per address, in the order given. Immutable."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from ...features.base.errors import DataError, UsageError
from ...features.extraction.extractor import coverage, extract
from ...features.families.registry import feature
from ...features.ledger.ledger import Ledger
from ..explain.contributions import Explainer
from ..explain.predictor import Predictor
from ..explain.reasons import TOP, group_by_behaviour, reasons_of
from ..model import model_registry as registry
from ..model.bundled_models import bundled_folder
from ..model.calibration import bands_of, calibrate, percentiles
from ..model.model_folder import TREES, ModelFolder
from ..model.trees import checked_trees
from .output import SCORES_SCHEMA
from .requests import requested_rows
from .row_columns import (
    TEST_ADDRESSES,
    caller_column_of_frame,
    coverages,
    facts_of,
    fill_tests,
    frame_of,
    kind_of,
    objects,
    reason_lists,
    repeated,
    scoring_time,
    shortages,
    table_of,
    unscored,
)

Progress = Callable[[int, int], None]
Watch = Callable[[pd.DataFrame, np.ndarray], None]
COLUMNS = tuple(SCORES_SCHEMA.names)
EXPLAINED_ROWS = ("flagged", "all", "none")
_MEMORY = 128_000_000  # bytes of features at once; exposure and cohorts read all transfers again for each piece
_EXACT = 1e-9


def check_reasons(reasons: str) -> None:
    """Raise UsageError unless `reasons` is a word of EXPLAINED_ROWS."""
    if reasons not in EXPLAINED_ROWS:
        raise UsageError(f"reasons: one of {', '.join(EXPLAINED_ROWS)} is allowed, not {reasons!r}")


@dataclass(frozen=True, slots=True)
class Scorer:
    """A loaded model, ready to score. Nothing in it changes, so threads may share it.

    Attributes:
        model: everything about the model except its trees.
        predictor: the trees, for LightGBM's predictions.
        explainer: the same trees, for contributions.
    """

    model: ModelFolder
    predictor: Predictor
    explainer: Explainer

    @classmethod
    def load(cls, source: str | os.PathLike[str], tracking_uri: str | None = None) -> Self:
        """Load a model folder, or one registered in MLflow (only this imports MLflow). Runs no code of the model's.

        Args:
            source: a folder, `models:/name@alias` or `models:/name/3`; `reference` or `reference:state_linked` for a model
                that comes with walletprint.
            tracking_uri: of the MLflow store for `models:/…`; None: the one that MLflow is set to.

        Raises:
            DataError: the folder is missing, incomplete, edited, malformed or of another version of walletprint.
            UsageError: MLflow or the registered model is missing, or there is no such reference model.
        """
        if str(source).startswith(registry.PREFIX):
            with registry.fetched(str(source), tracking_uri) as folder:
                return cls.load(folder)
        folder = bundled_folder(source) or Path(source)
        model = ModelFolder.load(folder)
        return cls._with_trees(model, folder / TREES)

    @classmethod
    def from_model(cls, model: ModelFolder) -> Self:
        """A scorer from a model in memory. Raises DataError if its trees cannot be read."""
        return cls._with_trees(model, Path(TREES))

    @classmethod
    def _with_trees(cls, model: ModelFolder, path: Path) -> Self:
        trees, predictor = _checked_trees(model, path)
        return cls(model, predictor, Explainer.from_trees(trees, len(model.features)))

    def score(
        self,
        addresses: Any,
        transfers: Any,
        as_of: Any = None,
        on_progress: Progress | None = None,
        *,
        reasons: str = "flagged",
        scored_at: datetime | None = None,
    ) -> pd.DataFrame:
        """Score addresses.

        Args:
            addresses: a sequence of strings, or a frame with a column `address` and perhaps `as_of`; its other columns
                are echoed. Duplicates are kept.
            transfers: a Ledger, or anything that `Ledger.from_transfers` takes.
            as_of: a date (text, date, datetime, Timestamp; UTC if it names no zone) for all rows without one in the frame.
            on_progress: called with (wallets done, wallets in all).
            reasons: which rows get them: `flagged`, `all` or `none`.
            scored_at: the time that the rows carry (UTC if it names no zone); None: now.

        Returns:
            One row per address in the order given, with the columns COLUMNS as `docs/scoring.md` describes them. A row whose
            address is malformed, or that has fewer than `min_transfers` transfers in the window, has band `unscored`,
            score NaN and an `error`.

        Raises:
            UsageError: `addresses` has no column `address`, there is no date or `as_of` is not one, or `reasons` is another word.
            DataError: the transfers cannot be read.
        """
        return frame_of(
            self.score_table(addresses, transfers, as_of, on_progress, reasons=reasons, scored_at=scored_at)
        )

    def score_table(
        self,
        addresses: Any,
        transfers: Any,
        as_of: Any = None,
        on_progress: Progress | None = None,
        *,
        reasons: str = "flagged",
        scored_at: datetime | None = None,
        watch: Watch | None = None,
    ) -> pa.Table:
        """Score addresses, as `score` does, to an Arrow table in SCORES_SCHEMA, as batches need it.

        `watch` is called with the vectors that were scored and their percentiles: each different wallet and date once, in pieces.
        """
        check_reasons(reasons)
        requested = requested_rows(addresses, as_of)
        ledger = self._ledger(transfers)
        test = _test_bands(requested)
        good = (requested["error"].isna() & test.isna()).to_numpy()
        keys = requested.loc[good, ["wallet", "as_of"]]
        position = np.full(len(requested), -1)
        position[good] = keys.groupby(["wallet", "as_of"], sort=False).ngroup()
        snapshots = keys.drop_duplicates(ignore_index=True).rename(columns={"wallet": "address"})
        position[~good] = len(snapshots)
        flat, nested = self._score_snapshots(ledger, snapshots, on_progress, reasons, watch)
        rows = flat.iloc[position].reset_index(drop=True)
        rows["error"] = requested["error"].where(requested["error"].notna(), rows["error"])
        columns = self._constant_columns(len(requested), scoring_time(scored_at)) | _taken(nested, position)
        columns |= {"address": requested["address"], "as_of": requested["as_of"]}
        columns["caller_columns"] = caller_column_of_frame(addresses, len(requested))
        flat: Any = fill_tests(rows, test, self.model)
        return table_of(columns | {name: flat[name] for name in flat.columns})

    def score_batches(
        self,
        batches: Iterable[pa.RecordBatch],
        transfers: Any,
        as_of: Any = None,
        *,
        reasons: str = "flagged",
        scored_at: datetime | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Score a stream: each batch has the columns that `score` takes, and gives a batch in SCORES_SCHEMA, in the order given.

        The arguments and errors are those of `score`; all rows carry one `scored_at`. One batch is in memory at a time.
        """
        ledger, time = self._ledger(transfers), scoring_time(scored_at)
        for batch in batches:
            table = self.score_table(_pandas(batch), ledger, as_of, reasons=reasons, scored_at=time)
            scored = table.combine_chunks().to_batches()
            yield scored[0] if scored else pa.RecordBatch.from_pylist([], SCORES_SCHEMA)

    def score_one(
        self, address: str, transfers: Any, as_of: Any, *, scored_at: datetime | None = None
    ) -> dict[str, Any]:
        """Score one address for a person to read: the row of `score`, with what every behaviour and every feature adds.

        Returns:
            The columns COLUMNS, missing values as None; `margin` and `base` (log-odds; None if unscored); and `contributions`:
            like `reasons`, but of all behaviours, each with `parts`: its features as reasons of their own, the largest first.
            The contributions and `base` add up to `margin`.

        Raises:
            UsageError, DataError: as `score` does.
        """
        ledger = self._ledger(transfers)
        row = self.score_table([address], ledger, as_of, reasons="all", scored_at=scored_at).to_pylist()[0]
        if row["score"] is None or row["test"]:
            return row | {"margin": None, "base": None, "contributions": []}
        requested = requested_rows([address], as_of)
        wallet = pd.DataFrame({"address": requested["wallet"], "as_of": requested["as_of"]})
        X = extract(ledger, wallet, window=self.model.window, features=self.model.features)
        added = self.contributions(X).iloc[0]
        margin = float(self.score_features(X)["margin"].iloc[0])
        return row | {"margin": margin, "base": float(added["base"]), "contributions": self._all_reasons(X, added)}

    def _all_reasons(self, X: pd.DataFrame, contributions: pd.Series) -> list[dict[str, Any]]:
        """Every behaviour's reason, with those of its features."""
        declared, values = [feature(name) for name in self.model.features], self._matrix(X)[0]
        added, groups = np.asarray(contributions)[: len(declared)], group_by_behaviour(declared)
        whole = reasons_of(declared, groups, values, added, self.model.reference_quartiles, top=None)
        alone = groups._replace(names=tuple(groups.names[k] for k in groups.group), group=np.arange(len(declared)))
        single = reasons_of(declared, alone, values, added, self.model.reference_quartiles, top=None)
        return [
            reason | {"parts": [part for part in single if part["behaviour"] == reason["behaviour"]]}
            for reason in whole
        ]

    def _ledger(self, transfers: Any) -> Ledger:
        return transfers if isinstance(transfers, Ledger) else Ledger.from_transfers(transfers, self.model.features)

    def score_features(self, X: pd.DataFrame) -> pd.DataFrame:
        """Score vectors that `extract` computed with this model's window.

        Returns:
            A frame with the index of `X`: margin (log-odds), score, percentile, band, flagged.

        Raises:
            DataError: a feature of the model is missing, occurs twice, or is not numeric.
        """
        margin = self.predictor.margins(self._matrix(X))
        score = calibrate(margin, self.model.calibration)
        return pd.DataFrame(
            {
                "margin": margin,
                "score": score,
                "percentile": percentiles(margin, self.model.reference_margins),
                "band": pd.array(bands_of(score, self.model.bands), dtype="str"),
                "flagged": score >= self.model.threshold,
            },
            index=X.index,
        )

    def contributions(self, X: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the margin of each row, in log-odds, and `base`; a row's sum is its margin.

        Exact tree SHAP values, equal to LightGBM's own `pred_contrib` to 1e-9. Raises DataError as `score_features` does.
        """
        values = self.explainer.contributions(self._matrix(X))
        return pd.DataFrame(values, columns=[*self.model.features, "base"], index=X.index)

    def _matrix(self, X: pd.DataFrame) -> np.ndarray:
        """The model's columns in the model's order: LightGBM itself scores reordered columns wrongly, without a warning."""
        names = list(self.model.features)
        if missing := [name for name in names if name not in X.columns]:
            raise DataError(f"missing features: {', '.join(missing)}; run extract with this model's features")
        try:
            matrix = X[names].to_numpy(dtype=np.float64, na_value=np.nan)
        except (TypeError, ValueError) as error:
            raise DataError(f"features: all columns must hold numbers ({' '.join(str(error).split())})") from None
        if matrix.shape[1] != len(names):
            raise DataError(f"features: a column occurs twice among {', '.join(map(str, X.columns))}; keep one")
        return matrix

    def _score_snapshots(
        self, ledger: Ledger, snapshots: pd.DataFrame, on_progress: Progress | None, reasons: str, watch: Watch | None
    ) -> tuple[pd.DataFrame, dict[str, pa.Array]]:
        """Flat and nested columns: one row per snapshot, then one for rows without a snapshot (a malformed address)."""
        seen = coverage(ledger, snapshots, window=self.model.window)
        rows, explained = unscored(len(snapshots) + 1), []
        rows["error"] = objects([*shortages(ledger, seen, self.model), None])
        enough = np.flatnonzero(seen["transfers"].to_numpy() >= self.model.min_transfers)
        for chunk, progress in _chunks(enough, len(self.model.features), on_progress):
            keys, window, names = snapshots.iloc[chunk], self.model.window, self.model.features
            X = extract(ledger, keys, window=window, features=names, on_progress=progress)
            scored = self.score_features(X)
            if watch is not None:
                watch(X, scored["percentile"].to_numpy())
            which = np.full(len(X), reasons == "all") if reasons != "flagged" else scored["flagged"].to_numpy()
            explained.append((chunk[which], self.reasons_for(X, scored.pop("margin"), which)))
            for name in scored.columns:
                rows[name] = _replaced(rows.loc[:, name], chunk, scored.loc[:, name])
        nested = {"coverage": coverages(ledger, seen), "reasons": reason_lists(explained, len(rows))}
        return rows, nested | facts_of(ledger, seen)

    def reasons_for(self, X: pd.DataFrame, margin: pd.Series, explained: np.ndarray) -> list[list[dict[str, Any]]]:
        """The reasons of the rows that are explained. Raises DataError if contributions do not add up to a margin."""
        declared = [feature(name) for name in self.model.features]
        groups = group_by_behaviour(declared)
        X = X.loc[explained]
        contributions = self.contributions(X)
        if not np.allclose(contributions.sum(axis=1), margin[explained], rtol=_EXACT, atol=_EXACT):
            model = f"{self.model.name} {self.model.version}"
            raise DataError(f"model {model}: its contributions do not add up to its margin; retrain it")
        added = contributions[list(self.model.features)].to_numpy()
        return [
            reasons_of(declared, groups, *row, self.model.reference_quartiles, TOP)
            for row in zip(self._matrix(X), added, strict=True)
        ]

    def _constant_columns(self, rows: int, time: pd.Timestamp) -> dict[str, Any]:
        """The columns that are the same in all rows."""
        model = self.model
        about = {
            "name": model.name,
            "version": model.version,
            "trained_until": model.trained_until,
            "features_hash": model.features_hash,
        }
        return {
            "head": pa.repeat(model.head, rows),
            "threshold": pa.repeat(float(model.threshold), rows),
            "model": repeated(about, "model", rows),
            "scored_at": pa.repeat(pa.scalar(time, kind_of("scored_at")), rows),
        }


def _checked_trees(model: ModelFolder, path: Path) -> tuple[str, Predictor]:
    """The trees, checked against the model's features: as text, and ready to predict."""
    try:
        trees = checked_trees(model.trees, model.features)
        return trees, Predictor(trees)
    except ValueError as error:
        raise DataError(
            f"{path}: {' '.join(str(error).split())}; take a fresh copy of the model, or retrain it"
        ) from None


def _chunks(
    positions: np.ndarray, features: int, on_progress: Progress | None
) -> Iterator[tuple[np.ndarray, Progress | None]]:
    """Positions in pieces of bounded memory, each with a callback that reports its progress by transfers."""
    size, wallets = max(1, _MEMORY // (8 * features)), len(positions)
    for start in range(0, wallets, size):
        chunk = positions[start : start + size]

        def within(done: int, total: int, start: int = start, n: int = len(chunk)) -> None:
            if on_progress:
                on_progress(start + n * done // max(total, 1), wallets)

        yield chunk, within if on_progress else None


def _test_bands(requested: pd.DataFrame) -> pd.Series:
    """The band that the scorer answers for a test address; None for all others."""
    bands = np.full(len(requested), None, dtype=object)
    for row in np.flatnonzero(requested["wallet"].isin(list(TEST_ADDRESSES)) & requested["error"].isna()):
        bands[row] = TEST_ADDRESSES[str(requested["wallet"].iloc[row])]
    return pd.Series(bands)


def _taken(nested: dict[str, pa.Array], positions: np.ndarray) -> dict[str, pa.Array]:
    """The rows at some positions; nothing is copied if these are the first ones, in order."""
    if np.array_equal(positions, np.arange(len(positions))):
        return {name: array.slice(0, len(positions)) for name, array in nested.items()}
    return {name: array.take(pa.array(positions)) for name, array in nested.items()}


def _replaced(column: pd.Series, positions: np.ndarray, values: pd.Series) -> pd.Series:
    """The column with other values at some positions, of the same type."""
    whole = column.array.copy()
    whole[positions] = values.array
    return pd.Series(whole, index=column.index)


def _pandas(batch: pa.RecordBatch) -> pd.DataFrame:
    """A batch as a frame, with times in UTC: what Arrow does with zones is deprecated in pandas."""
    frame = pd.DataFrame(
        {name: column.to_pandas() for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    )
    zoned = [name for name in frame.columns if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]
    return frame.assign(**{name: frame[name].dt.tz_convert("UTC") for name in zoned})
