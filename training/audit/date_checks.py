"""Checks on dates: labels that nobody could know yet, and features from which a date can be read."""

import numpy as np
import pandas as pd

from . import thresholds
from .audit_report import Check, NotRunError, percent
from .audit_table import AuditTable
from .small_models import explained_variance, single_column_auc


def check_known_later(table: AuditTable) -> Check:
    """Whether labels were trained on that nobody could know when training ended.

    That a label becomes known after its snapshot is what a model is for; it must be known before the last date trained on.
    Where the split is not in time, there is no such date but the last of all, and labels known after their snapshot warn.
    """
    if table.known_from is None:
        raise NotRunError("no column says since when a label is known; name one with --known-from")
    if table.as_of is None or table.cutoff is None or np.isnan(table.cutoff):
        raise NotRunError("no column says which date a row speaks of; name one with --time")
    if not len(table.train):
        raise NotRunError("no row is trained on")
    known, as_of = table.known_from[table.train], table.as_of[table.train]
    late, after = float((known > table.cutoff).mean()), float((known > as_of).mean())
    undated = float(np.isnan(known).mean())
    verdict = _late_verdict(table, late, after, undated)
    found = (
        f"of the rows trained on {percent(late)} have a label that was known only after training ended, {percent(after)} one "
        f"known after their own date, {percent(undated)} one without a date"
    )
    figures = {"after_training": late, "after_snapshot": after, "undated": undated}
    return Check("known_later", verdict, found, _late_todo(table, late, after, undated), figures)


def check_proxies(table: AuditTable, date_tells: bool) -> Check:
    """Which features rise or fall with a date within a class, so that a model reads the date off them.

    Args:
        table: the table.
        date_tells: whether dates alone tell the label, so that such a feature is a leak and not only a drift.
    """
    table.need_rows()
    clocks = [name for name in table.clocks if np.nanstd(table.clocks[name].to_numpy()[table.both]) > 0]
    if not clocks:
        raise NotRunError("no date is known beside the features, or it is the same for all rows")
    rows = table.sample(table.both, thresholds.FIT_ROWS)
    found = _strongest(table, rows, clocks)
    named = {name: pair for name, pair in found.items() if abs(pair[1]) >= thresholds.PROXY_WARN}
    clock, together = _together(table, clocks)
    dates = [name for name, pair in named.items() if abs(pair[1]) >= thresholds.PROXY_FAIL]
    verdict = "fail" if dates and date_tells else "warn" if named or together >= thresholds.CLOCK_WARN else "pass"
    best = list(named.items())[: thresholds.NAMED]
    said = (
        ", ".join(f"{name} follows {clock} ({rho:+.2f})" for name, (clock, rho) in best) or "no feature follows a date"
    )
    more = f" and {len(named) - thresholds.NAMED} more" if len(named) > thresholds.NAMED else ""
    told = f"{said}{more}; all features together explain {percent(max(together, 0.0))} of the order of {clock} within a class"
    todo = (
        "leave these features out, or offer them as ranks within the rows of the same date" if verdict != "pass" else ""
    )
    figures = {
        "features": {name: {"date": clock, "rho": rho} for name, (clock, rho) in named.items()},
        "explained": together,
    }
    return Check("date_proxies", verdict, told, todo, figures)


def _late_verdict(table: AuditTable, late: float, after: float, undated: float) -> str:
    if late >= thresholds.LATE_FAIL:
        return "fail"
    unordered = not table.ordered and after >= thresholds.LATE_WARN
    return "warn" if late or unordered or undated >= thresholds.UNDATED_WARN else "pass"


def _late_todo(table: AuditTable, late: float, after: float, undated: float) -> str:
    parts = ["train only on labels known by the last date of training"] if late else []
    if not late and not table.ordered and after >= thresholds.LATE_WARN:
        parts.append("split in time, and train only on labels known before the test begins")
    if undated >= thresholds.UNDATED_WARN:
        parts.append("find out since when labels are known: for those without a date this cannot be checked")
    return "; ".join(parts)


def _strongest(table: AuditTable, rows: np.ndarray, clocks: list[str]) -> dict[str, tuple[str, float]]:
    """For each feature the date that it follows most, and how: the greatest rank correlation first."""
    every = pd.DataFrame({clock: _followed(table, rows, clock) for clock in clocks})
    best = every.abs().fillna(0.0).idxmax(axis=1)
    pairs = {str(name): (str(clock), float(np.nan_to_num(every.loc[name, clock]))) for name, clock in best.items()}
    return dict(sorted(pairs.items(), key=lambda item: (-abs(item[1][1]), item[0])))


def _followed(table: AuditTable, rows: np.ndarray, clock: str) -> pd.Series:
    """Spearman's correlation of every feature with a date, within either class and averaged by rows: what both owe to the label
    does not count."""
    X, total = table.X[table.varying], pd.Series(0.0, index=table.varying)
    weight = 0
    for side in (0, 1):
        inside = rows[table.y[rows] == side]
        moments = pd.Series(table.clocks[clock].to_numpy()[inside]).rank()
        if len(inside) >= thresholds.LEAST_ROWS and moments.nunique() > 1:
            rho = _correlated(X.iloc[inside].rank().to_numpy(), moments.to_numpy())
            total, weight = total + len(inside) * np.nan_to_num(rho), weight + len(inside)
    return total / max(weight, 1)


def _correlated(ranks: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each column with `moments`, over the rows where both are there; NaN below `LEAST_ROWS` of them."""
    there = ~np.isnan(ranks) & ~np.isnan(moments)[:, None]
    n = np.maximum(there.sum(axis=0), 1)
    x, m = np.where(there, ranks, 0.0), np.where(there, moments[:, None], 0.0)
    x, m = np.where(there, x - x.sum(axis=0) / n, 0.0), np.where(there, m - m.sum(axis=0) / n, 0.0)
    scale = np.sqrt((x**2).sum(axis=0) * (m**2).sum(axis=0))
    return np.where(
        (scale > 0) & (n >= thresholds.LEAST_ROWS), (x * m).sum(axis=0) / np.where(scale > 0, scale, 1.0), np.nan
    )


def _together(table: AuditTable, clocks: list[str]) -> tuple[str, float]:
    """The date that tells most of the label, and how much of its order within a class all features explain, in folds."""
    rows = table.sample(table.both, thresholds.SMALL_ROWS)
    clock = _most_telling(table, rows, clocks)
    moments = table.clocks[clock].to_numpy()[rows]
    rows = rows[~np.isnan(moments)]
    order = pd.Series(moments[~np.isnan(moments)]).groupby(table.y[rows]).rank(pct=True).to_numpy()
    if len(rows) < thresholds.LEAST_ROWS or np.ptp(order) == 0:
        return clock, 0.0
    return clock, explained_variance(table.X[table.varying].iloc[rows], order, table.fold_groups(rows))


def _most_telling(table: AuditTable, rows: np.ndarray, clocks: list[str]) -> str:
    y = table.y[rows]
    if np.ptp(y) == 0:
        return clocks[0]
    found = single_column_auc(table.clocks[clocks].iloc[rows], y)
    return max(clocks, key=lambda clock: found[clock])
