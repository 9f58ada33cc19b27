"""A promotion's decision as a page of Markdown; its words are in `decision.md.j2`. Decides nothing."""

from pathlib import Path

from ...features.base.markdown import render, table
from .decision import Decision

TEMPLATE = Path(__file__).with_name("decision.md.j2")


def decision_text(decision: Decision) -> str:
    """What was compared, on which snapshots, with which outcome."""
    figures = decision.figures.query("metric not in ('rows', 'positives')")
    cases = decision.cases.rename(columns={"positives": "positive snapshots"})
    return render(
        TEMPLATE,
        decision=decision,
        compared=decision.compared,
        figures=table(figures),
        cases=table(cases) if len(cases) else "",
    )
