"""Applies a model folder to wallets: one scored, explained row an address, in the order asked. Holds no state."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa

from ..features.catalogue import feature
from ..features.errors import DataError, UsageError
from ..features.extract import coverage, extract
from ..features.ledger import Ledger
from . import registry
from .asked import asked_rows
from .calibration import bands_of, calibrate, percentiles
from .contributions import Explainer
from .model_folder import TREES, ModelFolder
from .output import SCORES_SCHEMA, scores_table
from .reasons import TOP, groups_of, reasons_of
from .references import reference_folder
from .rows import TEST_ADDRESSES, coverages, echoed, facts_of, fill_tests, moment_of, objects, unscored
from .trees import checked_trees

if TYPE_CHECKING:
    import lightgbm

Progress = Callable[[int, int], None]
COLUMNS = tuple(SCORES_SCHEMA.names)
REASONS = ("flagged", "all", "none")
_MEMORY = 128_000_000  # bytes of features at once; exposure and cohorts go through all transfers for each piece
_EXACT = 1e-9


@dataclass(frozen=True, slots=True)
class Scorer:
    """A loaded model, ready to score. Nothing in it changes, so threads may share it.

    Attributes:
        model: everything about the model but its trees.
        booster: the trees, as LightGBM predicts with them.
        explainer: the same trees, for contributions.
    """

    model: ModelFolder
    booster: lightgbm.Booster
    explainer: Explainer

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
        return cls._with_trees(model, folder / TREES)

    @classmethod
    def of(cls, model: ModelFolder) -> Self:
        """A scorer of a model that is in memory. Raises DataError if its trees cannot be read."""
        return cls._with_trees(model, Path(TREES))

    @classmethod
    def _with_trees(cls, model: ModelFolder, place: Path) -> Self:
        trees, booster = _booster(model, place)
        return cls(model, booster, Explainer.of(trees, len(model.features)))

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
                are echoed. Duplicates stay.
            transfers: a Ledger, or anything that `Ledger.from_transfers` takes.
            as_of: a date (text, date, datetime, Timestamp; UTC if it names no zone) for all without one in the frame.
            on_progress: called with (wallets done, wallets in all).
            reasons: which rows get them: `flagged`, `all` or `none`.
            scored_at: the moment that the rows carry (UTC if it names no zone); None for now.

        Returns:
            One row an address in the order asked, with the columns COLUMNS as `docs/scoring.md` describes them. What is
            no address, or has fewer than `min_transfers` transfers in the window, has band `unscored`, score NaN and an
            `error`.

        Raises:
            UsageError: if `addresses` has no column `address`, a date is missing or is none, or `reasons` is another word.
            DataError: if the transfers cannot be read.
        """
        if reasons not in REASONS:
            raise UsageError(f"reasons: one of {', '.join(REASONS)} is allowed, not {reasons!r}")
        asked = asked_rows(addresses, as_of)
        ledger = self._ledger(transfers)
        test = _test_bands(asked)
        good = (asked["error"].isna() & test.isna()).to_numpy()
        keys = asked.loc[good, ["wallet", "as_of"]]
        place = np.full(len(asked), -1)
        place[good] = keys.groupby(["wallet", "as_of"], sort=False).ngroup()
        snapshots = keys.drop_duplicates(ignore_index=True).rename(columns={"wallet": "address"})
        rows = self._score_snapshots(ledger, snapshots, on_progress, reasons).iloc[place].reset_index(drop=True)
        frame = self._frame(asked, rows, moment_of(scored_at), echoed(addresses))
        return fill_tests(frame, test, self.model)

    def score_batches(
        self,
        batches: Iterable[pa.RecordBatch],
        transfers: Any,
        as_of: Any = None,
        *,
        reasons: str = "flagged",
        scored_at: datetime | None = None,
    ) -> Iterator[pa.RecordBatch]:
        """Score a stream: each batch has the columns that `score` takes, and gives a batch in SCORES_SCHEMA, in the order asked.

        The arguments and errors are those of `score`; all rows carry one `scored_at`. One batch is in memory at a time.
        """
        ledger, moment = self._ledger(transfers), moment_of(scored_at)
        for batch in batches:
            frame = self.score(_pandas(batch), ledger, as_of, reasons=reasons, scored_at=moment)
            found = scores_table(frame).combine_chunks().to_batches()
            yield found[0] if found else pa.RecordBatch.from_pylist([], SCORES_SCHEMA)

    def score_one(
        self, address: str, transfers: Any, as_of: Any, *, scored_at: datetime | None = None
    ) -> dict[str, Any]:
        """Score one address for a person: the row of `score`, with what every behaviour and every feature adds.

        Returns:
            The columns COLUMNS, missing ones as None; `margin` and `base` (log-odds; None if unscored); and `contributions`: as
            `reasons`, but of all behaviours, each with `parts`, its features as reasons of their own, the largest first.
            The contributions and `base` add up to `margin`.

        Raises:
            UsageError, DataError: as `score`.
        """
        ledger = self._ledger(transfers)
        frame = self.score([address], ledger, as_of, reasons="all", scored_at=scored_at)
        row = scores_table(frame).to_pylist()[0]
        nothing: dict[str, Any] = {"margin": None, "base": None, "contributions": []}
        if row["score"] is None or row["test"]:
            return row | nothing
        asked = asked_rows([address], as_of)
        wallet = pd.DataFrame({"address": asked["wallet"], "as_of": asked["as_of"]})
        X = extract(ledger, wallet, window=self.model.window, features=self.model.features)
        parts = self.contributions(X).iloc[0]
        margin = float(self.score_features(X)["margin"].iloc[0])
        return row | {"margin": margin, "base": float(parts["base"]), "contributions": self._all_reasons(X, parts)}

    def _all_reasons(self, X: pd.DataFrame, parts: pd.Series) -> list[dict[str, Any]]:
        """Every behaviour's reason, with those of its features."""
        declared, values = [feature(name) for name in self.model.features], self._matrix(X)[0]
        added, groups = np.asarray(parts)[: len(declared)], groups_of(declared)
        found = reasons_of(declared, groups, values, added, self.model.usual, top=None)
        alone = groups._replace(names=tuple(groups.names[k] for k in groups.of), of=np.arange(len(declared)))
        single = reasons_of(declared, alone, values, added, self.model.usual, top=None)
        return [
            reason | {"parts": [part for part in single if part["behaviour"] == reason["behaviour"]]}
            for reason in found
        ]

    def _ledger(self, transfers: Any) -> Ledger:
        return transfers if isinstance(transfers, Ledger) else Ledger.from_transfers(transfers, self.model.features)

    def score_features(self, X: pd.DataFrame) -> pd.DataFrame:
        """Score behavioural vectors that `extract` computed with this model's window.

        Returns:
            A frame with the index of `X`: margin (log-odds), score, percentile, band, flagged.

        Raises:
            DataError: if a feature of the model is missing among the columns, is there twice, or is not numeric.
        """
        margin = self._margin(self._matrix(X))
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

        Exact tree SHAP values, equal to LightGBM's own `pred_contrib` to 1e-9. Raises DataError as `score_features` does.
        """
        values = self.explainer.contributions(self._matrix(X))
        return pd.DataFrame(values, columns=[*self.model.features, "base"], index=X.index)

    def _margin(self, matrix: np.ndarray) -> np.ndarray:
        if not len(matrix):  # LightGBM refuses an empty matrix
            return np.empty(0)
        return np.asarray(self.booster.predict(matrix, raw_score=True), dtype=np.float64)

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

    def _score_snapshots(
        self, ledger: Ledger, snapshots: pd.DataFrame, on_progress: Progress | None, reasons: str
    ) -> pd.DataFrame:
        """A row a snapshot, and a last one for what has no snapshot: an address that is none."""
        seen = coverage(ledger, snapshots, window=self.model.window)
        rows = unscored(len(snapshots) + 1)
        rows["coverage"] = objects(coverages(ledger, seen))
        rows["error"] = objects([*self._shortages(ledger, seen), None])
        rows = rows.assign(**facts_of(ledger, seen))
        enough = np.flatnonzero(seen["transfers"].to_numpy() >= self.model.min_transfers)
        for chunk, progress in _chunks(enough, len(self.model.features), on_progress):
            keys, window, names = snapshots.iloc[chunk], self.model.window, self.model.features
            X = extract(ledger, keys, window=window, features=names, on_progress=progress)
            scored = self.score_features(X)
            explained = np.full(len(X), reasons == "all") if reasons != "flagged" else scored["flagged"].to_numpy()
            scored["reasons"] = self._reasons(X, scored.pop("margin"), explained)
            for name in scored.columns:
                rows[name] = _put(rows.loc[:, name], chunk, scored.loc[:, name])
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

    def _reasons(self, X: pd.DataFrame, margin: pd.Series, explained: np.ndarray) -> pd.Series:
        """The reasons of the rows that are explained. No row goes out whose contributions do not add up to its margin."""
        declared = [feature(name) for name in self.model.features]
        groups, found = groups_of(declared), [[] for _ in range(len(X))]
        some = X.loc[explained]
        contributions = self.contributions(some)
        if not np.allclose(contributions.sum(axis=1), margin[explained], rtol=_EXACT, atol=_EXACT):
            model = f"{self.model.name} {self.model.version}"
            raise DataError(f"model {model}: its contributions do not add up to its margin; retrain it")
        parts = contributions[list(self.model.features)].to_numpy()
        for place, values, part in zip(np.flatnonzero(explained), self._matrix(some), parts, strict=True):
            found[place] = reasons_of(declared, groups, values, part, self.model.usual, TOP)
        return objects(found)

    def _frame(
        self, asked: pd.DataFrame, rows: pd.DataFrame, moment: pd.Timestamp, echo: pd.Series | None
    ) -> pd.DataFrame:
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
            model=objects(dict(about) for _ in range(len(rows))),
            scored_at=pd.Series(moment, index=rows.index, dtype="datetime64[us, UTC]"),
            test=np.zeros(len(rows), dtype=bool),
            reference=objects([None] * len(rows)) if echo is None else echo,
            error=asked["error"].where(asked["error"].notna(), rows["error"]).astype("str"),
        )
        return frame.loc[:, list(COLUMNS)]


def _booster(model: ModelFolder, place: Path) -> tuple[str, lightgbm.Booster]:
    """The trees, checked against the model's features: as text, and ready to predict."""
    import lightgbm  # here, for it imports scikit-learn where that is installed

    try:
        trees = checked_trees(model.trees, model.features)
        return trees, lightgbm.Booster(model_str=trees)
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise DataError(
            f"{place}: {' '.join(str(error).split())}; take a fresh copy of the model, or retrain it"
        ) from None


def _chunks(
    positions: np.ndarray, features: int, on_progress: Progress | None
) -> Iterator[tuple[np.ndarray, Progress | None]]:
    """Positions in pieces that bound the memory, and what tells of the progress in each, by transfers."""
    size, wallets = max(1, _MEMORY // (8 * features)), len(positions)
    for start in range(0, wallets, size):
        chunk = positions[start : start + size]

        def within(done: int, total: int, start: int = start, n: int = len(chunk)) -> None:
            if on_progress:
                on_progress(start + n * done // max(total, 1), wallets)

        yield chunk, within if on_progress else None


def _test_bands(asked: pd.DataFrame) -> pd.Series:
    """The band that a test address is answered with; None for all others."""
    pairs = zip(asked["wallet"], asked["error"].isna(), strict=True)
    return objects(TEST_ADDRESSES.get(wallet) if good else None for wallet, good in pairs)


def _put(column: pd.Series, places: np.ndarray, values: pd.Series) -> pd.Series:
    """The column with other values at some places, of the same type."""
    whole = column.array.copy()
    whole[places] = values.array
    return pd.Series(whole, index=column.index)


def _pandas(batch: pa.RecordBatch) -> pd.DataFrame:
    """A batch as a frame; moments in UTC, for Arrow's own way with zones is deprecated in pandas."""
    frame = pd.DataFrame(
        {name: column.to_pandas() for name, column in zip(batch.schema.names, batch.columns, strict=True)}
    )
    zoned = [name for name in frame.columns if isinstance(frame[name].dtype, pd.DatetimeTZDtype)]
    return frame.assign(**{name: frame[name].dt.tz_convert("UTC") for name in zoned})
