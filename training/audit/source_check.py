"""The check of sources: whether features tell from which file or list a row comes, and whether that tells the label."""

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
    label_auc, one_label_each = _tells_label(table, source)
    source_is_label = one_label_each or label_auc >= thresholds.SOURCE_EQUALS
    separations = _separations(table, source)
    if not separations and not source_is_label:
        raise NotRunError(
            f"no class has two sources of {thresholds.SOURCE_ROWS} rows or more to tell apart; the source alone ranks the label "
            f"with ROC-AUC {label_auc:.3f}"
        )
    known_sources = [pair for pair in separations if pair["roc_auc"] >= thresholds.SOURCE_KNOWN]
    source_tells = label_auc >= thresholds.SOURCE_TELLS and label_auc - 0.5 > thresholds.SURE * chance_error(
        table.y[table.test]
    )
    verdict = "fail" if known_sources and source_tells else "warn" if known_sources or source_is_label else "pass"
    figures = {"label_from_source": label_auc, "within_class": separations, "equals_label": one_label_each}
    return Check(
        "source",
        verdict,
        _sentence(label_auc, one_label_each, separations),
        _remedy(bool(known_sources), source_is_label),
        figures,
    )


def _known(table: AuditTable) -> pd.Series:
    if table.source is None:
        raise NotRunError("no column says where rows come from; name one with --source")
    seen = table.source.iloc[table.both].dropna()
    if seen.nunique() < 2:
        raise NotRunError("all rows come from one source, or none is known")
    return table.source


def _tells_label(table: AuditTable, source: pd.Series) -> tuple[float, bool]:
    """How far the source alone tells the label.

    Returns:
        The ROC-AUC of the test labels, ranked by the share of positives of their source in training; and whether each source
        has only one label.
    """
    y = pd.Series(table.y, index=source.index)
    train, test = source.iloc[table.train], source.iloc[table.test]
    rate = float(table.y[table.train].mean())
    shares = y.iloc[table.train].groupby(train.to_numpy(), dropna=True).mean()
    ranking = test.map(shares).fillna(rate).to_numpy(dtype=np.float64)
    both = source.iloc[table.both]
    labels = y.iloc[table.both][both.notna()].groupby(both.dropna().to_numpy()).nunique()
    return float(roc_auc_score(table.y[table.test], ranking)), bool((labels == 1).all())


def _separations(table: AuditTable, source: pd.Series) -> list[dict]:
    """How well features tell each of the largest sources from the others, within rows of one class and category."""
    category = table.category if table.category is not None else pd.Series(None, index=source.index, dtype="object")
    rows = pd.DataFrame({"y": table.y, "category": category.fillna(""), "source": source}).iloc[table.both].dropna()
    kinds = rows.groupby(["y", "category", "source"]).size().rename("rows").reset_index()
    kinds["others"] = kinds.groupby(["y", "category"])["rows"].transform("sum") - kinds["rows"]
    separations = []
    for _, side in kinds[kinds[["rows", "others"]].min(axis=1) >= thresholds.SOURCE_ROWS].groupby("y"):
        largest = side.sort_values(["rows", "category", "source"], ascending=[False, True, True])
        first_others = largest.groupby("category")["others"].transform("first").to_numpy()
        second_of_two = largest["category"].duplicated() & (
            largest["rows"].to_numpy() == first_others
        )  # the same question
        for kind in largest[~second_of_two].head(thresholds.SOURCES).to_dict("records"):
            inside = (rows["y"] == kind["y"]) & (rows["category"] == kind["category"])
            separations.append(_separation(table, source, rows.index[inside].to_numpy(), kind))
    return separations


def _separation(table: AuditTable, source: pd.Series, inside: np.ndarray, kind: dict) -> dict:
    """How well features tell one source from the others among the rows `inside`."""
    of_source = (source.iloc[inside] == kind["source"]).to_numpy()
    samples = [table.sample(inside[side], thresholds.SOURCE_SAMPLE) for side in (of_source, ~of_source)]
    rows = np.sort(np.concatenate(samples))
    z = np.isin(rows, samples[0]).astype(np.float64)
    X = table.X[table.varying].iloc[rows]
    auc, used = separation_auc(X, z, table.fold_groups(rows))
    return {
        "source": kind["source"],
        "within": " ".join(filter(None, ("positive" if kind["y"] else "negative", kind["category"]))),
        "roc_auc": auc,
        "by": single_column_auc(X[used[: thresholds.NAMED]], z),
    }


def _sentence(label_auc: float, one_label_each: bool, separations: list[dict]) -> str:
    by_source = f"the source alone ranks the label with ROC-AUC {label_auc:.3f}"
    parts = ["each source has rows of one class only" if one_label_each else by_source]
    for separation in sorted(separations, key=lambda separation: -separation["roc_auc"])[:2]:
        by = ", ".join(f"{column} {auc:.3f}" for column, auc in separation["by"].items())
        parts.append(
            f"features tell {separation['source']} from other {separation['within']} rows with ROC-AUC "
            f"{separation['roc_auc']:.3f} (alone: {by})"
        )
    return "; ".join(parts if separations else [*parts, "no class has two sources to tell apart"])


def _remedy(known: bool, nearly_the_label: bool) -> str:
    parts = ["collect all sources the same way, or leave out the features that tell them apart"] if known else []
    if nearly_the_label:
        parts.append(
            "take both classes from one source, or test on a source that trained nothing: a model may learn the source"
        )
    return "; ".join(parts)
