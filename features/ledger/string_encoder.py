"""Strings as dense integers: a dictionary that grows, with its own hash table. Reads no file, knows no transfers.

It can be appended to, looked up in and stored, which Arrow's `dictionary_encode` cannot. It hashes eight bytes at a time and
fetches ahead what the next strings will need. Two strings are the same if their bytes are, never because their hashes are.
Kept for its speed (benchmark `speed/against_engines.py`): reading the columns and numbering the addresses by Arrow's
`dictionary_encode` alone (engine `floor`) takes over a third of the time in which walletprint reads, encodes and extracts.
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
_TOGETHER = 1 << 17  # strings looked up at a time
_AHEAD = 12  # strings that are looked up while memory answers


class StringBuffers(NamedTuple):
    """Some strings: number i is text[ends[i] : ends[i + 1]]. Read-only, as Arrow's buffers are."""

    ends: np.ndarray  # int32
    text: np.ndarray  # uint8


class EncoderState(NamedTuple):
    """The strings of an encoder, as kernels see them.

    A slot is two numbers: the upper half of a hash over an id + 1 (0 = free); and where in `text` the string starts, over its
    length of 24 bits, so that a look-up need not read `starts`.
    """

    slots: np.ndarray  # uint64[2 × a power of two]
    starts: np.ndarray  # int64, of each string in `text`, and where the last one ends
    text: np.ndarray  # uint8
    stable: np.ndarray  # uint64, FNV-1a of each string


class StringEncoder:
    """Gives every distinct string an id: 0, 1, … by first appearance."""

    def __init__(self) -> None:
        self._count = 0
        self._state = EncoderState(
            np.zeros(2 * _FEWEST_SLOTS, np.uint64),
            np.zeros(65, np.int64),
            np.empty(2048, np.uint8),
            np.empty(64, np.uint64),
        )

    @classmethod
    def from_state(cls, state: EncoderState) -> "StringEncoder":
        """An encoder that continues from an earlier `state`; it does not write to the state's arrays."""
        encoder = cls()
        encoder._state, encoder._count = state, len(state.stable)
        return encoder

    def __len__(self) -> int:
        return self._count

    @property
    def state(self) -> EncoderState:
        """Its strings and hash table, without the room for more."""
        slots, starts, text, stable = self._state
        return EncoderState(slots, starts[: self._count + 1], text[: starts[self._count]], stable[: self._count])

    @property
    def hashes(self) -> np.ndarray:
        """FNV-1a (64 bits) of each string, by id."""
        return self._state.stable[: self._count]

    def encode(self, strings: pa.Array) -> np.ndarray:
        """The ids of strings (int32); new strings get new ids."""
        if pa.types.is_dictionary(strings.type) and not strings.null_count:
            return self._encode_values(strings.dictionary, strings.indices)
        buffers = string_buffers(strings)
        _refuse_long(buffers)
        hashes, out, done = _hashed(buffers), np.empty(len(strings), np.int32), 0
        self._make_room(len(strings), len(buffers.text))
        while done < len(out):
            self._widen()
            done, self._count = _encode(buffers, hashes, done, self._state, self._count, out)
        return out

    def look_up(self, strings: pa.Array) -> np.ndarray:
        """The ids of strings (int32), −1 for those not known."""
        out = np.empty(len(strings), np.int32)
        for at in range(0, len(out), _TOGETHER):
            buffers = string_buffers(strings.slice(at, _TOGETHER))
            _refuse_long(buffers)
            _look_up(buffers, _hashed(buffers), self._state, out[at : at + _TOGETHER])
        return out

    def holds_exactly(self, strings: pa.Array) -> bool:
        """Whether these are all the strings it knows, by id."""
        if (
            len(strings) != self._count
            or not self._count
            or strings.null_count
            or not pa.types.is_large_string(strings.type)
        ):
            return False
        _, starts, text, _ = self.state
        ends = np.frombuffer(strings.buffers()[1], np.int64)[strings.offset : strings.offset + len(strings) + 1]
        text_of_strings = np.frombuffer(strings.buffers()[2], np.uint8)[ends[0] : ends[-1]]
        return bool(np.array_equal(text_of_strings, text) and np.array_equal(ends - ends[0], starts))

    def strings(self) -> pa.Array:
        """All strings by id, as `large_string`; shares memory with the encoder."""
        _, starts, text, _ = self.state
        return pa.LargeStringArray.from_buffers(self._count, pa.py_buffer(starts), pa.py_buffer(text))

    def _encode_values(self, values: pa.Array, indices: pa.Array) -> np.ndarray:
        """Encode what Arrow has encoded: only the values that occur, so that unused dictionary entries get no id."""
        value = indices.to_numpy(zero_copy_only=False)
        used = np.zeros(len(values), bool)
        used[value] = True
        ids = np.full(len(values), -1, np.int32)
        ids[used] = self.encode(values.filter(pa.array(used)))
        return ids[value]

    def _make_room(self, strings: int, size: int) -> None:
        """Make room for this many more strings and bytes. Unused room takes no memory, as nothing is written there."""
        slots, starts, text, stable = self._state
        if self._count + strings >= len(stable):
            n = max(self._count + strings, 2 * len(stable))
            starts, stable = _longer(starts, n + 1, self._count + 1), _longer(stable, n, self._count)
        used = int(starts[self._count])
        if used + size > len(text):
            text = _longer(text, max(used + size, 2 * len(text)), used)
        self._state = EncoderState(slots, starts, text, stable)

    def _widen(self) -> None:
        """Keep at least half the slots free."""
        slots = self._state.slots
        if 4 * self._count < len(slots):
            return
        wider = np.zeros((8 if len(slots) < 1 << 16 else 2) * len(slots), np.uint64)
        _refill(self._state, self._count, wider)
        self._state = self._state._replace(slots=wider)


def string_buffers(strings: pa.Array) -> StringBuffers:
    """The buffers of an array of strings, less than 2 GiB of them; nulls count as empty."""
    if pa.types.is_dictionary(strings.type):
        strings = strings.dictionary_decode()
    if strings.null_count:
        strings = pc.fill_null(strings, "")
    if not pa.types.is_string(strings.type) and not pa.types.is_large_string(strings.type):
        strings = strings.cast(pa.string())
    if not len(strings):
        return StringBuffers(np.frombuffer(bytes(4), np.int32), _NOTHING)
    _, ends, text = strings.buffers()
    ends = np.frombuffer(ends, np.int32 if pa.types.is_string(strings.type) else np.int64)
    ends = ends[strings.offset : strings.offset + len(strings) + 1]
    text = np.frombuffer(text, np.uint8) if text else _NOTHING
    if ends.dtype == np.int64:
        ends, text = (ends - ends[0]).astype(np.int32), text[ends[0] :]
        ends.flags.writeable = False
    return StringBuffers(ends, text)


def _refuse_long(buffers: StringBuffers) -> None:
    """Names are short; the slots have room for lengths of 24 bits."""
    if len(buffers.text) > _LONGEST and np.diff(buffers.ends).max(initial=0) > _LONGEST:
        raise DataError("got a name of more than 16 MB: no address, asset, chain or method is that long")


def quick_hash(strings: pa.Array) -> np.ndarray:
    """A hash of 64 bits of each string, the same in every run and order, several times as quick as `stable_hash`."""
    return _hashed(string_buffers(strings))


def stable_hash(strings: pa.Array | pa.ChunkedArray) -> np.ndarray:
    """FNV-1a (64 bits) of each string: the same in every run and for every order of the rows."""
    if isinstance(strings, pa.ChunkedArray):
        return np.concatenate([np.empty(0, np.uint64), *(stable_hash(chunk) for chunk in strings.chunks)])
    buffers = string_buffers(strings)
    out = np.empty(len(strings), np.uint64)
    _fnv_all(buffers, out)
    return out


def _hashed(buffers: StringBuffers) -> np.ndarray:
    out = np.empty(len(buffers.ends) - 1, np.uint64)
    _hash_all(buffers, out)
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
def _hash(address, n):
    """A hash of n bytes at an address, eight at a time; the last eight may overlap those before."""
    h = _mixed(np.uint64(n), np.uint64(0xD6E8FEB86659FD93))
    if n >= 8:
        for k in range(0, n - 8, 8):
            h = _mixed(h, word_at(address + np.uint64(k)))
        h = _mixed(h, word_at(address + np.uint64(n - 8)))
    else:
        word = np.uint64(0)
        for k in range(n):
            word = (word << np.uint64(8)) | byte_at(address + np.uint64(k))
        h = _mixed(h, word)
    h *= np.uint64(0xD6E8FEB86659FD93)
    return h ^ (h >> np.uint64(29))


@kernel
def _fnv(address, n):
    h = np.uint64(0xCBF29CE484222325)
    for k in range(n):
        h = (h ^ byte_at(address + np.uint64(k))) * np.uint64(0x100000001B3)
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
def _hash_all(buffers, out):
    ends, text = buffers.ends, address_of(buffers.text, 0)
    for k in range(out.size):
        out[k] = _hash(text + np.uint64(ends[k]), np.int64(ends[k + 1]) - ends[k])


@kernel
def _fnv_all(buffers, out):
    ends, text = buffers.ends, address_of(buffers.text, 0)
    for k in range(out.size):
        out[k] = _fnv(text + np.uint64(ends[k]), np.int64(ends[k + 1]) - ends[k])


@kernel
def _slot_of(address, n, h, slots, mask, text):
    """The slot of the n bytes at an address, of hash h; the free slot for them if they are new."""
    slot = h & mask
    while True:
        hash_and_id = word_at(slots + np.uint64(16) * slot)
        if not hash_and_id:
            return slot
        if hash_and_id >> np.uint64(32) == h >> np.uint64(32):
            start_and_size = word_at(slots + np.uint64(16) * slot + np.uint64(8))
            if np.int64(start_and_size & _LONGEST) == n and _same(address, text + (start_and_size >> np.uint64(24)), n):
                return slot
        slot = (slot + np.uint64(1)) & mask


@kernel
def _fetch_for(hashes, k, slots, mask, text):
    """Fetch the text that the string k + _AHEAD will be compared to, and the slot of the string k + 2 · _AHEAD."""
    last = hashes.size - 1
    prefetch(slots + np.uint64(16) * (hashes[min(k + 2 * _AHEAD, last)] & mask))
    slot = slots + np.uint64(16) * (hashes[min(k + _AHEAD, last)] & mask)
    if word_at(slot):
        address = text + (word_at(slot + np.uint64(8)) >> np.uint64(24))
        prefetch(address)
        prefetch(address + np.uint64(40))


@kernel
def _encode(buffers, hashes, done, state, count, out):
    """Encode strings from `done` on, until half the slots are taken; return how many are done, and how many have ids."""
    ends, first_byte_given = buffers.ends, address_of(buffers.text, 0)
    slots, starts, stable, text = state.slots, state.starts, state.stable, state.text
    first_slot, first_byte = address_of(slots, 0), address_of(text, 0)
    mask = np.uint64(slots.size // 2 - 1)
    while done < out.size and 4 * count < slots.size:
        _fetch_for(hashes, done, first_slot, mask, first_byte)
        h, address, n = hashes[done], first_byte_given + np.uint64(ends[done]), np.int64(ends[done + 1]) - ends[done]
        slot = _slot_of(address, n, h, first_slot, mask, first_byte)
        if not slots[2 * slot]:
            start = starts[count]
            for k in range(n):
                text[start + k] = byte_at(address + np.uint64(k))
            starts[count + 1] = start + n
            stable[count] = _fnv(address, n)
            count += 1
            slots[2 * slot] = (h & _UPPER) | np.uint64(count)
            slots[2 * slot + 1] = (np.uint64(start) << np.uint64(24)) | np.uint64(n)
        out[done] = np.int64(slots[2 * slot] & _LOWER) - 1
        done += 1
    return done, count


@kernel
def _look_up(buffers, hashes, state, out):
    ends, first_byte_given = buffers.ends, address_of(buffers.text, 0)
    slots, text = state.slots, address_of(state.text, 0)
    first_slot, mask = address_of(slots, 0), np.uint64(slots.size // 2 - 1)
    for k in range(out.size):
        _fetch_for(hashes, k, first_slot, mask, text)
        n = np.int64(ends[k + 1]) - ends[k]
        slot = _slot_of(first_byte_given + np.uint64(ends[k]), n, hashes[k], first_slot, mask, text)
        out[k] = np.int64(slots[2 * slot] & _LOWER) - 1


@kernel
def _refill(state, count, wider):
    """Put the first `count` strings into other slots."""
    starts, text, mask = state.starts, address_of(state.text, 0), np.uint64(wider.size // 2 - 1)
    for k in range(count):
        n = starts[k + 1] - starts[k]
        h = _hash(text + np.uint64(starts[k]), n)
        slot = h & mask
        while wider[2 * slot]:
            slot = (slot + np.uint64(1)) & mask
        wider[2 * slot] = (h & _UPPER) | np.uint64(k + 1)
        wider[2 * slot + 1] = (np.uint64(starts[k]) << np.uint64(24)) | np.uint64(n)
