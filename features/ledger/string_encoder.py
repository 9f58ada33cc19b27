"""Strings as dense integers: a dictionary that grows, with a hash table of our own. Reads no file, knows no transfers.

Several times as fast as Arrow's `dictionary_encode`, and it can be looked up in, appended to and stored. Words of eight bytes
are hashed at a time, and what the next strings will need is fetched ahead, so that memory is rarely waited for. Whether two
strings are the same is decided by their bytes, never by their hashes.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from ..base.arrow import pc
from ..base.errors import DataError
from ..base.kernel_compiler import kernel
from ..kernels.intrinsics import address_of, byte_at, prefetch, word_at

_FEWEST_SLOTS = 256
_LOWER, _UPPER = np.uint64(0xFFFFFFFF), np.uint64(0xFFFFFFFF00000000)
_LONGEST = np.uint64(0xFFFFFF)
_NOTHING = np.frombuffer(b"", np.uint8)
_PART = 1 << 17  # strings looked up at a time
_AHEAD = 12  # strings; memory answers after about as long as it takes to look up so many


class Strings(NamedTuple):
    """Some strings: number i is text[ends[i] : ends[i + 1]]. Read-only, as Arrow's buffers are."""

    ends: np.ndarray  # int32
    text: np.ndarray  # uint8


class Known(NamedTuple):
    """The strings of an encoder, as kernels see them."""

    slots: (
        np.ndarray
    )  # uint64, pairs of them, as many as a power of two: the upper half of a hash over an id + 1 (0 = free), and
    # where in `text` the string starts over its length (of 24 bits, so that a look-up need not see `starts`)
    starts: np.ndarray  # int64, of each string in `text`, and where the last one ends
    text: np.ndarray  # uint8
    stable: np.ndarray  # uint64, FNV-1a of each string


class Encoder:
    """Gives every distinct string an id: 0, 1, … by first appearance."""

    def __init__(self) -> None:
        self._count = 0
        self._known = Known(
            np.zeros(2 * _FEWEST_SLOTS, np.uint64),
            np.zeros(65, np.int64),
            np.empty(2048, np.uint8),
            np.empty(64, np.uint64),
        )

    @classmethod
    def of(cls, known: Known) -> "Encoder":
        """An encoder that goes on from what `known` returned; its arrays are written to no more."""
        encoder = cls()
        encoder._known, encoder._count = known, len(known.stable)
        return encoder

    def __len__(self) -> int:
        return self._count

    @property
    def known(self) -> Known:
        """What it knows, without the room for more."""
        slots, starts, text, stable = self._known
        return Known(slots, starts[: self._count + 1], text[: starts[self._count]], stable[: self._count])

    @property
    def hashes(self) -> np.ndarray:
        """FNV-1a (64 bits) of each string, by id."""
        return self._known.stable[: self._count]

    def encode(self, strings: pa.Array) -> np.ndarray:
        """The ids of strings (int32), new ones given to those not met before."""
        if pa.types.is_dictionary(strings.type) and not strings.null_count:
            return self._encode_values(strings.dictionary, strings.indices)
        came = plain_strings(strings)
        _refuse_long(came)
        hashes, out, done = _hashed(came), np.empty(len(strings), np.int32), 0
        self._make_room(len(strings), len(came.text))
        while done < len(out):
            self._widen()
            done, self._count = _encode(came, hashes, done, self._known, self._count, out)
        return out

    def find(self, strings: pa.Array) -> np.ndarray:
        """The ids of strings (int32), −1 for those not known."""
        out = np.empty(len(strings), np.int32)
        for at in range(0, len(out), _PART):
            came = plain_strings(strings.slice(at, _PART))
            _refuse_long(came)
            _find(came, _hashed(came), self._known, out[at : at + _PART])
        return out

    def is_all(self, strings: pa.Array) -> bool:
        """Whether these are all the strings it knows, by id."""
        if (
            len(strings) != self._count
            or not self._count
            or strings.null_count
            or not pa.types.is_large_string(strings.type)
        ):
            return False
        _, starts, text, _ = self.known
        ends = np.frombuffer(strings.buffers()[1], np.int64)[strings.offset : strings.offset + len(strings) + 1]
        came = np.frombuffer(strings.buffers()[2], np.uint8)[ends[0] : ends[-1]]
        return bool(np.array_equal(came, text) and np.array_equal(ends - ends[0], starts))

    def strings(self) -> pa.Array:
        """All strings by id, as `large_string`; shares memory with the encoder."""
        _, starts, text, _ = self.known
        return pa.LargeStringArray.from_buffers(self._count, pa.py_buffer(starts), pa.py_buffer(text))

    def _encode_values(self, values: pa.Array, indices: pa.Array) -> np.ndarray:
        """Encode what Arrow has encoded: only those of its values that occur, lest a string be known that nothing names."""
        at = indices.to_numpy(zero_copy_only=False)
        used = np.zeros(len(values), bool)
        used[at] = True
        ids = np.full(len(values), -1, np.int32)
        ids[used] = self.encode(values.filter(pa.array(used)))
        return ids[at]

    def _make_room(self, strings: int, size: int) -> None:
        """Room for so many more, should they all be new. Room that is not used takes no memory: nothing is written there."""
        slots, starts, text, stable = self._known
        if self._count + strings >= len(stable):
            n = max(self._count + strings, 2 * len(stable))
            starts, stable = _longer(starts, n + 1, self._count + 1), _longer(stable, n, self._count)
        used = int(starts[self._count])
        if used + size > len(text):
            text = _longer(text, max(used + size, 2 * len(text)), used)
        self._known = Known(slots, starts, text, stable)

    def _widen(self) -> None:
        """Keep at least half the slots free."""
        slots = self._known.slots
        if 4 * self._count < len(slots):
            return
        wider = np.zeros((8 if len(slots) < 1 << 16 else 2) * len(slots), np.uint64)
        _refill(self._known, self._count, wider)
        self._known = self._known._replace(slots=wider)


def plain_strings(strings: pa.Array) -> Strings:
    """The buffers of an array of strings, less than 2 GiB of them; nulls count as empty."""
    if pa.types.is_dictionary(strings.type):
        strings = strings.dictionary_decode()
    if strings.null_count:
        strings = pc.fill_null(strings, "")
    if not pa.types.is_string(strings.type) and not pa.types.is_large_string(strings.type):
        strings = strings.cast(pa.string())
    if not len(strings):
        return Strings(np.frombuffer(bytes(4), np.int32), _NOTHING)
    _, ends, text = strings.buffers()
    ends = np.frombuffer(ends, np.int32 if pa.types.is_string(strings.type) else np.int64)
    ends = ends[strings.offset : strings.offset + len(strings) + 1]
    text = np.frombuffer(text, np.uint8) if text else _NOTHING
    if ends.dtype == np.int64:
        ends, text = (ends - ends[0]).astype(np.int32), text[ends[0] :]
        ends.flags.writeable = False
    return Strings(ends, text)


def _refuse_long(came: Strings) -> None:
    """Names are short; the slots have room for lengths of 24 bits."""
    if len(came.text) > _LONGEST and np.diff(came.ends).max(initial=0) > _LONGEST:
        raise DataError("a name of more than 16 MB came: no address, asset, chain or method is that long")


def quick_hash(strings: pa.Array) -> np.ndarray:
    """A hash of 64 bits of each string, the same in every run and order, several times as quick as `stable_hash`."""
    return _hashed(plain_strings(strings))


def stable_hash(strings: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """FNV-1a (64 bits) of each string: the same in every run and for every order of the rows."""
    if isinstance(strings, pa.ChunkedArray):
        return np.concatenate([np.empty(0, np.uint64), *(stable_hash(chunk) for chunk in strings.chunks)])
    came = plain_strings(strings)
    out = np.empty(len(strings), np.uint64)
    _fnv_all(came, out)
    return out


def _hashed(came: Strings) -> np.ndarray:
    out = np.empty(len(came.ends) - 1, np.uint64)
    _hash_all(came, out)
    return out


def _longer(array: np.ndarray, size: int, used: int) -> np.ndarray:
    longer = np.empty(size, array.dtype)
    longer[:used] = array[:used]
    return longer


@kernel
def _mixed(h, word):
    h = (h ^ word) * np.uint64(0x9E3779B97F4A7C15)
    return h ^ (h >> np.uint64(32))


@kernel
def _hash(place, n):
    """A hash of n bytes at an address, eight at a time; the last eight may overlap those before."""
    h = _mixed(np.uint64(n), np.uint64(0xD6E8FEB86659FD93))
    if n >= 8:
        for k in range(0, n - 8, 8):
            h = _mixed(h, word_at(place + np.uint64(k)))
        h = _mixed(h, word_at(place + np.uint64(n - 8)))
    else:
        word = np.uint64(0)
        for k in range(n):
            word = (word << np.uint64(8)) | byte_at(place + np.uint64(k))
        h = _mixed(h, word)
    h *= np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(29))


@kernel
def _fnv(place, n):
    h = np.uint64(0xCBF29CE484222325)
    for k in range(n):
        h = (h ^ byte_at(place + np.uint64(k))) * np.uint64(0x100000001B3)
    return h


@kernel
def _same(one, other, n):
    """Whether the n bytes at two addresses are the same."""
    if n < 8:
        for k in range(n):  # noqa: SIM110 (a kernel knows no generators)
            if byte_at(one + np.uint64(k)) != byte_at(other + np.uint64(k)):
                return False
        return True
    for k in range(0, n - 8, 8):
        if word_at(one + np.uint64(k)) != word_at(other + np.uint64(k)):
            return False
    return word_at(one + np.uint64(n - 8)) == word_at(other + np.uint64(n - 8))


@kernel
def _hash_all(came, out):
    ends, text = came.ends, address_of(came.text, 0)
    for k in range(out.size):
        out[k] = _hash(text + np.uint64(ends[k]), np.int64(ends[k + 1]) - ends[k])


@kernel
def _fnv_all(came, out):
    ends, text = came.ends, address_of(came.text, 0)
    for k in range(out.size):
        out[k] = _fnv(text + np.uint64(ends[k]), np.int64(ends[k + 1]) - ends[k])


@kernel
def _slot_of(one, n, h, slots, mask, text):
    """The slot that the n bytes at `one`, of hash h, have, or should have if they are not known: that is free, then."""
    slot = h & mask
    while True:
        place = slots + np.uint64(16) * slot
        taken = word_at(place)
        if not taken:
            return slot
        if taken >> np.uint64(32) == h >> np.uint64(32):
            known = word_at(place + np.uint64(8))
            if np.int64(known & _LONGEST) == n and _same(one, text + (known >> np.uint64(24)), n):
                return slot
        slot = (slot + np.uint64(1)) & mask


@kernel
def _fetch_for(hashes, k, slots, mask, text):
    """Fetch the text that the string k + _AHEAD is to be compared to, and the slot of the one as far behind that."""
    last = hashes.size - 1
    prefetch(slots + np.uint64(16) * (hashes[min(k + 2 * _AHEAD, last)] & mask))
    place = slots + np.uint64(16) * (hashes[min(k + _AHEAD, last)] & mask)
    if word_at(place):
        at = text + (word_at(place + np.uint64(8)) >> np.uint64(24))
        prefetch(at)
        prefetch(at + np.uint64(40))


@kernel
def _encode(came, hashes, done, known, count, out):
    """Encode strings from `done` on, until half the slots are taken; how many are done, and how many strings known."""
    ends, one = came.ends, address_of(came.text, 0)
    slots, starts, stable, text = known.slots, known.starts, known.stable, known.text
    first_slot, first_byte = address_of(slots, 0), address_of(text, 0)
    mask = np.uint64(slots.size // 2 - 1)
    while done < out.size and 4 * count < slots.size:
        _fetch_for(hashes, done, first_slot, mask, first_byte)
        h, came_at, n = hashes[done], one + np.uint64(ends[done]), np.int64(ends[done + 1]) - ends[done]
        slot = _slot_of(came_at, n, h, first_slot, mask, first_byte)
        if not slots[2 * slot]:
            at = starts[count]
            for k in range(n):
                text[at + k] = byte_at(came_at + np.uint64(k))
            starts[count + 1] = at + n
            stable[count] = _fnv(came_at, n)
            count += 1
            slots[2 * slot] = (h & _UPPER) | np.uint64(count)
            slots[2 * slot + 1] = (np.uint64(at) << np.uint64(24)) | np.uint64(n)
        out[done] = np.int64(slots[2 * slot] & _LOWER) - 1
        done += 1
    return done, count


@kernel
def _find(came, hashes, known, out):
    ends, one = came.ends, address_of(came.text, 0)
    slots, text = known.slots, address_of(known.text, 0)
    first_slot, mask = address_of(slots, 0), np.uint64(slots.size // 2 - 1)
    for k in range(out.size):
        _fetch_for(hashes, k, first_slot, mask, text)
        n = np.int64(ends[k + 1]) - ends[k]
        slot = _slot_of(one + np.uint64(ends[k]), n, hashes[k], first_slot, mask, text)
        out[k] = np.int64(slots[2 * slot] & _LOWER) - 1


@kernel
def _refill(known, count, wider):
    """Put the first `count` strings into other slots."""
    starts, text, mask = known.starts, address_of(known.text, 0), np.uint64(wider.size // 2 - 1)
    for k in range(count):
        n = starts[k + 1] - starts[k]
        h = _hash(text + np.uint64(starts[k]), n)
        slot = h & mask
        while wider[2 * slot]:
            slot = (slot + np.uint64(1)) & mask
        wider[2 * slot] = (h & _UPPER) | np.uint64(k + 1)
        wider[2 * slot + 1] = (np.uint64(starts[k]) << np.uint64(24)) | np.uint64(n)
