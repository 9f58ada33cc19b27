"""Follows loot through what happens, bucket by bucket: writes a row for each part of loot in a transfer, and keeps sums.

loot_purses.py holds what is in each wallet; truth_tables.py makes tables of the sums.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from ....features.base.atomic_write import write_atomically
from . import truth_tables
from .loot_purses import FEES, KINDS, SWAPPED, LootPurses
from .market import ASSETS, BTC, MINOR_UNITS, Ints
from .output import CHAINS, write_csv
from .transfer_plan import PHASES
from .world import World

FLOWS = pa.schema([
    ("row", pa.int64()), ("timestamp", pa.timestamp("us", "UTC")), ("chain", pa.string()), ("case", pa.string()),
    ("phase", pa.string()), ("hop", pa.int64()), ("kind", pa.string()), ("asset", pa.string()), ("amount", pa.float64()),
    ("usd", pa.float64()), ("stolen_usd", pa.float64()), ("after_mixer", pa.bool_()),
])  # fmt: skip
FILE = "truth_flows.parquet"


@dataclass
class LootSums:
    """Loot by case (and whether it came out of a mixer), kind and asset: minor units exactly, and worth."""

    kinds: int
    _found: dict[int, list] = field(default_factory=dict)

    def add(self, columns: dict[str, npt.NDArray]) -> None:
        """Add records: `key`, `kind`, `asset`, `units`, `value`, `usd`."""
        code = (columns["key"] * self.kinds + columns["kind"]) * len(ASSETS) + columns["asset"]
        distinct, which = np.unique(code, return_inverse=True)
        units = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(units, which, columns["units"])
        worth = [np.bincount(which, columns[name], len(distinct)) for name in ("value", "usd")]
        for entry, *more in zip(distinct.tolist(), units.tolist(), *(w.tolist() for w in worth), strict=True):
            self._found[entry] = [a + b for a, b in zip(self._found.get(entry, [0, 0.0, 0.0]), more, strict=True)]

    def frame(self) -> pd.DataFrame:
        """Columns key, kind, asset (numbers), units, value (USD when stolen), usd (worth then)."""
        code = np.array(sorted(self._found), dtype=np.int64)
        sums = [self._found[entry] for entry in code.tolist()]
        frame = pd.DataFrame({
            "key": code // len(ASSETS) // self.kinds, "kind": code // len(ASSETS) % self.kinds, "asset": code % len(ASSETS),
        })  # fmt: skip
        frame["units"] = np.array([entry[0] for entry in sums], dtype=np.int64)
        frame["value"] = np.array([entry[1] for entry in sums], dtype=np.float64)
        return frame.assign(usd=np.array([entry[2] for entry in sums], dtype=np.float64))


class LootFollower:
    """The truth of a chain that is being carried out.

    Args:
        world: the world with all of its wallets; no wallet may be added later.
        scratch: a folder for what is not whole yet.
        moments: simulator's seconds, ascending, the last one the end of the chain; what rests just before each is recorded.
        shift: turns the simulator's seconds into unix seconds.
    """

    def __init__(self, world: World, scratch: Path, moments: list[int], shift: int) -> None:
        self.purses = LootPurses(world, moments)
        self.sums = LootSums(len(KINDS))
        self._world, self._moments, self._shift = world, moments, shift
        self._path = scratch / FILE
        self._writer = pq.ParquetWriter(self._path, FLOWS, compression="zstd")

    def observe(self, rows: dict[str, npt.NDArray], positions: Ints) -> None:
        """Follow loot through what happened next.

        Args:
            rows: columns t, sender, receiver, asset, minor, fee, failing, number, after, phase, in order of time.
            positions: where each row stands in the file of transfers.
        """
        columns = self.purses.observe(rows).columns()
        at, asset = columns["position"], columns["asset"]
        t, amount = rows["t"][at], columns["units"] / MINOR_UNITS[asset]
        columns |= {"t": t, "amount": amount, "usd": amount * self._world.market.price(asset, t)}
        self.sums.add(columns)
        self._write(columns | {"row": positions[at], "phase": rows["phase"][at]})

    def _write(self, columns: dict[str, npt.NDArray]) -> None:
        shown = np.flatnonzero(columns["kind"] != FEES)
        order = shown[np.lexsort((columns["key"][shown], columns["row"][shown]))]
        c = {name: values[order] for name, values in columns.items()}
        words = {
            "chain": (CHAINS, c["asset"] == BTC), "case": (self.purses.names, c["key"] // 2), "phase": (PHASES, c["phase"]),
            "kind": (KINDS, c["kind"]), "asset": (ASSETS, c["asset"]),
        }  # fmt: skip
        data = {
            "row": c["row"], "hop": c["hop"], "amount": c["amount"], "usd": c["usd"], "stolen_usd": c["value"],
            "timestamp": pa.array((c["t"] + self._shift) * 1_000_000, pa.timestamp("us", "UTC")),
            "after_mixer": c["key"] % 2 == 1,
        } | {name: pa.array(texts).take(pa.array(which.astype(np.int64))) for name, (texts, which) in words.items()}  # fmt: skip
        self._writer.write_table(pa.table({name: data[name] for name in FLOWS.names}, schema=FLOWS))

    @property
    def seeds(self) -> dict[int, int]:
        """Wallets that received loot from victims, and when each first did (simulator's seconds)."""
        return {wallet: seed.t for wallet, seed in self.purses.seeds.items()}

    def finish(self, folder: Path) -> None:
        """Tell what rests to the end, and write the truth's files into a folder. Raises DataError if that cannot be written."""
        self._writer.close()
        self.purses.record_resting(self._world.end)
        truth = self._truth()
        with self._path.open("rb") as flows:
            write_atomically(folder / FILE, lambda file: shutil.copyfileobj(flows, file))
        self._path.unlink()
        write_csv(truth_tables.cases(truth), folder / "truth_cases.csv")
        write_csv(truth_tables.years(truth), folder / "truth_years.csv")
        write_csv(truth_tables.balance(truth), folder / "truth_balance.csv")

    def _truth(self) -> truth_tables.Truth:
        """All that was seen: what moved, what is pending, and what rests at each moment."""
        seen, rests = self.sums.frame(), LootSums(len(self._moments))
        rests.add(self._columns([(r.moment, r.asset, r.part) for r in self.purses.resting], np.array(self._moments)))
        lost = LootSums(2)
        lost.add(
            self._columns(
                [(int(k.kind == SWAPPED), k.asset, p) for k in self.purses.unanswered() for p in k.parts], None
            )
        )
        names = np.array(KINDS, dtype=object)
        last = rests.frame().rename(columns={"kind": "moment"})
        return truth_tables.gather(
            self._world,
            self.purses,
            seen.assign(kind=names[seen["kind"]]),
            last,
            lost.frame(),
            self._moments,
            self._shift,
        )

    def _columns(self, parts: list, moments: Ints | None) -> dict[str, npt.NDArray]:
        """Parts, each with a number and an asset, as columns; worth at that of the moments, or at the end."""
        number, asset = (np.array([entry[k] for entry in parts], dtype=np.int64) for k in (0, 1))
        key, units = (
            np.array([getattr(entry[2], name) for entry in parts], dtype=np.int64) for name in ("key", "units")
        )
        t = np.full(len(parts), self._world.end) if moments is None else moments[number]
        value = np.array([entry[2].value for entry in parts], dtype=np.float64)
        usd = units / MINOR_UNITS[asset] * self._world.market.price(asset, t)
        return {"kind": number, "asset": asset, "key": key, "units": units, "value": value, "usd": usd}
