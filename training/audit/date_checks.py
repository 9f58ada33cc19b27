"""The checks of dates: labels that nobody could know yet, and features from which a date can be read."""

import numpy as np
import pandas as pd

from . import thresholds
from .audit_report import Check, NotRunError, named, percent
from .audit_table import AuditTable
from .small_models import explained_variance, single_column_auc


def check_known_later(table: AuditTable) -> Check:
    """Whether the training rows have labels that nobody could know when training ended.

    A label may become known after its snapshot: predicting it is what a model is for. But it must be known by the last date
    trained on. A split that is not in time has no such date, so labels that were known after their snapshot warn.
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
    return Check("known_later", verdict, found, _late_remedy(table, late, after, undated), figures)


def check_proxies(table: AuditTable, date_tells: bool) -> Check:
    """Which features rise or fall with a date within a class, so that a model can read the date off them.

    Args:
        table: the table.
        date_tells: whether dates alone tell the label. Such a feature is then a leak, not only drift.
    """
    table.need_rows()
    clocks = [name for name in table.clocks if np.nanstd(table.clocks[name].to_numpy()[table.both]) > 0]
    if not clocks:
        raise NotRunError("no date is known beside the features, or it is the same for all rows")
    rows = table.sample(table.both, thresholds.FIT_ROWS)
    strongest = _most_followed(table, rows, clocks)
    followers = {name: pair for name, pair in strongest.items() if abs(pair[1]) >= thresholds.PROXY_WARN}
    clock, together = _explained_by_all(table, clocks)
    date_readers = [name for name, pair in followers.items() if abs(pair[1]) >= thresholds.PROXY_FAIL]
    verdict = (
        "fail" if date_readers and date_tells else "warn" if followers or together >= thresholds.CLOCK_WARN else "pass"
    )
    listed = named((f"{name} follows {date} ({rho:+.2f})" for name, (date, rho) in followers.items()), thresholds.NAMED)
    finding = (
        f"{listed or 'no feature follows a date'}; all features together explain {percent(max(together, 0.0))} of the order of "
        f"{clock} within a class"
    )
    todo = (
        "leave these features out, or offer them as ranks within the rows of the same date" if verdict != "pass" else ""
    )
    figures = {
        "features": {name: {"date": clock, "rho": rho} for name, (clock, rho) in followers.items()},
        "explained": together,
    }
    return Check("date_proxies", verdict, finding, todo, figures)


def _late_verdict(table: AuditTable, late: float, after: float, undated: float) -> str:
    if late >= thresholds.LATE_FAIL:
        return "fail"
    unordered = not table.ordered and after >= thresholds.LATE_WARN
    return "warn" if late or unordered or undated >= thresholds.UNDATED_WARN else "pass"


def _late_remedy(table: AuditTable, late: float, after: float, undated: float) -> str:
    parts = ["train only on labels known by the last date of training"] if late else []
    if not late and not table.ordered and after >= thresholds.LATE_WARN:
        parts.append("split in time, and train only on labels known before the test begins")
    if undated >= thresholds.UNDATED_WARN:
        parts.append("find out since when labels are known: for those without a date this cannot be checked")
    return "; ".join(parts)


def _most_followed(table: AuditTable, rows: np.ndarray, clocks: list[str]) -> dict[str, tuple[str, float]]:
    """The date that each feature follows most, and its rank correlation with it; the strongest feature first."""
    correlations = pd.DataFrame({clock: _correlations(table, rows, clock) for clock in clocks})
    nearest = correlations.abs().fillna(0.0).idxmax(axis=1)
    pairs = {
        str(name): (str(clock), float(np.nan_to_num(correlations.loc[name, clock]))) for name, clock in nearest.items()
    }
    return dict(sorted(pairs.items(), key=lambda item: (-abs(item[1][1]), item[0])))


def _correlations(table: AuditTable, rows: np.ndarray, clock: str) -> pd.Series:
    """Spearman's correlation of every feature with a date, computed within each class and averaged by rows.

    A correlation that comes from the label alone does not count.
    """
    X, correlation = table.X[table.varying], pd.Series(0.0, index=table.varying)
    weight = 0
    for label in (0, 1):
        inside = rows[table.y[rows] == label]
        timestamps = pd.Series(table.clocks[clock].to_numpy()[inside]).rank()
        if len(inside) >= thresholds.MIN_ROWS and timestamps.nunique() > 1:
            rho = _pearson(X.iloc[inside].rank().to_numpy(), timestamps.to_numpy())
            correlation, weight = correlation + len(inside) * np.nan_to_num(rho), weight + len(inside)
    return correlation / max(weight, 1)


def _pearson(ranks: np.ndarray, timestamps: np.ndarray) -> np.ndarray:
    """Pearson's correlation of each column with `timestamps`, over the rows that have both; NaN below `MIN_ROWS` of them."""
    present = ~np.isnan(ranks) & ~np.isnan(timestamps)[:, None]
    n = np.maximum(present.sum(axis=0), 1)
    x, m = np.where(present, ranks, 0.0), np.where(present, timestamps[:, None], 0.0)
    x, m = np.where(present, x - x.sum(axis=0) / n, 0.0), np.where(present, m - m.sum(axis=0) / n, 0.0)
    scale = np.sqrt((x**2).sum(axis=0) * (m**2).sum(axis=0))
    return np.where(
        (scale > 0) & (n >= thresholds.MIN_ROWS), (x * m).sum(axis=0) / np.where(scale > 0, scale, 1.0), np.nan
    )


def _explained_by_all(table: AuditTable, clocks: list[str]) -> tuple[str, float]:
    """The date that tells most of the label, and how much of its order within a class all features explain, in folds."""
    rows = table.sample(table.both, thresholds.SMALL_ROWS)
    clock = _most_telling(table, rows, clocks)
    timestamps = table.clocks[clock].to_numpy()[rows]
    rows = rows[~np.isnan(timestamps)]
    order = pd.Series(timestamps[~np.isnan(timestamps)]).groupby(table.y[rows]).rank(pct=True).to_numpy()
    if len(rows) < thresholds.MIN_ROWS or np.ptp(order) == 0:
        return clock, 0.0
    return clock, explained_variance(table.X[table.varying].iloc[rows], order, table.fold_groups(rows))


def _most_telling(table: AuditTable, rows: np.ndarray, clocks: list[str]) -> str:
    y = table.y[rows]
    if np.ptp(y) == 0:
        return clocks[0]
    auc = single_column_auc(table.clocks[clocks].iloc[rows], y)
    return max(clocks, key=lambda clock: auc[clock])
