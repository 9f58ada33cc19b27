"""From two chains that were carried out to one canonical table of transfers, and to each part of the loot its row there."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from ...features.arrow import pc
from ...features.transfers import SCHEMA
from .chain import NONCES_BEFORE
from .decade import Stage
from .market import ASSETS, MINOR_UNITS, Ints
from .output import transfers
from .truths import SECOND, Truth

CHAINS = ("simulated", "simulated_bitcoin")
_ORDER = [(name, "ascending") for name in ("timestamp", "tx_id", "sender", "receiver", "asset", "amount")]
_SAME = ["timestamp", "sender", "receiver", "asset", "amount", "failed"]


@dataclass(frozen=True)
class Done:
    """A chain that was carried out.

    Attributes:
        rows: what happened, in order of time; addresses: by wallet; table: the same rows, canonical.
        names: of its assets; shift: turns the simulator's seconds into unix seconds.
    """

    stage: Stage
    rows: dict[str, npt.NDArray]
    addresses: pa.Array
    table: pa.Table
    names: tuple[str, ...]
    shift: int


def done(stage: Stage, rows: dict[str, npt.NDArray], addresses: pa.Array, shift: int) -> Done:
    """Make the canonical table of a chain's rows."""
    nonces = np.zeros(len(addresses), dtype=np.int64)
    nonces[list(stage.world.wallets.funds)] = NONCES_BEFORE
    table = transfers(stage.world.rng, stage.world.market, rows, addresses, nonces)
    moved = pc.add(table["timestamp"], pa.scalar(shift * 10**6, pa.duration("us")))
    return Done(stage, rows, addresses, table.set_column(0, SCHEMA.field(0), moved), ASSETS, shift)


def tx_ids(chain: Done, which: Ints) -> list[str]:
    """The transaction ids of rows of a chain."""
    return chain.table["tx_id"].take(pa.array(_places(chain, chain.table, which))).to_pylist()


def as_bitcoin(chain: Done, came_by: dict[int, str]) -> Done:
    """The chain under the second chain's names; `came_by`: by transaction of the bridge, the id of the transaction it answers."""
    table, n = chain.table, len(chain.table)
    method = table["method"].to_pylist()
    paid = np.flatnonzero(
        (chain.rows["sender"] == chain.stage.crossing) & np.isin(chain.rows["transaction"], list(came_by))
    )
    answers = chain.rows["transaction"][paid].tolist()
    for place, row in zip(_places(chain, table, paid).tolist(), answers, strict=True):
        method[place] = f"out:{came_by[row]}"
    for name, values in {
        "asset": pa.array([SECOND[0]] * n), "chain": pa.array([CHAINS[1]] * n), "gas_price": pa.nulls(n, pa.float64()),
        "nonce": pa.nulls(n, pa.int64()), "method": pa.array(method, pa.string()),
    }.items():  # fmt: skip
        at = table.schema.get_field_index(name)
        table = table.set_column(at, SCHEMA.field(at), values)
    return replace(chain, table=table, names=SECOND)


def joined(chains: tuple[Done, Done]) -> pa.Table:
    """The transfers of both chains in total order."""
    return pa.concat_tables([chain.table for chain in chains]).sort_by(_ORDER).cast(SCHEMA)


def flows(table: pa.Table, chains: tuple[Done, Done], truth: Truth) -> pd.DataFrame:
    """The truth a row a part of the loot in a transfer, with the transfer's place in `table`, in that order; no fees."""
    parts = []
    for number, chain in enumerate(chains):
        wanted = (truth.records["chain"] == number) & (truth.records["kind"] != "fees")
        found = pd.DataFrame(truth.records.loc[wanted])
        which, inverse = np.unique(found["row"].to_numpy(), return_inverse=True)
        parts.append(found.assign(row=_places(chain, table, which)[inverse], chain=CHAINS[number]))
    frame = pd.concat(parts).sort_values(["row", "case", "after_mixer"], ignore_index=True)
    frame["tx_id"] = table["tx_id"].take(pa.array(frame["row"])).to_pylist()
    frame["timestamp"] = pd.to_datetime(frame["moment"] + chains[0].shift, unit="s", utc=True).astype(
        "datetime64[us, UTC]"
    )
    frame = frame.rename(columns={"value": "stolen_usd"})
    return frame.loc[
        :,
        [
            "row",
            "timestamp",
            "tx_id",
            "chain",
            "case",
            "hop",
            "kind",
            "asset",
            "amount",
            "usd",
            "stolen_usd",
            "after_mixer",
        ],
    ]


def _places(chain: Done, table: pa.Table, which: Ints) -> Ints:
    """Where rows of a chain stand in a table of transfers; rows that agree in everything are taken in turn."""
    rows, asset = chain.rows, chain.rows["asset"][which]
    wanted = pd.DataFrame({
        "timestamp": rows["t"][which] + chain.shift,
        "sender": chain.addresses.take(pa.array(rows["sender"][which])).to_pylist(),
        "receiver": chain.addresses.take(pa.array(rows["receiver"][which])).to_pylist(),
        "asset": np.array(chain.names, dtype=object)[asset],
        "amount": rows["minor"][which] / MINOR_UNITS[asset],
        "failed": rows["failing"][which],
    })  # fmt: skip
    near = pc.is_in(table["sender"], value_set=pa.array(list(dict.fromkeys(wanted["sender"].tolist())), pa.string()))
    place = np.flatnonzero(np.asarray(near))
    part = table.take(pa.array(place))
    there = pd.DataFrame({name: part[name].to_pylist() for name in _SAME[1:]})
    there["timestamp"] = part["timestamp"].cast(pa.int64()).to_numpy() // 10**6
    there["place"] = place
    for frame in (wanted, there):
        frame["nth"] = frame.groupby(_SAME).cumcount()
    found = wanted.merge(there, on=[*_SAME, "nth"], how="left", validate="one_to_one")
    return found["place"].to_numpy().astype(np.int64)
