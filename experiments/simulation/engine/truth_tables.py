"""Tables of what is true of a chain: of its cases, from the sums of what was followed, and of its wallets.

See docs/simulation.md. USD in two ways: `…_stolen_usd` is the part of what the loot was worth when it was stolen, and adds up;
`…_usd` is worth when sent.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv

from ....features.base.atomic_write import write_atomically
from .loot_purses import LootPurses
from .market import ASSETS, BTC, DAY, MINOR_UNITS, Ints
from .world import World

FROM = ("stolen", "got", "arrived", "withdrawn")
TO = ("swapped", "crossed", "mixed", "nested", "cashed", "otc", "sold", "fees", "resting")
ENDS = ("mixed", "nested", "bridged", "cashed", "otc", "sold", "lost", "fees", "resting")
"""Where stolen worth ends, before it is hidden; `bridged` never came out of the bridge, `lost` not of a swap."""
PASSED = ("swapped", "crossed")
AFTER = ("cashed", "otc", "sold", "fees", "resting")
SECOND = "second_chain"
COINS = np.array(ASSETS, dtype=object)


@dataclass(frozen=True)
class Truth:
    """What was seen of the cases.

    Attributes:
        sums: one row per case, after_mixer, kind and asset: units (minor), value (USD when stolen), usd (worth then); kinds are
            those of the transfers, and `resting` at the end, and `bridged` and `lost` for what never came back (units 0).
        resting: the same, unlaundered, at each moment (its number).
        cases: case, actor, script, start (simulator's second of its first loot), seeds; one row per case with loot.
        moments: simulator's seconds; shift: turns them into unix seconds.
    """

    sums: Any
    resting: Any
    cases: Any
    moments: list[int]
    shift: int


def gather(
    world: World, purses: LootPurses, seen: Any, resting: Any, lost: Any, moments: list[int], shift: int
) -> Truth:
    """Put together what a follower saw.

    Args:
        seen: sums by key, kind (text) and asset; resting: by key, moment (number) and asset; lost: what never came back, by key
            and asset, `kind` 1 for a swap and 0 for a bridge.
    """
    last = resting[resting["moment"] == len(moments) - 1]
    gone = lost.assign(kind=np.where(lost["kind"] == 1, "lost", "bridged"), units=0)
    whole = pd.concat([seen, last.assign(kind="resting").drop(columns="moment"), gone], ignore_index=True)
    names = np.array(purses.names, dtype=object)
    tables = [_named(table, names) for table in (whole, resting)]
    return Truth(tables[0], tables[1][~tables[1]["after_mixer"]], _cases(world, purses), moments, shift)


def _named(table: Any, names: Any) -> pd.DataFrame:
    key = table["key"].to_numpy()
    return table.assign(case=names[key // 2], after_mixer=key % 2 == 1, asset=COINS[table["asset"]]).drop(columns="key")


def _cases(world: World, purses: LootPurses) -> pd.DataFrame:
    rows: dict[str, dict[str, Any]] = {}
    for wallet, seed in purses.seeds.items():
        case = purses.names[seed.case]
        row = rows.setdefault(case, {
            "case": case, "actor": world.wallets.text_of("actor", wallet),
            "script": world.wallets.case_script.get(case, ""), "start": seed.t, "seeds": 0,
        })  # fmt: skip
        row["seeds"] += 1
        row["start"] = min(row["start"], seed.t)
    return pd.DataFrame(list(rows.values()), columns=["case", "actor", "script", "start", "seeds"]).sort_values("case")


def balance(truth: Truth) -> pd.DataFrame:
    """One row per case, asset and whether it came out of a mixer, in minor units: FROM together = TO together."""
    rows = truth.sums[truth.sums["kind"].isin([*FROM, *TO])]
    keys = ["case", "asset", "after_mixer"]
    wide = rows.pivot_table(index=keys, columns="kind", values="units", aggfunc="sum", fill_value=0)
    return wide.reindex(columns=[*FROM, *TO], fill_value=0).astype(np.int64).reset_index().rename_axis(columns=None)


def cases(truth: Truth) -> pd.DataFrame:
    """One row per case that has loot, see `docs/simulation.md`."""
    before, after = (truth.sums[truth.sums["after_mixer"] == hidden] for hidden in (False, True))
    stolen: Any = before[before["kind"] == "stolen"].sort_values("value").groupby("case")
    frame = truth.cases.set_index("case")
    frame["date"] = [_iso(int(t) + truth.shift) for t in frame["start"]]
    largest: Any = stolen.last()
    frame["asset"], units = largest["asset"], largest["units"]
    frame["stolen_amount"] = units / largest["asset"].map(dict(zip(ASSETS, MINOR_UNITS, strict=True)))
    frame["stolen_usd"] = stolen["value"].sum().round(2)
    worth, now = (_wide(before, column) for column in ("value", "usd"))
    there, hidden = _wide(before[before["asset"] == ASSETS[BTC]], "value"), _wide(after, "value")
    for name in (*PASSED, *ENDS):
        frame[f"{name}_usd"], frame[f"{name}_stolen_usd"] = now[name].round(2), worth[name].round(2)
    for name in (*PASSED, *ENDS):
        frame[f"{SECOND}_{name}_stolen_usd"] = there[name].round(2)
    for name in AFTER:
        frame[f"after_mixer_{name}_stolen_usd"] = hidden[name].round(2)
    usd = [name for name in frame if str(name).endswith("_usd")]
    return frame.drop(columns="start").fillna(dict.fromkeys(usd, 0.0)).reset_index()


def _wide(rows: Any, values: str) -> pd.DataFrame:
    wide = rows.pivot_table(index="case", columns="kind", values=values, aggfunc="sum", fill_value=0.0)
    return wide.reindex(columns=[*PASSED, *ENDS], fill_value=0.0)


@dataclass
class _Rest:
    """What rests of a case at a moment."""

    value: float = 0.0
    value_there: float = 0.0  # on the second chain
    usd: float = 0.0
    assets: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, asset: str, units: int, value: float, usd: float) -> None:
        self.value, self.usd = self.value + value, self.usd + usd
        self.value_there += value if asset == ASSETS[BTC] else 0.0
        self.assets[asset] += units / float(MINOR_UNITS[ASSETS.index(asset)])


def years(truth: Truth) -> pd.DataFrame:
    """One row per case and moment (year ends, and the chain's end) from the theft on: what rests unlaundered, and its age.

    What came out of a mixer does not count.
    """
    found: dict[tuple[str, int], _Rest] = defaultdict(_Rest)
    columns = (truth.resting[name].tolist() for name in ("case", "moment", "asset", "units", "value", "usd"))
    for case, moment, *rest in zip(*columns, strict=True):
        found[case, moment].add(*rest)
    starts = list(zip(truth.cases["case"], truth.cases["start"], strict=True))
    rows = [
        _year(case, start, moment, found[case, k], truth.shift)
        for case, start in starts for k, moment in enumerate(truth.moments) if start < moment
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(_YEARS))


_YEARS = (
    "case", "year_end", "unlaundered_usd", "unlaundered_second_chain_usd", "unlaundered_usd_at_year_end",
    "unlaundered_by_asset", "mean_age_days",
)  # fmt: skip


def _year(case: str, start: int, moment: int, rest: _Rest, shift: int) -> dict[str, Any]:
    assets = {asset: round(amount, 9) for asset, amount in sorted(rest.assets.items())}
    values = (
        case, _iso(moment + shift - 1)[:10], round(rest.value, 2), round(rest.value_there, 2), round(rest.usd, 2),
        json.dumps(assets), round((moment - start) / DAY, 2) if assets else None,
    )  # fmt: skip
    return dict(zip(_YEARS, values, strict=True))


def _iso(t: int) -> str:
    return pd.Timestamp(t, unit="s", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")


def write_wallets(world: World, addresses: pa.Array, count: Ints, path: Path) -> None:
    """Write what each wallet with a transfer really is: address, owner, category, actor, case, script, population; by address.

    Args:
        addresses: the address of each wallet; count: the transfers of each wallet.

    Raises:
        DataError: the file cannot be written.
    """
    wallets = world.wallets
    case = wallets.text("case")
    known, which = pd.factorize(case)[::-1]
    script = np.array([wallets.case_script.get(str(name), "") for name in known], dtype=object)[which]
    texts = {"category": wallets.text("category"), "actor": wallets.text("actor"), "case": case, "script": script}
    table = pa.table({
        "address": addresses, "owner": wallets.owner,
        **{name: pa.array(column, pa.string()) for name, column in texts.items()},
        "population": pa.array(wallets.text("population"), pa.string()),
    })  # fmt: skip
    shown = table.filter(pa.array(count > 0)).sort_by("address")
    write_atomically(path, lambda file: csv.write_csv(shown, file, csv.WriteOptions(quoting_style="needed")))
