"""Made-up Bitcoin addresses of the usual form (bech32, BIP 173, version 0, 20 bytes), with a valid checksum. Decodes nothing."""

import numpy as np

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_PREFIX = [3, 3, 0, 2, 3]  # "bc", spread out as the checksum wants it


def random_addresses(rng: np.random.Generator, n: int) -> list[str]:
    """n random addresses."""
    words = rng.integers(0, 32, (n, 32)).tolist()
    return [_address([0, *program]) for program in words]


def _address(data: list[int]) -> str:
    """The address of five-bit words: the version and the program.

    >>> _address([_LETTERS.index(letter) for letter in "qw508d6qejxtdg4y5r3zarvary0c5xw7k"])
    'bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4'
    """
    rest = _polymod([*_PREFIX, *data, 0, 0, 0, 0, 0, 0]) ^ 1
    words = [*data, *(rest >> 5 * (5 - k) & 31 for k in range(6))]
    return "bc1" + "".join(_LETTERS[word] for word in words)


def _polymod(words: list[int]) -> int:
    check = 1
    for word in words:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for k, factor in enumerate(_GENERATOR):
            check ^= factor if top >> k & 1 else 0
    return check
