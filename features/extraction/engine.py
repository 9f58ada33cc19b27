"""The engine under `extract`: snapshots in blocks that fit a cache, each through the kernels of the requested families.

Knows no feature and no data frame.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ..base.errors import UsageError
from ..base.processor_cores import usable_cores
from ..chain import context_of
from ..chain.cohorts import cohorts_of
from ..exposure.snapshot_features import exposure_features
from ..families.registry import FAMILIES, FAMILY_MODULES, catalogue, feature, needs_of
from ..kernels.context import ChainContext
from ..kernels.gather_views import gather
from ..kernels.wallet_view import block_for, scratch_for
from ..ledger.ledger import Ledger

_BLOCK = 20_000
_COLUMNS = {"tx", "chain", "transactions"}  # needs that a ledger can only meet if it was read with their columns


@dataclass(frozen=True, slots=True)
class LocatedSnapshots:
    """Snapshots as arrays: wallet ids (−1: unknown), the ranges of their transfers, and their windows in seconds."""

    wallet: np.ndarray
    low: np.ndarray
    size: np.ndarray
    since: np.ndarray
    as_of: np.ndarray


@dataclass(frozen=True, slots=True)
class ExtractionPlan:
    """Which features to compute, of which snapshots.

    Attributes:
        families: the columns of each requested family in the working table.
        want: which of those columns were requested.
        null: their values without a transfer.
        picks: the requested columns, in the order requested.
        cohort: the number of each snapshot's cohort; empty if no feature needs it.
        exposure: the features of family exposure, which depend on all transfers; one row per snapshot, no columns if none is
            requested.
    """

    ledger: Ledger
    context: ChainContext
    snapshots: LocatedSnapshots
    families: dict[str, slice]
    want: np.ndarray
    null: np.ndarray
    picks: np.ndarray | slice
    cohort: np.ndarray
    exposure: np.ndarray


def plan_extraction(
    ledger: Ledger, snapshots: LocatedSnapshots, window_seconds: int | None, names: Sequence[str]
) -> ExtractionPlan:
    """Build what the features look at, and lay out their columns.

    Raises:
        UsageError: if a feature is unknown, or needs columns that the ledger was read without.
    """
    needs = needs_of(names)
    if "labels" in needs and ledger.attribution is None:
        raise UsageError(
            "features: family exposure needs labels, and this ledger has none; add them with "
            "`with_attribution(ledger, labels)` (on the command line, --attribution FILE), or leave the family out"
        )
    if missing := sorted(needs & _COLUMNS - ledger.needs):
        raise UsageError(
            f"features: this ledger was read without the columns that {', '.join(missing)} features need; "
            "name the features when it is read, or none"
        )
    families, columns = _layout(names)
    context, cohort = context_of(ledger, needs), np.empty(0, np.int32)
    if "cohorts" in needs:
        cohorts = cohorts_of(ledger, snapshots.as_of, window_seconds)
        context, cohort = context._replace(cohorts=cohorts), cohorts.cohort
    column_of, want = {name: k for k, name in enumerate(columns)}, np.isin(columns, list(names))
    return ExtractionPlan(
        ledger=ledger,
        context=context,
        snapshots=snapshots,
        families=families,
        want=want,
        null=np.array([feature(name).null for name in columns]),
        picks=slice(None) if list(names) == columns else np.array([column_of[name] for name in names], np.int64),
        cohort=cohort,
        exposure=exposure_features(
            ledger, ledger.attribution, snapshots.wallet, snapshots.as_of, want[families["exposure"]]
        )
        if ledger.attribution is not None and "exposure" in families
        else np.empty((len(snapshots.wallet), 0)),
    )


def vectors(plan: ExtractionPlan) -> Iterator[tuple[slice, np.ndarray]]:
    """The features of the snapshots, block by block, in order: a range of snapshots, and their table (float64)."""
    yield from _run_in_order(_blocks(plan.snapshots.size), lambda rows: _computed(plan, rows))


def _layout(names: Sequence[str]) -> tuple[dict[str, slice], list[str]]:
    """Where each requested family writes, and the names of all columns."""
    requested = {feature(name).family for name in names}
    families: dict[str, slice] = {}
    columns: list[str] = []
    for family in FAMILIES:
        if family in requested:
            first = len(columns)
            columns += [declared.name for declared in catalogue(family)]
            families[family] = slice(first, len(columns))
    return families, columns


def _blocks(size: np.ndarray) -> list[slice]:
    """Snapshots in blocks of about `_BLOCK` transfers; one with more is a block of its own."""
    cuts = np.flatnonzero(np.diff(np.cumsum(size + 1) // _BLOCK)) + 1
    edges = [0, *cuts.tolist(), len(size)]
    return [slice(a, b) for a, b in itertools.pairwise(edges) if a < b]


def _computed(plan: ExtractionPlan, rows: slice) -> np.ndarray:
    """The features of one block of snapshots."""
    snapshots = plan.snapshots
    out = np.tile(plan.null, (rows.stop - rows.start, 1))
    block = block_for(snapshots.wallet[rows], snapshots.since[rows], snapshots.as_of[rows], snapshots.size[rows])
    scratch = scratch_for(int(snapshots.size[rows].max()))
    gather(plan.ledger.rows, plan.ledger.entries, snapshots.low[rows], block, scratch)
    context = plan.context._replace(cohorts=plan.context.cohorts._replace(cohort=plan.cohort[rows]))
    for family, columns in plan.families.items():
        if family == "exposure":
            out[:, columns] = plan.exposure[rows]
        else:
            FAMILY_MODULES[family].compute_family(block, context, out, columns.start, plan.want[columns], scratch)
    return out[:, plan.picks]


def _run_in_order(blocks: Sequence[slice], work: Callable[[slice], np.ndarray]) -> Iterator[tuple[slice, np.ndarray]]:
    """Each block and its result, in order, computed on all cores; few results wait at a time."""
    workers = usable_cores()
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[slice, Future[np.ndarray]]] = deque()
        for block in blocks:
            waiting.append((block, pool.submit(work, block)))
            if len(waiting) > 4 * workers:
                first, result = waiting.popleft()
                yield first, result.result()
        for first, result in waiting:
            yield first, result.result()
