"""Direct siblings of wallets: other wallets that the same actor may run. Finds addresses; decides nothing about them.

It reads the whole history. Siblings must not be in the training when a theft is left out, and a later link to the theft is a link
too. They are never a feature and never a label.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from ...features.base.errors import UsageError
from ...features.chain import funders
from ...features.ledger.ledger import Ledger

HUB_DEGREE = 100
"""A wallet with more counterparties is a service or a bot: it does not link its neighbours."""
HUB_FUNDED = 1_000
"""A wallet that funded more wallets is an exchange or a faucet. Higher than `HUB_DEGREE`, because one splitter of a theft fans
out to hundreds of wallets."""
_GLANCE = 64  # entries per allowed counterparty that are read first: a hub shows there
_CHUNK = 4_000_000  # entries per batch (about 100 bytes each)


def siblings_of(
    ledger: Ledger, addresses: Sequence[str] | pd.Series, hub_degree: int = HUB_DEGREE, hub_funded: int = HUB_FUNDED
) -> set[str]:
    """The direct siblings of a set of wallets, without the wallets themselves.

    Siblings are the wallets

    - that sent value to one of them or received value from one, and have at most `hub_degree` counterparties;
    - whose first money came from the same wallet as that of one of them (`Funders`, features/kernels/context.py), if this one
      funded at most `hub_funded` wallets.

    Args:
        ledger: the transfers; the whole history is read.
        addresses: of the wallets, in any spelling; unknown addresses have no siblings.
        hub_degree: maximum number of counterparties of a sibling, itself not counted.
        hub_funded: maximum number of wallets that a common funder may have funded.

    Returns:
        Addresses in the ledger's spelling.

    Raises:
        UsageError: if a bound is negative, or `addresses` is one text.
    """
    if isinstance(addresses, str):
        raise UsageError(f"addresses: a sequence is needed, not the one text {addresses!r}; put it in a list")
    for name, bound in (("hub_degree", hub_degree), ("hub_funded", hub_funded)):
        if bound < 0:
            raise UsageError(f"{name}: a number from 0 on is needed, not {bound}")
    ids = np.unique(ledger.ids(addresses))
    ids = ids[ids >= 0]
    counterparties = _within(ledger, _counterparties(ledger, ids), hub_degree)
    siblings = np.setdiff1d(np.union1d(counterparties, _funded_alike(ledger, ids, hub_funded)), ids)
    return set(ledger.addresses.take(pa.array(siblings)).to_pylist())


def siblings_by_case(
    ledger: Ledger,
    addresses: Iterable[str],
    cases: Iterable[str | None],
    hub_degree: int = HUB_DEGREE,
    hub_funded: int = HUB_FUNDED,
) -> dict[str, set[str]]:
    """The direct siblings of each case's wallets, as `LeaveOneCaseOut` takes them.

    Args:
        ledger: the transfers.
        addresses: of wallets.
        cases: the case of each wallet; missing for none.
        hub_degree, hub_funded: see `siblings_of`.

    Returns:
        {case: addresses}, in the order of the cases' names.
    """
    table = pd.DataFrame({"address": list(addresses), "case": list(cases)}).dropna(subset="case")
    return {
        str(case): siblings_of(ledger, part.tolist(), hub_degree, hub_funded)
        for case, part in table.groupby("case", sort=True)["address"]
    }


def _counterparties(ledger: Ledger, ids: np.ndarray) -> np.ndarray:
    """The ids of all wallets that exchanged value with some wallets, ascending; these themselves may be among them."""
    counterparties = [np.empty(0, np.int64)]
    for part in _chunks(ledger, ids):
        wallet, row = _entries(ledger, part)
        moved = ledger.rows.amount[row] > 0
        counterparties.append(np.unique(_other(ledger, wallet[moved], row[moved])))
    return np.unique(np.concatenate(counterparties))


def _within(ledger: Ledger, ids: np.ndarray, bound: int) -> np.ndarray:
    """Those of some wallets with at most `bound` counterparties. Only the first entries of a hub are read."""
    sizes = ledger.offsets[ids + 1] - ledger.offsets[ids]
    few, many = ids[sizes <= bound], ids[sizes > bound]
    for most in (_GLANCE * (bound + 1), None):
        parts = [part[_degrees(ledger, part, most) <= bound] for part in _chunks(ledger, many, most)]
        many = np.concatenate([np.empty(0, np.int64), *parts])
    return np.concatenate([few, many])


def _degrees(ledger: Ledger, ids: np.ndarray, most: int | None) -> np.ndarray:
    """The number of counterparties of each wallet in its first `most` entries; shape (n,)."""
    wallet, row = _entries(ledger, ids, most)
    other = _other(ledger, wallet, row)
    position = np.searchsorted(ids, wallet)
    pairs = np.unique(np.column_stack([position, other])[other != wallet], axis=0)
    return np.bincount(pairs[:, 0], minlength=len(ids))


def _entries(ledger: Ledger, ids: np.ndarray, most: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The wallet and the row of each entry of some wallets; the first `most` entries per wallet."""
    low, size = ledger.offsets[ids], ledger.offsets[ids + 1] - ledger.offsets[ids]
    size = size if most is None else np.minimum(size, most)
    before = np.cumsum(size) - size
    position = np.arange(size.sum()) + np.repeat(low - before, size)
    return np.repeat(ids, size), np.asarray(ledger.entries[position], np.int64)


def _other(ledger: Ledger, wallet: np.ndarray, row: np.ndarray) -> np.ndarray:
    """The counterparty in each row; the wallet itself if it paid itself."""
    sender, receiver = ledger.rows.sender[row].astype(np.int64), ledger.rows.receiver[row].astype(np.int64)
    return np.where(sender == wallet, receiver, sender)


def _chunks(ledger: Ledger, ids: np.ndarray, most: int | None = None) -> list[np.ndarray]:
    """The wallets in batches of about `_CHUNK` entries."""
    size = ledger.offsets[ids + 1] - ledger.offsets[ids]
    size = size if most is None else np.minimum(size, most)
    number = np.cumsum(size) // _CHUNK
    return np.split(ids, np.flatnonzero(np.diff(number)) + 1) if len(ids) else []


def _funded_alike(ledger: Ledger, ids: np.ndarray, bound: int) -> np.ndarray:
    """The wallets whose funder funded one of `ids`, and at most `bound` wallets in all."""
    funder = ledger.chain_part("funders", funders.build_funders).funder
    fed = np.flatnonzero(funder >= 0)
    count = np.bincount(funder[fed], minlength=len(funder))
    sought = np.zeros(len(funder), bool)
    sought[funder[ids][funder[ids] >= 0]] = True
    sought &= count <= bound
    return fed[sought[funder[fed]]]
