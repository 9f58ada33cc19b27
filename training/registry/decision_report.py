"""A promotion's decision as a page of Markdown. Decides nothing."""

from ...features.base.markdown import number, table
from .decision import Decision


def decision_text(decision: Decision) -> str:
    """What was compared, on what, with which outcome."""
    word = "promoted" if decision.promoted else "not promoted"
    rows, compared = decision.held_out, decision.compared
    against = f"champion version {decision.champion}" if decision.champion else "no champion yet: the base rate"
    share = f"share of draws in which the challenger is ahead {number(compared.probability_of_superiority)}"
    interval = f"{number(compared.low, True)} to {number(compared.high, True)}"
    parts = [
        f"# {decision.name}: version {decision.challenger} {word}",
        f"{_capital(decision.reason)}.",
        f"Against: {against}. Snapshots from {rows.since:%Y-%m-%d} on, of wallets that trained neither: {len(rows.y):,}, of them "
        f"{int(rows.y.sum()):,} positive.",
        f"Difference in PR-AUC {number(compared.difference, True)}, {compared.level:.0%} interval {interval}, drawn by {rows.by} "
        f"({compared.groups[0]} with positives); {share}. Tolerance {decision.tolerance:g}.",
        _figures(decision),
        _cases(decision),
        "\n".join(f"- {note}" for note in decision.notes),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _figures(decision: Decision) -> str:
    who = [name for name in ("challenger", "champion") if name in decision.figures]
    counts = ("rows", "positives")
    rows = [
        [str(row["metric"]), *(number(row[name]) for name in who)]
        for row in decision.figures.to_dict("records")
        if row["metric"] not in counts
    ]
    return table(["metric", *who], rows)


def _cases(decision: Decision) -> str:
    if not len(decision.cases):
        return ""
    who = [name for name in ("challenger", "champion") if name in decision.cases]
    rows = [
        [str(row["case"]), f"{row['positives']:,}", *(number(row[name]) for name in who)]
        for row in decision.cases.to_dict("records")
    ]
    return "## By case (PR-AUC)\n\n" + table(["case", "positive snapshots", *who], rows)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
