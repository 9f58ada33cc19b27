"""Tables of what is true of the thefts, made from what the followers of both chains saw. See `docs/simulation.md`.

USD in two ways: `…_stolen_usd` is the part of what the theft was worth when it happened, and adds up; `…_usd` is worth when sent.
"""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from .follow import Follower, Resting
from .market import ASSETS, DAY, MINOR_UNITS
from .thefts import ACTORS, Theft

FROM, TO = ("stolen", "got", "arrived"), ("swapped", "crossed", "mixed", "bridged", "cashed", "otc", "fees")
AFTER = ("cashed", "otc", "fees")
SECOND_ENDS = ("mixed", "cashed", "otc", "fees", "resting")
SECOND = ("BTC", "-", "-")  # names of the second chain's assets


@dataclass(frozen=True)
class Truth:
    """What was seen on both chains.

    Attributes:
        records: a row for each part of loot in a transfer or fee: chain (0 or 1), row (of that chain), kind, asset, case,
            after_mixer, hop, units (minor), amount (whole units), value (USD when stolen), usd (worth then).
        resting: the same at the end of each year (`moment`), a row for each part that rests in a wallet.
    """

    records: pd.DataFrame
    resting: pd.DataFrame


def gather(followers: tuple[Follower, Follower]) -> Truth:
    """Records and rests of both chains as frames."""
    both = list(zip(followers, (ASSETS, SECOND), strict=True))
    records = [_records(follower, names).assign(chain=k) for k, (follower, names) in enumerate(both)]
    resting = [_frame(follower, follower.resting, names) for follower, names in both]
    return Truth(pd.concat(records, ignore_index=True), pd.concat(resting, ignore_index=True))


def _records(follower: Follower, names: tuple[str, ...]) -> pd.DataFrame:
    rows = np.array([record.row for record in follower.records], dtype=np.int64)
    told = [Resting(int(follower.rows["t"][record.row]), record.asset, record.part) for record in follower.records]
    return _frame(follower, told, names).assign(row=rows, kind=[record.kind for record in follower.records])


def _frame(follower: Follower, told: list[Resting], names: tuple[str, ...]) -> pd.DataFrame:
    frame = pd.DataFrame({
        "moment": np.array([each.moment for each in told], dtype=np.int64),
        "case": [each.part.key.case for each in told],
        "after_mixer": np.array([each.part.key.after_mixer for each in told], dtype=bool),
        "hop": np.array([each.part.hop for each in told], dtype=np.int64),
        "units": np.array([each.part.units for each in told], dtype=np.int64),
        "value": np.array([each.part.value for each in told], dtype=np.float64),
    })  # fmt: skip
    asset = np.array([each.asset for each in told], dtype=np.int64)
    frame["asset"] = [names[a] for a in asset.tolist()]
    frame["amount"] = frame["units"] / MINOR_UNITS[asset]
    frame["usd"] = frame["amount"] * follower.stage.world.market.price(asset, frame["moment"])
    return frame


def _of(frame: pd.DataFrame, wanted: Any) -> pd.DataFrame:
    return pd.DataFrame(frame.loc[wanted])


def _whole(truth: Truth) -> pd.DataFrame:
    """All records, and what rests at the end as one more kind."""
    rests = _of(truth.resting, truth.resting["moment"] == truth.resting["moment"].max())
    return pd.concat([truth.records, rests.assign(kind="resting")], ignore_index=True)


def balance(truth: Truth) -> pd.DataFrame:
    """A row a case and asset, in minor units: FROM = TO + resting; and `withdrawn` from mixers = what is `after_mixer_…`."""
    rows = _whole(truth)
    rows = _of(rows, rows["kind"] != "moved")
    rows["kind"] = np.where(
        rows["after_mixer"] & (rows["kind"] != "withdrawn"), "after_mixer_" + rows["kind"], rows["kind"]
    )
    wide = rows.pivot_table(index=["case", "asset"], columns="kind", values="units", aggfunc="sum", fill_value=0)
    names = [*FROM, *TO, "resting", "withdrawn", *(f"after_mixer_{name}" for name in (*AFTER, "resting"))]
    return wide.reindex(columns=names, fill_value=0).astype(np.int64).reset_index().rename_axis(columns=None)


def cases(truth: Truth, thefts: list[Theft], shift: int) -> pd.DataFrame:
    """A row a case, see `docs/simulation.md`; `shift` turns the simulator's seconds into unix seconds."""
    rows = _whole(truth)
    before, after = _of(rows, ~rows["after_mixer"]), _of(rows, rows["after_mixer"])
    worth, now = (_wide(before, column) for column in ("value", "usd"))
    stolen = _of(before, before["kind"] == "stolen").groupby("case")[["units", "amount", "value"]]
    frame = pd.DataFrame({
        "case": [theft.case for theft in thefts],
        "actor": [ACTORS[0 if theft.state else 1] for theft in thefts],
        "date": [_iso(int(theft.t) + shift) for theft in thefts],
        "asset": [ASSETS[theft.asset] for theft in thefts],
        "planned_mixer_share": [round(theft.ways.get("mixer", 0.0), 4) for theft in thefts],
        "planned_resting_share": [round(theft.rests, 4) for theft in thefts],
    }).set_index("case")  # fmt: skip
    taken = pd.DataFrame(stolen.sum())
    frame["seeds"], frame["stolen_amount"], frame["stolen_usd"] = (
        stolen.size(),
        taken["amount"],
        taken["value"].round(2),
    )
    for name in (*TO, "resting"):
        frame[f"{name}_usd"], frame[f"{name}_stolen_usd"] = now[name].round(2), worth[name].round(2)
    there = _wide(_of(before, before["asset"] == SECOND[0]), "value")
    for name in SECOND_ENDS:
        frame[f"second_chain_{name}_stolen_usd"] = there[name].round(2)
    hidden = _wide(after, "value")
    for name in (*AFTER, "resting"):
        frame[f"after_mixer_{name}_stolen_usd"] = hidden[name].round(2)
    return frame.fillna({name: 0.0 for name in frame if name.endswith("_usd")}).reset_index()


def _wide(rows: pd.DataFrame, values: str) -> pd.DataFrame:
    wide = rows.pivot_table(index="case", columns="kind", values=values, aggfunc="sum", fill_value=0.0)
    return wide.reindex(columns=[*TO, "resting"], fill_value=0.0)


def years(truth: Truth, thefts: list[Theft], moments: list[int], names: list[str]) -> pd.DataFrame:
    """A row a case and year end from the theft on: what still rests unlaundered (not what came out of a mixer), and its age."""
    found: dict[tuple[str, int], _Rest] = defaultdict(_Rest)
    columns = (
        truth.resting[name].tolist() for name in ("case", "moment", "after_mixer", "asset", "amount", "value", "usd")
    )
    for case, moment, after_mixer, asset, amount, value, usd in zip(*columns, strict=True):
        if not after_mixer:
            found[case, moment].add(asset, amount, value, usd)
    return pd.DataFrame([
        _year(theft, moment, name, found[theft.case, moment])
        for theft in thefts for moment, name in zip(moments, names, strict=True) if theft.t < moment
    ])  # fmt: skip


@dataclass
class _Rest:
    """What rests of a case at a moment."""

    value: float = 0.0
    value_there: float = 0.0  # on the second chain
    usd: float = 0.0
    assets: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def add(self, asset: str, amount: float, value: float, usd: float) -> None:
        self.value, self.usd = self.value + value, self.usd + usd
        self.value_there += value if asset == SECOND[0] else 0.0
        self.assets[asset] += amount


def _year(theft: Theft, moment: int, name: str, rest: _Rest) -> dict:
    return {
        "case": theft.case, "year_end": name, "unlaundered_usd": round(rest.value, 2),
        "unlaundered_second_chain_usd": round(rest.value_there, 2), "unlaundered_usd_at_year_end": round(rest.usd, 2),
        "unlaundered_by_asset": json.dumps({asset: round(amount, 9) for asset, amount in sorted(rest.assets.items())}),
        "mean_age_days": round((moment - theft.t) / DAY, 2) if rest.assets else None,
    }  # fmt: skip


def _iso(t: int) -> str:
    return pd.Timestamp(t, unit="s", tz="UTC").strftime("%Y-%m-%dT%H:%M:%SZ")
