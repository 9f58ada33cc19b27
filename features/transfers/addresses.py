"""Addresses: one spelling for each, and what is wrong with those that are none.

Knows EVM addresses and long `0x` ones (Starknet, Aptos, Sui); of other chains it checks no checksum.
"""

import pyarrow as pa

from ..base.arrow import pc
from . import columns as col

_HEX = r"^0[xX]([0-9a-fA-F]{40}|[0-9a-fA-F]{62,64})$"
_SPACE = r"[\s\x{00}-\x{1f}\x{7f}\x{a0}\x{200b}-\x{200f}\x{2060}\x{feff}]"
_NULL_WORDS = pa.array(["nan", "none", "null", "<na>", "nat", "undefined"])
_LONGEST = 128


def normalise_addresses(addresses: col.Column) -> col.Column:
    """Addresses without surrounding white space; `0x` and 40 or 62–64 hex digits in lower case, others as they are."""
    if isinstance(addresses, pa.ChunkedArray):
        return pa.chunked_array([_normalised(chunk) for chunk in addresses.chunks], addresses.type)
    return _normalised(addresses)


def address_problems(addresses: col.Column) -> pa.Array:
    """Why each address is none, as a phrase ("address is empty"); null where it is fine."""
    array = pc.utf8_trim_whitespace(col.plain(addresses).cast(pa.string()))
    fits = pc.match_substring_regex(array, _HEX)
    if pc.all(fits, skip_nulls=False).as_py():
        return pa.nulls(len(array), pa.string())
    unfit = pc.and_(pc.match_substring_regex(array, "^0[xX]"), pc.invert(fits))
    return col.first_problem(
        col.problem(pc.fill_null(pc.equal(array, ""), True), "address is empty"),
        col.problem(pc.is_in(pc.ascii_lower(array), _NULL_WORDS), "address is a null written as text"),
        col.problem(pc.match_substring_regex(array, _SPACE), "address has white space or a control character inside"),
        col.problem(pc.greater(pc.utf8_length(array), _LONGEST), f"address is longer than {_LONGEST} characters"),
        col.problem(unfit, "address starts with 0x but has not 40 (or 62 to 64) hex digits"),
    )


def _normalised(array: pa.Array) -> pa.Array:
    array = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.match_substring_regex(array, _HEX), pc.ascii_lower(array), array)
