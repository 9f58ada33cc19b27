"""Made-up Bitcoin addresses of the usual form (bech32, BIP 173, version 0, 20 bytes), with a valid checksum. Decodes nothing."""

import numpy as np
import pyarrow as pa

from .market import Ints

_LETTERS = np.frombuffer(b"qpzry9x8gf2tvdw0s3jn54khce6mua7l", dtype=np.uint8)
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PREFIX = [3, 3, 0, 2, 3]  # "bc", spread out as the checksum wants it
_SIZE = 42


def random_addresses(rng: np.random.Generator, n: int) -> pa.Array:
    """n random addresses."""
    return addresses(rng.integers(0, 32, (n, 32)))


def addresses(programs: Ints) -> pa.Array:
    """The addresses of programs, an array of (n, 32) five-bit words.

    >>> letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    >>> addresses(np.array([[letters.index(letter) for letter in "w508d6qejxtdg4y5r3zarvary0c5xw7k"]]))[0].as_py()
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    """
    n = len(programs)
    data = np.concatenate([np.zeros((n, 1), dtype=np.int64), programs], axis=1)
    rest = _polymod(np.concatenate([np.tile(_PREFIX, (n, 1)), data, np.zeros((n, 6), dtype=np.int64)], axis=1)) ^ 1
    check = rest[:, None] >> 5 * np.arange(5, -1, -1) & 31
    text = np.empty((n, _SIZE), dtype=np.uint8)
    text[:, :3] = np.frombuffer(b"bc1", dtype=np.uint8)
    text[:, 3:] = _LETTERS[np.concatenate([data, check], axis=1)]
    return pa.StringArray.from_buffers(n, pa.py_buffer(np.arange(n + 1, dtype=np.int32) * _SIZE), pa.py_buffer(text))


def _polymod(words: Ints) -> Ints:
    check = np.ones(len(words), dtype=np.int64)
    for word in words.T:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for k, factor in enumerate(_GENERATOR):
            check ^= np.where(top >> k & 1, factor, 0)
    return check
