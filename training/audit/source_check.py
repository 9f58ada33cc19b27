"""Checks whether features tell from which file or list a row comes, and whether that tells the label."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from . import thresholds
from .audit_report import Check, NotRunError
from .audit_table import AuditTable
from .shortcut_checks import chance_error
from .small_models import separation_auc, single_column_auc


def check_source(table: AuditTable) -> Check:
    """Whether features name the source of rows of the same class, and whether the source tells the label."""
    source = _known(table)
    table.need_rows()
    table.need_classes()
    label_auc, equal = _tells_label(table, source)
    nearly = equal or label_auc >= thresholds.SOURCE_EQUALS
    found = _told_within_classes(table, source)
    if not found and not nearly:
        raise NotRunError(
            f"no class has two sources of {thresholds.SOURCE_ROWS} rows or more to tell apart; the source alone ranks the label "
            f"with ROC-AUC {label_auc:.3f}"
        )
    known = [one for one in found if one["roc_auc"] >= thresholds.SOURCE_KNOWN]
    pays = label_auc >= thresholds.SOURCE_TELLS and label_auc - 0.5 > thresholds.SURE * chance_error(
        table.y[table.test]
    )
    verdict = "fail" if known and pays else "warn" if known or nearly else "pass"
    figures = {"label_from_source": label_auc, "within_class": found, "equals_label": equal}
    return Check("source", verdict, _sentence(label_auc, equal, found), _todo(bool(known), nearly), figures)


def _known(table: AuditTable) -> pd.Series:
    if table.source is None:
        raise NotRunError("no column says where rows come from; name one with --source")
    seen = table.source.iloc[table.both].dropna()
    if seen.nunique() < 2:
        raise NotRunError("all rows come from one source, or none is known")
    return table.source


def _tells_label(table: AuditTable, source: pd.Series) -> tuple[float, bool]:
    """ROC-AUC of the label of the test rows by the share of positives of their source in training; whether each source has but
    one label."""
    y = pd.Series(table.y, index=source.index)
    train, test = source.iloc[table.train], source.iloc[table.test]
    rate = float(table.y[table.train].mean())
    shares = y.iloc[table.train].groupby(train.to_numpy(), dropna=True).mean()
    ranking = test.map(shares).fillna(rate).to_numpy(dtype=np.float64)
    both = source.iloc[table.both]
    labels = y.iloc[table.both][both.notna()].groupby(both.dropna().to_numpy()).nunique()
    return float(roc_auc_score(table.y[table.test], ranking)), bool((labels == 1).all())


def _told_within_classes(table: AuditTable, source: pd.Series) -> list[dict]:
    """How well features tell each of the largest sources from the others, within rows of one class and category."""
    category = table.category if table.category is not None else pd.Series(None, index=source.index, dtype="object")
    place = pd.DataFrame({"y": table.y, "category": category.fillna(""), "source": source}).iloc[table.both].dropna()
    kinds = place.groupby(["y", "category", "source"]).size().rename("rows").reset_index()
    kinds["others"] = kinds.groupby(["y", "category"])["rows"].transform("sum") - kinds["rows"]
    found = []
    for _, side in kinds[kinds[["rows", "others"]].min(axis=1) >= thresholds.SOURCE_ROWS].groupby("y"):
        largest = side.sort_values(["rows", "category", "source"], ascending=[False, True, True])
        first_others = largest.groupby("category")["others"].transform("first").to_numpy()
        of_two = largest["category"].duplicated() & (largest["rows"].to_numpy() == first_others)  # asked for already
        for one in largest[~of_two].head(thresholds.SOURCES).to_dict("records"):
            inside = (place["y"] == one["y"]) & (place["category"] == one["category"])
            found.append(_told(table, source, place.index[inside].to_numpy(), one))
    return found


def _told(table: AuditTable, source: pd.Series, inside: np.ndarray, one: dict) -> dict:
    mine = (source.iloc[inside] == one["source"]).to_numpy()
    parts = [table.sample(inside[side], thresholds.SOURCE_SAMPLE) for side in (mine, ~mine)]
    rows = np.sort(np.concatenate(parts))
    z = np.isin(rows, parts[0]).astype(np.float64)
    X = table.X[table.varying].iloc[rows]
    auc, used = separation_auc(X, z, table.fold_groups(rows))
    kind = " ".join(filter(None, ("positive" if one["y"] else "negative", one["category"])))
    return {
        "source": one["source"],
        "within": kind,
        "roc_auc": auc,
        "by": single_column_auc(X[used[: thresholds.NAMED]], z),
    }


def _sentence(label_auc: float, equal: bool, found: list[dict]) -> str:
    parts = [
        "each source has rows of one class only"
        if equal
        else f"the source alone ranks the label with ROC-AUC {label_auc:.3f}"
    ]
    for one in sorted(found, key=lambda one: -one["roc_auc"])[:2]:
        by = ", ".join(f"{column} {auc:.3f}" for column, auc in one["by"].items())
        parts.append(
            f"features tell {one['source']} from other {one['within']} rows with ROC-AUC {one['roc_auc']:.3f} (alone: {by})"
        )
    if not found:
        parts.append("no class has two sources to tell apart")
    return "; ".join(parts)


def _todo(known: bool, nearly: bool) -> str:
    parts = ["collect all sources the same way, or leave out the features that tell them apart"] if known else []
    if nearly:
        parts.append(
            "take both classes from one source, or test on a source that trained nothing: a model may learn the source"
        )
    return "; ".join(parts)
