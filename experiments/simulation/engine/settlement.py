"""Carries planned rows out in order of time: nobody spends what he does not have, and every sender pays his fee.

Balances are whole minor units, so that what is sent, received and paid in fees adds up exactly.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ....features.base.kernel_compiler import kernel
from .market import BTC, ETH, MIN_TRANSFER, MINOR_UNITS, NATIVE, Floats, Ints
from .transfer_plan import PLAIN, REPLY, SHARE, UP_TO, Rows

GAS = np.array([21_000, 150_000, 900_000, 350_000, 70_000, 120_000, 100_000, 180_000])  # by method
TOKEN_GAS = 55_000
BYTES = 160  # of a transaction on the UTXO chain


@kernel
def _cut(amount, digits):
    """An amount > 0 cut to a number of significant digits (0 = left as it is)."""
    if digits == 0:
        return amount
    scale = 10.0 ** (digits - 1 - np.floor(np.log10(amount)))
    return np.floor(amount * scale + 1e-9) / scale


@kernel
def _wanted(kind, amount, room, unit, answered):
    """What a row means to send, in whole units of its asset; `answered` = whole units that the row before it moved."""
    if kind == SHARE:
        return room * amount / unit
    if kind == REPLY:
        return amount * answered
    if kind == UP_TO and room < amount * unit:
        return room / unit if room >= 0.2 * amount * unit else 0.0
    return amount


@kernel
def _run(sender, receiver, amount, kind, asset, digits, after, earlier, failing, fee, units, least, native, balance, moved,
         happened):  # fmt: skip
    """Fill `happened` (minor units meant to move, 0 = not even tried) and `moved` (the same, but 0 where the attempt failed).

    `after`: the position of the row that must have moved something, −1 = none here, and then `earlier` is what it moved in whole
    units, −1 = there is none at all.
    """
    for i in range(sender.size):
        s, a, before = sender[i], asset[i], after[i]
        answered = earlier[i] if before < 0 else moved[before] / units[asset[before]]
        if answered == 0.0:
            continue
        coin = native[a]
        room = balance[s, a] - (fee[i] if a == coin else 0)
        if balance[s, coin] < fee[i] or room <= 0:
            continue
        wanted = _wanted(kind[i], amount[i], float(room), units[a], answered)
        if wanted * units[a] < least[a]:
            continue
        minor = np.int64(np.round(_cut(wanted, digits[i]) * units[a]))
        if minor < least[a] or minor > room + 1:  # one unit is rounding of a share
            continue
        minor = min(minor, room)
        balance[s, coin] -= fee[i]
        happened[i] = minor
        if not failing[i]:
            balance[s, a] -= minor
            balance[receiver[i], a] += minor
            moved[i] = minor


@kernel
def _note(sender, receiver, t, own, sent, first, last, count, nonce):
    """Number each sender's own transactions on, and note when each wallet was first and last seen and how often."""
    for i in range(sender.size):
        nonce[i] = -1
        if own[i]:
            nonce[i] = sent[sender[i]]
            sent[sender[i]] += 1
        for k in (sender[i], receiver[i]):
            first[k] = min(first[k], t[i])
            last[k] = max(last[k], t[i])
            count[k] += 1


@dataclass
class AccountBooks:
    """The state of all wallets so far, carried from bucket to bucket.

    Attributes:
        balance: minor units, (wallets, assets); pays: whether each wallet pays fees, which contracts do not.
        payer: who holds the keys of each wallet on the UTXO chain; −1 for other wallets.
        sent: the transactions of each wallet; first, last: their seconds; count: the rows with the wallet as an end.
        folder: the folder of the file with the whole units that each planned row moved, which would not fit in memory.
    """

    balance: Ints
    pays: npt.NDArray[np.bool_]
    payer: npt.NDArray[np.int32]
    sent: Ints
    folder: Path
    first: Ints = field(init=False)
    last: Ints = field(init=False)
    count: Ints = field(init=False)
    _answers: npt.NDArray[np.float64] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        n = len(self.balance)
        self.first, self.last = np.full(n, np.iinfo(np.int64).max), np.full(n, np.iinfo(np.int64).min)
        self.count = np.zeros(n, dtype=np.int64)

    def settle(self, rows: Rows, price: Floats, failing: npt.NDArray[np.bool_], planned: int) -> dict[str, npt.NDArray]:
        """Carry out rows that stand in order of time.

        Args:
            rows: the rows of a plan, none before the last second settled so far.
            price: the offer of each row for gas (1e-9 ETH) or a byte (1e-8 BTC).
            failing: attempts that cost their fee and move nothing.
            planned: how many rows the plan has so far.

        Returns:
            By row: `minor` (minor units, 0 = did not happen), `fee` (minor units of the native coin, 0 = paid by another leg or
            by no one), `transaction` (the position of the row that its transaction begins with).
        """
        n, answers = len(rows), self._answer_book(planned)
        after = _positions(rows["number"], rows["after"], failing)
        root = _transactions(rows, np.where(failing, -1, after), self.payer[rows["sender"]])
        inner = (root != np.arange(n)) | ~self.pays[rows["sender"]]
        fee = np.where(inner, 0, _fees(rows, price))
        earlier = np.where(rows["after"] < 0, -1.0, answers[np.maximum(rows["after"], 0)])
        moved, happened = np.zeros(n, np.int64), np.zeros(n, np.int64)
        columns = [
            np.ascontiguousarray(rows[name]) for name in ("sender", "receiver", "amount", "kind", "asset", "digits")
        ]
        _run(*columns, after, earlier, failing, fee, MINOR_UNITS, MIN_TRANSFER, NATIVE, self.balance, moved, happened)
        answers[rows["number"][~failing]] = moved[~failing] / MINOR_UNITS[rows["asset"][~failing]]
        return {"minor": happened, "fee": np.where(happened > 0, fee, 0), "transaction": root}

    def note(self, rows: dict[str, npt.NDArray]) -> Ints:
        """Take rows that happened, in order of time, into account; returns their nonces (−1 = no transaction of the sender's)."""
        nonce = np.empty(len(rows["t"]), dtype=np.int64)
        own = (rows["fee"] > 0) & (rows["asset"] != BTC)
        columns = [np.ascontiguousarray(rows[name]) for name in ("sender", "receiver", "t")]
        _note(*columns, own, self.sent, self.first, self.last, self.count, nonce)
        return nonce

    def _answer_book(self, planned: int) -> npt.NDArray[np.float64]:
        """What planned rows moved, by number; grows with the plan."""
        path, size = self.folder / "answers", 0 if self._answers is None else self._answers.size
        if planned > size:
            with path.open("ab") as file:
                file.truncate(8 * planned)
            self._answers = np.memmap(path, dtype=np.float64, mode="r+", shape=(planned,))
        assert self._answers is not None
        return self._answers


def _positions(number: Ints, after: Ints, failing: npt.NDArray[np.bool_]) -> Ints:
    """Where the row that each row depends on stands among these; −1 = nowhere. A vain attempt is never what others wait for."""
    real = np.flatnonzero(~failing)
    order = real[np.argsort(number[real], kind="stable")]
    at = np.searchsorted(number[order], after)
    found = order[np.minimum(at, max(len(order) - 1, 0))] if len(order) else np.zeros(len(number), np.int64)
    return np.where((after >= 0) & (number[found] == after), found, -1) if len(order) else np.full(len(number), -1)


def _fees(rows: Rows, price: Floats) -> Ints:
    """Fee of each row in minor units of its native coin."""
    plain = np.where(rows["asset"] == ETH, GAS[PLAIN], TOKEN_GAS)
    gas = np.where(rows["method"] == PLAIN, plain, GAS[rows["method"]])
    return np.round(np.where(rows["asset"] == BTC, BYTES, gas) * price).astype(np.int64)


def _transactions(rows: Rows, after: Ints, payer: npt.NDArray[np.int32]) -> Ints:
    """The row that each row's transaction begins with: what answers another row at the same second is part of its transaction;
    on the UTXO chain so is all that one owner pays in one second, from however many addresses.
    """
    own = np.arange(len(rows))
    root = np.where(
        (after >= 0) & (rows["t"] == rows["t"][np.maximum(after, 0)]) & _same_chain(rows, after), after, own
    )
    at = np.flatnonzero(payer >= 0)
    if at.size:
        key = (rows["t"][at] - rows["t"][at].min()) * (int(payer.max()) + 1) + payer[at]
        _, first, which = np.unique(key, return_index=True, return_inverse=True)
        leader = at[first][which]
        root[at] = np.where(leader == at, root[at], leader)
    while (root[root] != root).any():
        root = root[root]
    return root


def _same_chain(rows: Rows, after: Ints) -> npt.NDArray[np.bool_]:
    native = NATIVE[rows["asset"]]
    return native == native[np.maximum(after, 0)]
