"""The figures of many cases, a row a case and a row a year: what was stolen, through what it went, what lies unlaundered.

Follows nothing itself (`loot_pass.py`); one case in depth is `case_trace.py`. Definitions: docs/cases.md.
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
"""From this share of what was stolen on a case counts as unlaundered; of what rests, a wallet for how long it has lain still."""

ALL = "all"
_DAY = 86400


def case_summary(
    ledger: Ledger, cases: Sequence[Case], labels: pd.DataFrame | None, as_of: str | pd.Timestamp | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The figures of cases as of a date: only transfers and labels before it count, and cases that had begun.

    Args:
        ledger: the transfers.
        cases: each is followed by itself, CASES_PER_PASS of them in one pass.
        labels: as `read_labels` gives them; None: none, so that nothing is ever laundered.
        as_of: a date; None for the end of the ledger.

    Returns:
        A row a case, by date and id; and a row a year in which cases began, and one of all (`year` "all"). Where no price is
        known figures in USD are null and the cases counted as unpriced. Columns: docs/cases.md.

    Raises:
        UsageError: there is no case, two have one id, or `as_of` is no date.
    """
    ids = [case.id for case in cases]
    if not ids or len(set(ids)) < len(ids):
        raise UsageError(
            f"cases: {'two are ' + min(i for i in ids if ids.count(i) > 1) if ids else 'none came'}; give each once"
        )
    moment = as_of_timestamp(ledger, as_of)
    begun = sorted((case for case in cases if case.date < moment), key=lambda case: (case.date, case.id))
    categories = wallet_categories(ledger, labels, moment)
    way, absorbs, prices = service_kinds(categories), are_services(categories), prices_at(ledger, moment)
    rows = []
    for at in range(0, len(begun), CASES_PER_PASS):
        batch = begun[at : at + CASES_PER_PASS]
        found = follow_loot(ledger, batch, absorbs, moment)
        rows += [_row(ledger, case, found, k, way, prices, moment) for k, case in enumerate(batch)]
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
    ledger: Ledger, case: Case, found: FollowedLoot, k: int, way: np.ndarray, prices: np.ndarray, moment: pd.Timestamp
) -> dict[str, Any]:
    of, names, weights = found.amounts[:, :, k], ledger.assets.to_pylist(), measure_of(ledger, found, k)
    seeds = ledger.ids(list(case.seeds))
    at = np.where(np.isin(found.wallet, seeds[seeds >= 0]), -1, way[found.wallet]).astype(np.int8)
    row: dict[str, Any] = {
        "case": case.id, "actor": case.actor, "date": case.date, "year": case.date.year,
        "seeds": len(seeds), "seeds_seen": int((seeds >= 0).sum()), "measure": weights.measure,
        "stolen_usd": weights.stolen if weights.measure == USD else np.nan,
        "stolen_by_asset": amounts_by_asset(names, found.asset, of[:, STOLEN]),
        "unpriced_thefts": int(found.unpriced[:, k].sum()),
        "unlaundered_share": ratio(weights.rests.sum(), weights.stolen),
        "unlaundered_stolen_usd": float(of[:, HELD_WORTH].sum()) if weights.measure == USD else np.nan,
        "unlaundered_by_asset": amounts_by_asset(names, found.asset, of[:, HELD]),
        "resting_wallets": len(np.unique(found.wallet[of[:, HELD] > 0])),
    }  # fmt: skip
    return row | _through(of, at, weights) | _worth(found.asset, of, prices) | _ages(found, k, weights, moment)


def _through(of: np.ndarray, way: np.ndarray, weights: LootMeasure) -> dict[str, float]:
    """What went through each kind of service: share, worth when stolen and worth when sent."""
    row = {f"{name}_share": share for name, share in shares_by_service(weights, way).items()}
    for n, name in enumerate(SERVICE_KINDS):
        into = of[way == n]
        priced = into[:, IN].sum() == 0 or into[:, IN_PRICED].sum() > 0
        row[f"{name}_usd"] = float(into[:, IN_USD].sum()) if priced else np.nan
        worth = float((into[:, IN_WORTH] + into[:, GIVEN_WORTH]).sum())
        row[f"{name}_stolen_usd"] = worth if weights.measure == USD else np.nan
    return row


def _worth(asset: np.ndarray, of: np.ndarray, prices: np.ndarray) -> dict[str, float]:
    """What rests, at the last prices known; null if nothing of it has one, and how many of its assets have none."""
    held = np.bincount(asset, of[:, HELD], len(prices)) if len(asset) else np.zeros(len(prices))
    lies = held > 0
    unpriced = int((lies & np.isnan(prices)).sum())
    worth = float(np.nansum(held[lies] * prices[lies]))
    return {"unlaundered_usd": np.nan if lies.any() and unpriced == lies.sum() else worth, "unpriced_rests": unpriced}


def _ages(found: FollowedLoot, k: int, weights: LootMeasure, moment: pd.Timestamp) -> dict[str, float]:
    """Days since it was first stolen, and since what rests last moved (of a part too small to tell, not the longest)."""
    now, of = moment.timestamp(), found.amounts[:, :, k]
    stolen = found.when[(of[:, STOLEN] > 0), 0, k]
    rests = np.nan_to_num(weights.rests)
    still = (now - found.when[:, 1, k]) / _DAY
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
    """The cases of a year together; shares are of what was stolen of those cases that have a price."""
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
    """The sum of what is known; null if nothing is."""
    return float(column.sum(min_count=1))


def _typed(table: Any, kinds: dict[str, str]) -> pd.DataFrame:
    for name, kind in kinds.items():
        table[name] = (
            pd.to_datetime(table[name], utc=True).astype(kind) if "datetime" in kind else table[name].astype(kind)
        )
    return table
