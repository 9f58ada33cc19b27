"""Time to detection: how early in a wallet's life a model would have flagged it. Fits nothing and knows no model's kind.

A wallet is scored just after its first, third and tenth transfer, and an hour, a day and a week after its first transfer. The
caller gives the scoring function, such as

    score = lambda snapshots: scorer.score(snapshots, ledger)["score"]
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...features.base.errors import UsageError
from ...features.base.periods import parse_window
from ...features.ledger.ledger import Ledger

Score = Callable[[pd.DataFrame], ArrayLike]
"""From snapshots [address, as_of] to one score per snapshot; NaN if there is none (too little history)."""

TRANSFERS = (1, 3, 10)
AGES = ("1h", "1d", "7d")
QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_TIME = "datetime64[us, UTC]"
_DAY = pd.Timedelta(days=1)


@dataclass(frozen=True)
class Detection:
    """How early wallets are flagged.

    Attributes:
        stages: one row per stage [stage, wallets, scored, flagged, recall]: how many wallets reached it, had a score there, and a
            score of at least the threshold; recall is flagged ÷ wallets, NaN if no wallet reached it.
        wallets: one row per wallet [address, first_transfer, first_flag, days]: its first transfer, the earliest stage that
            flags it (NaT: none) and the days between (inf: never flagged, NaN: it has no transfer).
        days: one row per quantile [quantile, days] of the days from first transfer to first flag, over the wallets with a
            transfer. Wallets that are never flagged count as inf. Each value is that of a wallet, without interpolation.
        never: the share of the wallets with a transfer that no stage flags; NaN if there is no such wallet.
    """

    stages: pd.DataFrame
    wallets: pd.DataFrame
    days: pd.DataFrame
    never: float


def early_snapshots(
    ledger: Ledger,
    addresses: Sequence[str] | pd.Series,
    transfers: Sequence[int] = TRANSFERS,
    ages: Sequence[str] = AGES,
) -> pd.DataFrame:
    """Snapshots of wallets early in their lives.

    A wallet's transfers are incoming and outgoing ones. `as_of` is the second after the n-th transfer (other transfers of that
    second are seen too), or the time of the first transfer plus the age.

    Args:
        ledger: the transfers.
        addresses: of the wallets, each at most once.
        transfers: after how many transfers to score.
        ages: how long after the first transfer to score, such as `1h`, `30d`.

    Returns:
        [address, as_of (UTC), stage], ordered by stage and address; stages are named `transfers_3`, `age_1d`. A wallet with
        fewer transfers, or whose age lies beyond the ledger's end, is not in that stage.

    Raises:
        UsageError: if a number or an age cannot be used, or an address is repeated.
    """
    stages = _stages(transfers, ages)
    names: Any = pd.Series(list(addresses), dtype="str")
    if names.duplicated().any():
        raise UsageError(f"addresses: {names[names.duplicated()].iloc[0]} is repeated; give each wallet once")
    ids = ledger.ids(names)
    known = np.flatnonzero(ids >= 0)
    begin, end = ledger.offsets[ids[known]], ledger.offsets[ids[known] + 1]
    tables = []
    for stage, (nth, seconds) in stages.items():
        reached = end - begin >= nth
        as_of = ledger.rows.time[ledger.entries[begin[reached] + nth - 1]] + seconds
        seen = as_of <= (ledger.last or 0) + 1
        dates = pd.Series(pd.to_datetime(as_of[seen], unit="s", utc=True)).astype(_TIME)
        chosen = names.iloc[known[reached][seen]].reset_index(drop=True)
        tables.append(pd.DataFrame({"address": chosen, "as_of": dates, "stage": stage}))
    return pd.concat(tables, ignore_index=True)


def time_to_detection(
    ledger: Ledger,
    addresses: Sequence[str] | pd.Series,
    score: Score,
    threshold: float,
    transfers: Sequence[int] = TRANSFERS,
    ages: Sequence[str] = AGES,
) -> Detection:
    """How early wallets are flagged by a model.

    A wallet is scored at its stages alone, so days are no finer than the stages; add ages (`30d`, `90d`) to follow it longer.
    The model must not have been trained on these wallets, or on later dates than theirs: this function cannot check that.

    Args:
        ledger: the transfers.
        addresses: of positive wallets, each once.
        score: gets the snapshots [address, as_of], each once, and returns one score per snapshot.
        threshold: the score from which a wallet is flagged.
        transfers, ages: the stages, see `early_snapshots`.

    Raises:
        UsageError: as `early_snapshots`, or if `score` returns another number of scores.
    """
    stages = early_snapshots(ledger, addresses, transfers, ages)
    snapshots = stages.loc[:, ["address", "as_of"]].drop_duplicates(ignore_index=True)
    scores = np.asarray(score(snapshots), dtype=np.float64) if len(snapshots) else np.empty(0)
    if scores.shape != (len(snapshots),):
        raise UsageError(
            f"score: one score for each of {len(snapshots)} snapshots is needed; got the shape {scores.shape}"
        )
    scored = stages.merge(snapshots.assign(score=scores), on=["address", "as_of"], how="left")
    scored["flagged"] = scored["score"] >= threshold
    wallets = _wallets(ledger, pd.Series(list(addresses), dtype="str"), scored)
    days = wallets["days"].dropna().to_numpy()
    return Detection(
        _by_stage(scored, list(_stages(transfers, ages))),
        wallets,
        pd.DataFrame({"quantile": QUANTILES, "days": _quantiles(days)}),
        float(np.isinf(days).mean()) if len(days) else np.nan,
    )


def _stages(transfers: Sequence[int], ages: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The stages by name: after which transfer, and how many seconds after it."""
    if wrong := [n for n in transfers if not isinstance(n, int) or n < 1]:
        raise UsageError(f"transfers: whole numbers from 1 on are needed, not {wrong[0]!r}")
    stages = {f"transfers_{n}": (n, 1) for n in transfers}
    for age in ages:
        seconds = parse_window(age)
        if seconds is None:
            raise UsageError(f"ages: lengths such as 1h or 7d are needed, not {age!r}")
        stages[f"age_{age}"] = (1, seconds)
    if not stages:
        raise UsageError("transfers, ages: at least one stage is needed")
    return stages


def _by_stage(scored: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    groups = scored.groupby("stage")
    counts = pd.DataFrame(
        {"wallets": groups.size(), "scored": groups["score"].count(), "flagged": groups["flagged"].sum()}
    )
    table = counts.reindex(names, fill_value=0).rename_axis("stage").reset_index()
    wallets = table["wallets"].astype("float64")
    return table.assign(recall=table["flagged"] / wallets.where(wallets > 0))


def _wallets(ledger: Ledger, names: pd.Series, scored: pd.DataFrame) -> pd.DataFrame:
    ids = ledger.ids(names)
    first = np.full(len(ids), np.datetime64("NaT"), "datetime64[us]")
    seconds = ledger.rows.time[ledger.entries[ledger.offsets[ids[ids >= 0]]]]
    first[ids >= 0] = seconds.astype("datetime64[s]").astype("datetime64[us]")
    first_transfer = pd.Series(first).dt.tz_localize("UTC")
    flagged: Any = scored.loc[scored["flagged"]].groupby("address")["as_of"].min()
    flag = flagged.reindex(names).reset_index(drop=True).astype(_TIME)
    days = ((flag - first_transfer) / _DAY).where(flag.notna(), np.inf).where(first_transfer.notna())
    return pd.DataFrame({"address": names, "first_transfer": first_transfer, "first_flag": flag, "days": days})


def _quantiles(days: np.ndarray) -> np.ndarray:
    if not len(days):
        return np.full(len(QUANTILES), np.nan)
    return np.quantile(days, QUANTILES, method="inverted_cdf")
