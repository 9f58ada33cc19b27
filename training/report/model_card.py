"""The model card: what the model is, what it learnt from, how well it does and what it cannot do, in Markdown.

Says nothing that hangs on when or where it was written, so that the same training gives the same card.
"""

import pandas as pd

from ...features.base.markdown import number, table
from ...features.base.untrusted_text import markdown_text
from ...serving.model.model_folder import ModelFolder
from ..assessment.fitted_models import FittedModels
from ..assessment.model_assessment import ModelAssessment
from ..config.train_config import TrainConfig
from ..data.dataset import Dataset
from ..splits.time_split import Slices
from .model_card_sections import audit_part, bounds_part, cases_part, intervals_part, learning_part

COLUMNS = {"pr_auc": "PR-AUC", "roc_auc": "ROC-AUC", "brier": "Brier", "ece": "ECE"}


def model_card(model: ModelFolder, fitted: FittedModels, assessment: ModelAssessment) -> str:
    """The text of a model folder's README.md."""
    parts = (
        _head(model),
        _data(model, fitted.dataset),
        _slices(fitted.dataset, fitted.slices, fitted.config),
        learning_part(fitted, assessment),
        _performance(assessment.metrics),
        intervals_part(assessment),
        bounds_part(assessment),
        cases_part(assessment),
        _periods(assessment.periods),
        audit_part(assessment.audit),
        _use(model),
        _limits(model),
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(model: ModelFolder) -> str:
    return (
        f"# {model.name}\n\n"
        f"Scores how likely a wallet is `{model.head}`, from {len(model.features)} behavioural features of its transfers in the "
        f"{model.window} before a date. LightGBM, calibrated ({model.calibration.method}).\n\n"
        f"Version `{model.version}`. Trained on snapshots up to and including **{model.trained_until}**: nothing later was "
        "seen by the trees. They were not refitted on the later slices, so the figures below are of this very model."
    )


def _data(model: ModelFolder, dataset: Dataset) -> str:
    n = {name: f"{count:,}" for name, count in dataset.counts.items()}
    sides = "".join(
        f"- {side}: {_listed(model, side)}: {n[side]} wallets, {n[f'{side}_with_snapshot']} with enough history\n"
        for side in ("positive", "negative")
    )
    return (
        f"## What it learnt from\n\n{sides}"
        f"- left out: {n['conflict']} wallets labelled as both, {n['ignored']} ignored ({_listed(model, 'ignored')}), "
        f"{n['unlisted']} of other categories\n"
        f"- sha256 of transfers and labels: `{model.data_digest}`"
    )


def _listed(model: ModelFolder, side: str) -> str:
    entries = model.labels[side]
    return ", ".join(map(markdown_text, entries)) if isinstance(entries, list) and entries else "none"


def _slices(dataset: Dataset, slices: Slices, config: TrainConfig) -> str:
    rows = []
    for name, part in slices.named().items():
        seen = dataset.snapshots.iloc[part.rows]
        negatives, positives = part.counts
        span = f"{seen['as_of'].min():%Y-%m-%d} – {seen['as_of'].max():%Y-%m-%d}" if len(seen) else "–"
        rows.append([name, span, f"{positives:,}", f"{negatives:,}", f"{seen['address'].nunique():,}"])
    how = "derived from the snapshots" if slices.derived else "as configured"
    return (
        "## Slices\n\n"
        f"A snapshot of every wallet each {_rhythm(config.snapshots.every)}; embargo {slices.embargo.days} days; dates {how}. "
        f"{config.split.held_out_addresses:.0%} of the wallets are in no slice but the tests (`test_new`).\n\n"
        + table(["slice", "as of", "positive", "negative", "wallets"], rows)
    )


def _rhythm(every: str) -> str:
    return every if every in ("month", "quarter") else f"period of {every}"


def _performance(metrics: pd.DataFrame) -> str:
    at = [name for name in metrics.columns if name.startswith(("precision_at", "recall_at"))]
    columns = {**COLUMNS, **{name: _short(name) for name in at}}
    rows = [
        [row["slice"], f"{row['model'].replace('_', ' ')}", *(number(row[name]) for name in columns)]
        for row in metrics.sort_values("slice", ascending=False, kind="stable").to_dict("records")
    ]
    rates = metrics.groupby("slice", sort=False)["base_rate"].first()
    base = ", ".join(f"{rate:.3f} in {name}" for name, rate in rates.items())
    notes = metrics.loc[metrics["note"] != ""].drop_duplicates("model")
    return (
        "## How well it does\n\n"
        f"Base rate: {base}. Ties count at their worst; P and R at a share of the snapshots or at the first k. The shortcuts "
        "at the foot of each slice see what should not suffice; a model that does not beat them has learnt no behaviour.\n\n"
        + table(["slice", "model", *columns.values()], rows)
        + "\n\n"
        + "\n".join(f"- {row.model.replace('_', ' ')}: {row.note}" for row in notes.itertuples())
    )


def _short(name: str) -> str:
    """`precision_at_1pct` → `P@1%`, `recall_at_k100` → `R@100`."""
    what, depth = name.split("_at_")
    return f"{what[0].upper()}@{depth.removeprefix('k').replace('pct', '%')}"


def _periods(periods: pd.DataFrame) -> str:
    rows = [
        [row["slice"], row["period"], f"{row['rows']:,.0f}", *(number(row[name]) for name in ("base_rate", *COLUMNS))]
        for row in periods.to_dict("records")
    ]
    return "### By quarter\n\n" + table(["slice", "quarter", "snapshots", "base rate", *COLUMNS.values()], rows)


def _use(model: ModelFolder) -> str:
    bands = ", ".join(f"{name} from {start:g}" for name, start in model.bands.model_dump().items())
    return (
        "## Use\n\n"
        f"Bands: {bands}. Flagged from {model.threshold:.4f}: {model.threshold_policy}. Percentiles and usual values are "
        "those of the negative snapshots of the calibration slice.\n\n"
        "```python\nfrom walletprint.serving import Scorer\n\n"
        'scores = Scorer.load("THIS_FOLDER").score(addresses, transfers, as_of="2024-01-01")\n```'
    )


def _limits(model: ModelFolder) -> str:
    return (
        "## Limits\n\n"
        "- A score is a reason to look, not proof. No decision about a person should rest on it alone.\n"
        "- The score is calibrated to the share of positives among *labelled* wallets; where fewer are bad, it is too high.\n"
        f"- A wallet with fewer than {model.min_transfers} transfers in the {model.window} before the date is not scored.\n"
        "- Labels are what somebody reported: unreported crime is among the negatives, and what no label shows is not learnt.\n"
        "- Behaviour changes. Compare the quarters above, and retrain when the last one falls."
    )
