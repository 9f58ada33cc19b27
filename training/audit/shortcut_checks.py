"""The checks of shortcuts: dates, sizes, missing values, a single feature and row numbers should not do what the model does.

A shortcut's reach is its gain over chance as a share of the full model's (`thresholds`). Rankings come from a training that has
fitted them already, or are fitted here.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, roc_auc_score

from . import thresholds
from .audit_report import Check, NotRunError, named, percent
from .audit_table import AuditTable
from .small_models import ascending_auc, fit_ranking, median_filled, single_column_auc

FULL, DATE, MISSING, SIZE, SINGLE = "full", "date_only", "missingness_only", "size_only", "best_single_feature"


@dataclass(frozen=True)
class Ranking:
    """How a model or shortcut ranks the test rows: `values` of shape (len(test),), made from `columns`."""

    columns: tuple[str, ...]
    values: np.ndarray


@dataclass(frozen=True)
class ShortcutFigures:
    """A ranking measured against the labels of the test and against the full model."""

    columns: tuple[str, ...]
    roc_auc: float
    pr_auc: float
    reach: float
    sure: bool
    """Whether its ROC-AUC differs from chance by `SURE` standard errors."""

    def verdict(self, warn: float, fail: float) -> str:
        """The verdict by its reach; pass where the ranking may be chance."""
        return "pass" if not self.sure or self.reach < warn else "fail" if self.reach >= fail else "warn"


def fit_rankings(table: AuditTable) -> dict[str, Ranking]:
    """The full model and the shortcuts that the table has columns for, fitted on its training rows (at most `FIT_ROWS`).

    Raises:
        NotRunError: if a side lacks rows or a class.
    """
    table.need_rows()
    table.need_classes()
    rows = table.sample(table.train, thresholds.FIT_ROWS)
    frames = {
        FULL: table.X,
        DATE: _varying_and_filled(table, pd.concat([table.clocks, table.X.loc[:, list(table.date_like)]], axis=1)),
        MISSING: _missing_blocks(table).astype(np.float64),
        SIZE: _varying_and_filled(table, table.X.loc[:, list(table.size_like)]),
    }
    made = {
        name: Ranking(tuple(map(str, frame.columns)), fit_ranking(frame, table.y, rows, table.test))
        for name, frame in frames.items()
        if frame.shape[1]
    }
    return made | {SINGLE: _single(table, rows)}


def measure_shortcuts(table: AuditTable, rankings: dict[str, Ranking]) -> dict[str, ShortcutFigures]:
    """Measure every ranking against the labels of the test rows and against the full model."""
    y = table.y[table.test]
    base = float(y.mean())
    aucs = {
        name: (float(roc_auc_score(y, ranking.values)), float(average_precision_score(y, ranking.values)))
        for name, ranking in rankings.items()
    }
    full_roc, full_pr = aucs[FULL]
    gains = max(full_roc - 0.5, thresholds.MIN_GAIN), max(full_pr - base, thresholds.MIN_GAIN)
    return {
        name: ShortcutFigures(
            columns=rankings[name].columns,
            roc_auc=roc_auc,
            pr_auc=pr_auc,
            reach=max((roc_auc - 0.5) / gains[0], (pr_auc - base) / gains[1], 0.0),
            sure=roc_auc - 0.5 > thresholds.SURE * chance_error(y),
        )
        for name, (roc_auc, pr_auc) in aucs.items()
    }


def chance_error(y: np.ndarray) -> float:
    """Standard error of the ROC-AUC of a ranking that knows nothing (Hanley & McNeil 1982, at AUC 0.5)."""
    positives = int(y.sum())
    negatives = len(y) - positives
    return float(np.sqrt((positives + negatives + 1) / (12 * positives * negatives)))


def shortcut_table(measured: dict[str, ShortcutFigures]) -> pd.DataFrame:
    """[model, columns, roc_auc, pr_auc, reach], the full model first."""
    rows = [
        {
            "model": name,
            "columns": _columns(name, one),
            "roc_auc": one.roc_auc,
            "pr_auc": one.pr_auc,
            "reach": one.reach,
        }
        for name, one in measured.items()
    ]
    return pd.DataFrame(rows, columns=["model", "columns", "roc_auc", "pr_auc", "reach"])


def check_date(table: AuditTable, measured: dict[str, ShortcutFigures], followed: bool) -> Check:
    """Whether dates, ages and spans of time alone do what the model does.

    It fails only where the model can see time. Otherwise the classes are from different times, but the model does not see it.

    Args:
        table: the table.
        measured: its shortcuts.
        followed: whether features follow a date (`date_proxies`).
    """
    if DATE not in measured:
        raise NotRunError("no column speaks of time, or none varies; name those that do with --time, --first or --last")
    todo = "take snapshots of both classes at the same dates (era-matched), split in time, and leave these columns out"
    check = _check_shortcut(table, measured, DATE, (thresholds.DATE_WARN, thresholds.DATE_FAIL), todo)
    if check.verdict == "pass" or followed or table.date_like:
        return check
    unseen = "; no feature speaks of time or follows a date closely, so the model hardly sees this"
    todo = "the classes are of different times: say so beside every figure, and let no feature in that tells the time"
    return replace(check, verdict="warn", found=check.found + unseen, what_to_do=todo)


def check_size(table: AuditTable, measured: dict[str, ShortcutFigures]) -> Check:
    """Whether counts and sums alone do what the model does."""
    if SIZE not in measured:
        raise NotRunError("no column is a count or a sum by its name, or none varies")
    inside = [name for name in measured[SIZE].columns if name in table.X]
    if 2 * len(inside) > table.X.shape[1]:
        raise NotRunError(
            f"{len(inside)} of {table.X.shape[1]} features are counts or sums; there is nothing to compare"
        )
    return _check_shortcut(
        table,
        measured,
        SIZE,
        (thresholds.SIZE_WARN, thresholds.SIZE_FAIL),
        "compare wallets of the same activity: match or weight the classes by size, and use shares instead of totals",
    )


def check_single(measured: dict[str, ShortcutFigures]) -> Check:
    """Whether one feature alone does what the model does."""
    single = measured[SINGLE]
    verdict = single.verdict(thresholds.SINGLE_WARN, thresholds.SINGLE_FAIL)
    if verdict == "fail" and single.roc_auc < thresholds.SINGLE_SURE:
        verdict = "warn"
    if single.roc_auc < thresholds.SINGLE_NEEDS:
        verdict = "pass"
    todo = f"find out how {single.columns[0]} is made: from the label, after it, or by the way rows were collected"
    return Check(SINGLE, verdict, _sentence(measured, SINGLE), todo if verdict != "pass" else "", _figures(single))


def check_missing(table: AuditTable, measured: dict[str, ShortcutFigures]) -> Check:
    """Whether the pattern of missing values settles the label: by a model of it alone, and column by column."""
    if MISSING not in measured:
        return Check(
            MISSING, "pass", "no value is missing" if not _any_missing(table) else "always the same are missing"
        )
    missing = measured[MISSING]
    verdict = missing.verdict(thresholds.MISSING_WARN, thresholds.MISSING_FAIL)
    found, figures = _sentence(measured, MISSING), _figures(missing)
    block = _most_settling_block(table)
    if block is not None:
        sentence, settled, figures_of_block = block
        verdict = max(
            verdict, "fail" if settled >= thresholds.SETTLED_FAIL else "warn", key=["pass", "warn", "fail"].index
        )
        found, figures = f"{sentence}; {found}", {**figures, **figures_of_block}
    todo = (
        "collect these columns the same way for both classes, or leave them out; fill no gap that depends on the source"
    )
    return Check(MISSING, verdict, found, todo if verdict != "pass" else "", figures)


def check_too_good(measured: dict[str, ShortcutFigures], others: list[Check]) -> Check:
    """Whether the full model is better than anyone should expect, and which checks explain it."""
    full = measured[FULL]
    figures = {"roc_auc": full.roc_auc, "pr_auc": full.pr_auc}
    sentence = f"the full model has ROC-AUC {full.roc_auc:.3f}, PR-AUC {full.pr_auc:.3f}"
    if full.roc_auc <= thresholds.TOO_GOOD:
        return Check("too_good", "pass", sentence, "", figures)
    reasons = [check.name for check in others if check.verdict in ("warn", "fail")]
    why = f"explained by {', '.join(reasons)}" if reasons else "and no check here explains it"
    todo = (
        "mend what explains it, then measure again"
        if reasons
        else "look at how rows, labels and features were collected"
    )
    return Check("too_good", "warn", f"{sentence}, {why}", todo, {**figures, "explained_by": reasons})


def check_row_names(table: AuditTable) -> Check:
    """Whether columns that number or name the rows tell the label. Such columns are not used as features."""
    if not table.row_names:
        return Check("row_numbers", "pass", "no column numbers or names the rows")
    table.need_classes()
    aucs = single_column_auc(pd.DataFrame(table.row_names).iloc[table.both], table.y[table.both])
    telling = [name for name, auc in aucs.items() if auc >= thresholds.NAMES_ROWS]
    names = ", ".join(f"{name} (ROC-AUC {auc:.3f})" for name, auc in aucs.items())
    verdict = "warn" if telling else "pass"
    todo = f"rows lie sorted by label: never show a model {', '.join(telling)}" if telling else ""
    return Check("row_numbers", verdict, f"number or name rows, so no features here: {names}", todo, {"roc_auc": aucs})


def _check_shortcut(
    table: AuditTable, measured: dict[str, ShortcutFigures], name: str, limits: tuple[float, float], todo: str
) -> Check:
    figures = measured[name]
    singles = _single_aucs(table, figures.columns)
    verdict = figures.verdict(*limits)
    if verdict == "pass" and singles and _reaches(singles[0][1], measured, limits[0], table):
        verdict = "warn"  # a model of several columns may learn less than one of them says
    strongest = ", ".join(f"{column} {auc:.3f}" for column, auc in singles[: thresholds.NAMED])
    found = _sentence(measured, name) + (f"; alone: {strongest}" if strongest else "")
    return Check(name, verdict, found, todo if verdict != "pass" else "", {**_figures(figures), "alone": dict(singles)})


def _reaches(roc_auc: float, measured: dict[str, ShortcutFigures], warn: float, table: AuditTable) -> bool:
    """Whether a ROC-AUC is beyond chance, and its reach is enough to warn."""
    gain = roc_auc - 0.5
    return gain > thresholds.SURE * chance_error(table.y[table.test]) and gain >= warn * max(
        measured[FULL].roc_auc - 0.5, thresholds.MIN_GAIN
    )


def _single_aucs(table: AuditTable, columns: tuple[str, ...]) -> list[tuple[str, float]]:
    """ROC-AUC of each column alone on the test rows, best first. The training rows set the direction."""
    columns_and_clocks = pd.concat([table.clocks, table.X.drop(columns=table.clocks.columns, errors="ignore")], axis=1)
    chosen = columns_and_clocks[[name for name in columns if name in columns_and_clocks]]
    falling = ascending_auc(chosen.iloc[table.train], table.y[table.train]) < 0.5
    auc = ascending_auc(chosen.iloc[table.test], table.y[table.test])
    pairs = zip(map(str, chosen.columns), np.where(falling, 1 - auc, auc).tolist(), strict=True)
    return sorted(pairs, key=lambda pair: (-pair[1], pair[0]))


def _sentence(measured: dict[str, ShortcutFigures], name: str) -> str:
    one, full = measured[name], measured[FULL]
    return (
        f"{_columns(name, one)}: ROC-AUC {one.roc_auc:.3f} of the full model's {full.roc_auc:.3f}, PR-AUC {one.pr_auc:.3f} of "
        f"{full.pr_auc:.3f}, {percent(one.reach)} of its gain over chance"
    )


def _columns(name: str, one: ShortcutFigures) -> str:
    shown = named(one.columns, thresholds.NAMED)
    return {FULL: f"{len(one.columns)} features", MISSING: "which values are missing"}.get(name, shown)


def _figures(one: ShortcutFigures) -> dict[str, object]:
    return {"roc_auc": one.roc_auc, "pr_auc": one.pr_auc, "reach": one.reach, "columns": list(one.columns)}


def _single(table: AuditTable, rows: np.ndarray) -> Ranking:
    """The feature that ranks the training rows best, in its better direction; missing values count as the median."""
    aucs = single_column_auc(table.X[table.varying].iloc[rows], table.y[rows])
    best = max(aucs, key=lambda name: aucs[name])
    values = median_filled(table.X[[best]].to_numpy(dtype=np.float64))[:, 0]
    sign = 1.0 if roc_auc_score(table.y[rows], values[rows]) >= 0.5 else -1.0
    return Ranking((best,), sign * values[table.test])


def _varying_and_filled(table: AuditTable, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns that vary, with medians for missing values: a shortcut must not profit from another one's leak."""
    whole = pd.DataFrame(median_filled(frame.to_numpy(dtype=np.float64)), columns=frame.columns)
    return whole.loc[:, (whole.iloc[table.both].nunique() > 1).to_numpy()]


def _any_missing(table: AuditTable) -> bool:
    return bool(table.X.iloc[table.both].isna().to_numpy().any())


def _missing_blocks(table: AuditTable) -> pd.DataFrame:
    """Which values are missing: one column per set of columns that go missing together; bool, (n, blocks)."""
    missing = table.X.isna()
    some = missing.iloc[table.both]
    varying = missing.loc[:, some.any() & ~some.all()]
    first: dict[bytes, str] = {}
    for name in varying.columns:
        first.setdefault(np.packbits(varying[name].to_numpy()).tobytes(), name)
    return varying[list(first.values())]


def _most_settling_block(table: AuditTable) -> tuple[str, float, dict[str, object]] | None:
    """The block of missing columns that settles the label of the largest share of a class.

    Returns:
        The finding as a sentence, that share, and the figures; None if no block settles enough.
    """
    best, chosen = thresholds.SETTLED_WARN, None
    y, rate = table.y[table.both], float(table.y[table.both].mean())
    missing = table.X.isna().iloc[table.both]
    for name in _missing_blocks(table).columns:
        gone = missing[name].to_numpy()
        for where, what in ((gone, "missing"), (~gone, "there")):
            share, side = _settled_share(y, where, rate)
            if share > best:
                together = [str(other) for other in missing.columns if np.array_equal(missing[other].to_numpy(), gone)]
                best, chosen = share, (together, where, what, side)
    return None if chosen is None else _settled_finding(y, best, *chosen)


def _settled_share(y: np.ndarray, where: np.ndarray, rate: float) -> tuple[float, int]:
    """The share of a class that lies in `where`, and which class; 0 unless the rows there are pure, and not by chance."""
    rows = int(where.sum())
    if rows < thresholds.PURE_ROWS:
        return 0.0, 0
    inside = int(y[where].sum())
    side = int(2 * inside >= rows)
    hits, base = (inside, rate) if side else (rows - inside, 1 - rate)
    odds = (hits + 0.5) / (rows - hits + 0.5)  # Haldane & Anscombe: no division by zero, and few rows prove little
    if hits / rows < thresholds.PURE or odds * (1 - base) < thresholds.PURE_ODDS * base:
        return 0.0, 0
    return hits / max(1, int((y == side).sum())), side


def _settled_finding(
    y: np.ndarray, share: float, columns: list[str], where: np.ndarray, what: str, side: int
) -> tuple[str, float, dict[str, object]]:
    rows, hits = int(where.sum()), int((y[where] == side).sum())
    label_word = "positive" if side else "negative"
    several = (
        f"{len(columns)} columns ({named(columns, thresholds.NAMED)}) are" if len(columns) > 1 else f"{columns[0]} is"
    )
    sentence = (
        f"{several} {what} in {rows:,} rows, {percent(hits / rows)} of them {label_word} "
        f"(of all rows {percent(float((y == side).mean()))}): {percent(share)} of the {label_word} class"
    )
    figures = {
        "columns": columns,
        "rows": rows,
        "purity": hits / rows,
        "settled": share,
        "side": label_word,
        "when": what,
    }
    return sentence, share, {"settled_by": figures}
