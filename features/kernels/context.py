"""What kernels see of the chain besides a wallet's own transfers: one named tuple per part, each built once per ledger.

A part's arrays are as of the transfers they stand beside: what they say of a transfer depends on no later one. This file holds
their shapes; `chain/` builds them, one file per part.
"""

from typing import NamedTuple

import numpy as np

from .wallet_view import LedgerRows


class Degrees(NamedTuple):
    """How widely the ends of each transfer had dealt before it (strictly earlier)."""

    first: np.ndarray  # int64[wallets], first(x); the largest int64 if it never received value
    senders: np.ndarray  # int32[rows], distinct wallets but the receiver that had sent to the receiver
    receivers: np.ndarray  # int32[rows], distinct wallets but the sender that the sender had sent to
    sweeps: np.ndarray  # uint8[rows], 1: the receiver had sent value on to another wallet, all of it to one
    others: np.ndarray  # uint8[rows], 1: some wallet but sender and receiver had sent to the receiver


class Funders(NamedTuple):
    """Who first paid each wallet. `funded` and `sent` count over all entries before each one, and have entries + 1 numbers.

    Example: wallet w's entries are [a, b). Among them are its payments to x and y, the first value that x and y received. Then
    funded[b] − funded[a] is 2, and sent[b] − sent[a] is the number of w's outs.
    """

    row: np.ndarray  # int32[wallets], the largest in at first(x); -1: it never received value
    funder: np.ndarray  # int32[wallets], -1: none
    depth: np.ndarray  # int32[wallets], funding__depth__hops
    funded: np.ndarray  # int32, entries by which the entry's wallet funded another one: row[x] of some x
    sent: np.ndarray  # int32, entries that are outs of the entry's wallet


class Relays(NamedTuple):
    """Chains of transfers of one size."""

    hops: np.ndarray  # int32[rows], relay(i); 0 where it is not defined
    cut: np.ndarray  # uint8[rows], 1: the bound cut the search


class Peels(NamedTuple):
    """Peel steps by wallet in order of completion: wallet i's are at [offsets[i], offsets[i + 1])."""

    offsets: np.ndarray  # int64[wallets + 1]
    time: np.ndarray  # int64[steps], when it was complete
    hops: np.ndarray  # int32[steps]


class TransferPaths(NamedTuple):
    """Where to go on from each transfer, from wallet to wallet.

    `mate` is the other end of an entry: x of an out to x, -2 - x of an in from x, -1 of a transfer of the wallet to itself.
    `ahead` holds how many of the receiver's entries are earlier, and the first row a week later or more.
    `behind` holds how many of the sender's entries are not later, and the first row later than a week before.
    """

    mate: np.ndarray  # int32[entries]
    ahead: np.ndarray  # int32[rows, 2]
    behind: np.ndarray  # int32[rows, 2]


class Cycles(NamedTuple):
    """Temporal cycles that a transfer closes."""

    hops: np.ndarray  # uint8[rows], the fewest; 0: none
    cut: np.ndarray  # uint8[rows]


class Scatters(NamedTuple):
    """Scatter-gathers that a transfer completes, and the credits of their sources by wallet in order of time."""

    size: np.ndarray  # int32[rows], scatter(i)
    cut: np.ndarray  # uint8[rows]
    offsets: np.ndarray  # int64[wallets + 1]
    time: np.ndarray  # int64[credits]
    middles: np.ndarray  # int32[credits]


class Ranks(NamedTuple):
    """Sizes as ranks among the chain's transfers of the weeks before."""

    rank: np.ndarray  # float64[rows], rank(i); NaN where it is not defined


class Hours(NamedTuple):
    """Transfers of the chain by week and UTC hour."""

    first_week: np.ndarray  # int64[1]
    counts: np.ndarray  # int64[weeks, 24]


class Tokens(NamedTuple):
    """What is known of assets."""

    born: np.ndarray  # int64[assets], time of the chain's first transfer of it with amount > 0
    native: np.ndarray  # uint8[assets]
    dollar: np.ndarray  # uint8[assets]


class Transactions(NamedTuple):
    """Signed transactions by sender, in order (time, nonce), each once: wallet i's are at [offsets[i], offsets[i + 1])."""

    offsets: np.ndarray  # int64[wallets + 1]
    time: np.ndarray  # int64
    nonce: np.ndarray  # int64
    price: np.ndarray  # float64, wei; NaN = unknown
    relative: np.ndarray  # float64, against the chain's of the hour before; NaN = not defined
    failed: np.ndarray  # uint8
    method: np.ndarray  # int32, -1 = no call


class Cohorts(NamedTuple):
    """Cohorts of a block of snapshots: sorted values by cohort, leading asset and measure.

    Measure j of group g (in total, out total, in mean, out mean, in max, out max, transfers) is
    values[start[7 g + j] : start[7 g + j + 1]], upwards.
    """

    cohort: np.ndarray  # int32[snapshots of the block], number of the cohort
    group: np.ndarray  # int32[groups, 2], number of the cohort and asset of each group, upwards
    start: np.ndarray  # int64[7 * groups + 1]
    values: np.ndarray  # float64


class ChainContext(NamedTuple):
    """All of the chain that kernels may look at. Parts that no requested feature needs are empty."""

    rows: LedgerRows
    offsets: np.ndarray
    entries: np.ndarray
    degrees: Degrees
    funders: Funders
    relays: Relays
    peels: Peels
    paths: TransferPaths
    cycles: Cycles
    scatters: Scatters
    ranks: Ranks
    hours: Hours
    tokens: Tokens
    transactions: Transactions
    cohorts: Cohorts


_I8, _U1, _I4, _F8 = (np.empty(0, kind) for kind in ("i8", "u1", "i4", "f8"))
EMPTY = {
    "degrees": Degrees(_I8, _I4, _I4, _U1, _U1),
    "funders": Funders(_I4, _I4, _I4, _I4, _I4),
    "relays": Relays(_I4, _U1),
    "paths": TransferPaths(_I4, np.empty((0, 2), np.int32), np.empty((0, 2), np.int32)),
    "peels": Peels(_I8, _I8, _I4),
    "cycles": Cycles(_U1, _U1),
    "scatters": Scatters(_I4, _U1, _I8, _I8, _I4),
    "ranks": Ranks(_F8),
    "hours": Hours(_I8, np.empty((0, 24), np.int64)),
    "tokens": Tokens(_I8, _U1, _U1),
    "transactions": Transactions(_I8, _I8, _I8, _F8, _F8, _U1, _I4),
    "cohorts": Cohorts(_I4, np.empty((0, 0), np.int32), _I8, _F8),
}
"""Each part where nothing needs it: of the same types, so that kernels are compiled once."""
