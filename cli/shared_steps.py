"""Steps that several commands share: load a ledger, choose snapshots, write features."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from ..features import Ledger, parse_memory, snapshots_of, write_vectors
from ..features.base.atomic_write import write_parquet
from ..features.base.errors import UsageError
from ..features.base.kernel_compiler import compiled_before
from ..features.exposure import with_attribution
from ..features.families.registry import FAMILY_MODULES
from ..features.ingestion.ingestion import IngestReport
from ..features.labels import read_labels
from ..serving import read_addresses
from .console import Screen, complain

METRICS = ("model", "kind", "base_rate", "pr_auc", "roc_auc", "precision_at_5pct", "recall_at_5pct", "brier")


def report_ingest(report: IngestReport, screen: Screen) -> None:
    """Report what an ingest read, kept and left out; bad rows are reported even with --quiet."""
    formats = ", ".join(f"{rows:,} of {name}" for name, rows in report.by_source.items())
    screen.say(f"{counted(report.read, 'row')} read ({formats})")
    screen.say(f"{counted(report.good, 'transfer')} in {report.out}, {report.first:%Y-%m-%d} to {report.last:%Y-%m-%d}")
    screen.say(
        f"{counted(report.duplicates, 'duplicate')} left out; {counted(report.skipped, 'row')} carried no transfer"
    )
    screen.say(f"{counted(report.self_transfers, 'transfer')} of a wallet to itself, kept and marked")
    for note in report.notes:
        screen.say(f"note: {note}")
    if report.bad:
        reason, count = next(iter(report.reasons.items()))
        complain(
            f"warning: {counted(report.bad, 'bad row')} set aside in {report.quarantine}; most of them ({count:,}): {reason}"
        )


def load_ledger(
    transfers: str,
    out: Path,
    screen: Screen,
    features: Iterable[str] | None = None,
    memory: str | None = None,
    ledger_folder: Path | None = None,
    attribution: Path | None = None,
) -> Ledger:
    """Read transfers (or map those kept in `ledger_folder`) and labels; rejected rows go to files beside `out`."""
    memory_bytes = parse_memory(memory)
    features = features if attribution is None else None  # exposure looks at more columns than models do
    if not compiled_before(*FAMILY_MODULES.values()):
        screen.say("compiling the kernels: one to three minutes, once per machine and version")
    with screen.progress("loading transfers"):
        if ledger_folder is None:
            ledger = Ledger.from_transfers(transfers, features=features, memory=memory_bytes)
        else:
            ledger = Ledger.from_cache(
                transfers, ledger_folder, features=features, memory=memory_bytes, on_note=complain
            )
    write_rejected(ledger.rejected, transfers, out.with_name(f"{out.stem}.bad.parquet"))
    if attribution is None:
        return ledger
    labels = read_labels(attribution)
    write_rejected(labels.bad, attribution, out.with_name(f"{out.stem}.bad-attribution.parquet"))
    return with_attribution(ledger, labels.good)


def write_rejected_labels(bad: pd.DataFrame, labels: Path, model: Path) -> None:
    """Write rejected labels to a file beside the model, and report how many there are."""
    write_rejected(bad, labels, model.with_name(f"{model.name}.bad-labels.parquet"))


def requested_snapshots(ledger: Ledger, wallets: Path | None, as_of: str | None, screen: Screen) -> pd.DataFrame:
    """The snapshots of a list of wallets (or of all), each at its own date, at `as_of`, or just after the last transfer."""
    if wallets is None:
        return snapshots_of(ledger.addresses, _as_of_or_end(ledger, as_of, screen))
    requested = read_addresses(wallets)
    if "as_of" in requested.columns:
        dates = pd.to_datetime(requested["as_of"], utc=True, errors="coerce", format="mixed")
        if dates.isna().any():
            row = int(dates.isna().to_numpy().argmax())
            raise UsageError(
                f"{wallets}, row {row + 1}: as_of must be a date (2021-04-01), not {requested['as_of'].iloc[row]!r}"
            )
        return requested.assign(as_of=dates.astype("datetime64[us, UTC]"))
    return snapshots_of(requested["address"].tolist(), _as_of_or_end(ledger, as_of, screen))


def _as_of_or_end(ledger: Ledger, as_of: str | None, screen: Screen) -> str | pd.Timestamp:
    if as_of is not None:
        return as_of
    screen.say(f"as of {ledger.end.isoformat()}, just after the last transfer (--as-of sets another date)")
    return ledger.end


def write_features(ledger: Ledger, snapshots: pd.DataFrame, window: str | None, out: Path, screen: Screen) -> None:
    """Extract all families and write them; a run that was interrupted goes on."""
    with screen.progress("extracting") as on_progress:
        features = write_vectors(ledger, snapshots, out, window=window, on_progress=on_progress)
    screen.say(f"{counted(len(snapshots), 'vector')} of {features} features in {out}")


def counted(n: int, noun: str) -> str:
    """A number with its noun: 1 bad row, 2 bad rows, 2 addresses."""
    return f"{n:,} {noun}{'' if n == 1 else 'es' if noun.endswith('s') else 's'}"


def write_rejected(bad: pa.Table | pd.DataFrame, source: object, path: Path) -> None:
    """Write rejected rows to `path`, if there are any, and report how many there are."""
    if len(bad):
        write_parquet(bad, path)
        complain(f"warning: {counted(len(bad), 'bad row')} of {source} left out; reasons in {path}")
