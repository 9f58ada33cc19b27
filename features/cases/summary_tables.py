"""The summary of many cases, one row per case and one per year: what was stolen, where it went, what is unlaundered.

It follows nothing itself (`loot_pass.py` does). One case in depth is in `case_trace.py`. Definitions: docs/cases.md.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..base.errors import UsageError
from ..ledger.ledger import Ledger
from .case_list import Case
from .case_trace import amounts_by_asset
from .loot_kernel import GIVEN_WORTH, HELD, HELD_WORTH, IN, IN_PRICED, IN_USD, IN_WORTH, STOLEN
from .loot_measures import USD, LootMeasure, measure_of, prices_at, ratio, shares_by_service
from .loot_pass import CASES_PER_PASS, FollowedLoot, as_of_timestamp, follow_loot
from .services import SERVICE_KINDS, are_services, service_kinds, wallet_categories

STILL_THERE = 0.01
"""A case counts as unlaundered from this share of its loot on; a wallet counts for ages from this share of what rests on."""

ALL = "all"
_DAY = 86400


def case_summary(
    ledger: Ledger, cases: Sequence[Case], labels: pd.DataFrame | None, as_of: str | pd.Timestamp | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Summarise cases as of a date: only transfers and labels before it count, and cases that had begun.

    Args:
        ledger: the transfers.
        cases: each is followed alone, CASES_PER_PASS of them in one pass.
        labels: as `read_labels` gives them; None: none, so that nothing counts as laundered.
        as_of: a date; None for the end of the ledger.

    Returns:
        One row per case, by date and id; and one row per year in which cases began, with one for all (`year` "all"). Figures in
        USD are null where no price is known, and these cases are counted as unpriced. Columns: docs/cases.md.

    Raises:
        UsageError: there is no case, two cases have the same id, or `as_of` is no date.
    """
    ids = [case.id for case in cases]
    if not ids or len(set(ids)) < len(ids):
        problem = f"two have the id {min(i for i in ids if ids.count(i) > 1)}" if ids else "the list is empty"
        raise UsageError(f"cases: {problem}; give each case once")
    end = as_of_timestamp(ledger, as_of)
    begun = sorted((case for case in cases if case.date < end), key=lambda case: (case.date, case.id))
    categories = wallet_categories(ledger, labels, end)
    kinds, absorbs, prices = service_kinds(categories), are_services(categories), prices_at(ledger, end)
    rows = []
    for first in range(0, len(begun), CASES_PER_PASS):
        batch = begun[first : first + CASES_PER_PASS]
        loot = follow_loot(ledger, batch, absorbs, end)
        rows += [_row(ledger, case, loot, k, kinds, prices, end) for k, case in enumerate(batch)]
    by_case = _typed(pd.DataFrame(rows, columns=list(_COLUMNS)), _COLUMNS)
    return by_case, _by_year(by_case)


_MONEY = [f"{name}_{what}" for name in SERVICE_KINDS for what in ("share", "stolen_usd", "usd")]
_COLUMNS = {
    "case": "str", "actor": "str", "date": "datetime64[us, UTC]", "year": "Int64", "seeds": "int64", "seeds_seen": "int64",
    "measure": "str", "stolen_usd": "float64", "stolen_by_asset": "str", "unpriced_thefts": "int64",
    **dict.fromkeys(_MONEY, "float64"), "unlaundered_share": "float64", "unlaundered_stolen_usd": "float64",
    "unlaundered_usd": "float64", "unlaundered_by_asset": "str", "unpriced_rests": "int64", "resting_wallets": "int64",
    "age_days": "float64", "still_days_mean": "float64", "still_days_longest": "float64",
}  # fmt: skip


def _row(
    ledger: Ledger, case: Case, loot: FollowedLoot, k: int, kinds: np.ndarray, prices: np.ndarray, as_of: pd.Timestamp
) -> dict[str, Any]:
    amounts, names, weights = loot.amounts[:, :, k], ledger.assets.to_pylist(), measure_of(ledger, loot, k)
    seeds = ledger.ids(list(case.seeds))
    kind = np.where(np.isin(loot.wallet, seeds[seeds >= 0]), -1, kinds[loot.wallet]).astype(np.int8)
    row: dict[str, Any] = {
        "case": case.id, "actor": case.actor, "date": case.date, "year": case.date.year,
        "seeds": len(seeds), "seeds_seen": int((seeds >= 0).sum()), "measure": weights.measure,
        "stolen_usd": weights.stolen if weights.measure == USD else np.nan,
        "stolen_by_asset": amounts_by_asset(names, loot.asset, amounts[:, STOLEN]),
        "unpriced_thefts": int(loot.unpriced[:, k].sum()),
        "unlaundered_share": ratio(weights.rests.sum(), weights.stolen),
        "unlaundered_stolen_usd": float(amounts[:, HELD_WORTH].sum()) if weights.measure == USD else np.nan,
        "unlaundered_by_asset": amounts_by_asset(names, loot.asset, amounts[:, HELD]),
        "resting_wallets": len(np.unique(loot.wallet[amounts[:, HELD] > 0])),
    }  # fmt: skip
    return row | _through(amounts, kind, weights) | _worth(loot.asset, amounts, prices) | _ages(loot, k, weights, as_of)


def _through(amounts: np.ndarray, kind: np.ndarray, weights: LootMeasure) -> dict[str, float]:
    """The loot that went through each kind of service: its share, worth when stolen and worth when sent."""
    row = {f"{name}_share": share for name, share in shares_by_service(weights, kind).items()}
    for n, name in enumerate(SERVICE_KINDS):
        into = amounts[kind == n]
        priced = into[:, IN].sum() == 0 or into[:, IN_PRICED].sum() > 0
        row[f"{name}_usd"] = float(into[:, IN_USD].sum()) if priced else np.nan
        worth = float((into[:, IN_WORTH] + into[:, GIVEN_WORTH]).sum())
        row[f"{name}_stolen_usd"] = worth if weights.measure == USD else np.nan
    return row


def _worth(asset: np.ndarray, amounts: np.ndarray, prices: np.ndarray) -> dict[str, float]:
    """The worth of what rests at the last prices known, null if none is, and the number of its assets without a price."""
    held = np.bincount(asset, amounts[:, HELD], len(prices)) if len(asset) else np.zeros(len(prices))
    lies = held > 0
    unpriced = int((lies & np.isnan(prices)).sum())
    worth = float(np.nansum(held[lies] * prices[lies]))
    return {"unlaundered_usd": np.nan if lies.any() and unpriced == lies.sum() else worth, "unpriced_rests": unpriced}


def _ages(loot: FollowedLoot, k: int, weights: LootMeasure, as_of: pd.Timestamp) -> dict[str, float]:
    """Days since the first theft, and since what rests last moved; for the longest, parts under STILL_THERE do not count."""
    now, amounts = as_of.timestamp(), loot.amounts[:, :, k]
    stolen = loot.when[(amounts[:, STOLEN] > 0), 0, k]
    rests = np.nan_to_num(weights.rests)
    still = (now - loot.when[:, 1, k]) / _DAY
    telling = (rests > 0) & (rests >= STILL_THERE * rests.sum())
    return {
        "age_days": (now - stolen.min()) / _DAY if len(stolen) and rests.sum() > 0 else np.nan,
        "still_days_mean": ratio((rests * still).sum(), rests.sum()),
        "still_days_longest": float(still[telling].max()) if telling.any() else np.nan,
    }


_YEAR = {
    "year": "str", "attacks": "int64", "attacks_unpriced": "int64", "unpriced_thefts": "int64", "stolen_usd": "float64",
    **dict.fromkeys(_MONEY, "float64"), "attacks_unlaundered": "int64", "unlaundered_share": "float64",
    "unlaundered_stolen_usd": "float64", "unlaundered_usd": "float64", "unpriced_rests": "int64",
    "age_days_mean": "float64", "age_days_oldest": "float64",
}  # fmt: skip


def _by_year(by_case: Any) -> pd.DataFrame:
    parts = [(str(year), rows) for year, rows in by_case.groupby("year", sort=True)] + [(ALL, by_case)]
    return _typed(pd.DataFrame([_year(name, rows) for name, rows in parts], columns=list(_YEAR)), _YEAR)


def _year(name: str, rows: Any) -> dict[str, Any]:
    """The cases of a year together; shares are of what was stolen in the cases that have a price."""
    priced = rows[rows["stolen_usd"].notna()]
    stolen = _sum(priced["stolen_usd"])
    there = rows[rows["unlaundered_share"] >= STILL_THERE]
    weight = there["unlaundered_stolen_usd"].fillna(0.0)
    row: dict[str, Any] = {
        "year": name, "attacks": len(rows), "attacks_unpriced": len(rows) - len(priced),
        "unpriced_thefts": rows["unpriced_thefts"].sum(), "stolen_usd": stolen,
        "attacks_unlaundered": len(there), "unpriced_rests": rows["unpriced_rests"].sum(),
        **{what: _sum(rows[what]) for what in ("unlaundered_stolen_usd", "unlaundered_usd")},
        "unlaundered_share": ratio(priced["unlaundered_stolen_usd"].sum(), stolen),
        "age_days_mean": ratio((weight * there["age_days"]).sum(), weight.sum()), "age_days_oldest": there["age_days"].max(),
    }  # fmt: skip
    for way in SERVICE_KINDS:
        row |= {f"{way}_{what}": _sum(rows[f"{way}_{what}"]) for what in ("stolen_usd", "usd")}
        row[f"{way}_share"] = ratio(priced[f"{way}_stolen_usd"].sum(), stolen)
    return row


def _sum(column: Any) -> float:
    """The sum of the known values; null if there are none."""
    return float(column.sum(min_count=1))


def _typed(table: Any, kinds: dict[str, str]) -> pd.DataFrame:
    for name, kind in kinds.items():
        table[name] = (
            pd.to_datetime(table[name], utc=True).astype(kind) if "datetime" in kind else table[name].astype(kind)
        )
    return table
