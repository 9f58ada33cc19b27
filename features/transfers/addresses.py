"""Addresses: one spelling for each, and what is wrong with a text that is not an address.

Knows EVM addresses and long `0x` ones (Starknet, Aptos, Sui). It checks no checksums of other chains.
"""

import pyarrow as pa

from ..base.arrow import pc
from . import columns as col

_HEX = r"^0[xX]([0-9a-fA-F]{40}|[0-9a-fA-F]{62,64})$"
_SPACE = r"[\s\x{00}-\x{1f}\x{7f}\x{a0}\x{200b}-\x{200f}\x{2060}\x{feff}]"
_NULL_WORDS = pa.array(["nan", "none", "null", "<na>", "nat", "undefined"])
_LONGEST = 128


def normalise_addresses(addresses: col.Column) -> col.Column:
    """Addresses without surrounding white space; `0x` and 40 or 62–64 hex digits in lower case, others unchanged."""
    if isinstance(addresses, pa.ChunkedArray):
        return pa.chunked_array([_normalised(chunk) for chunk in addresses.chunks], addresses.type)
    return _normalised(addresses)


def address_problems(addresses: col.Column) -> pa.Array:
    """What is wrong with each address, as a phrase ("address is empty"); null where nothing is."""
    array = pc.utf8_trim_whitespace(col.as_array(addresses).cast(pa.string()))
    is_hex = pc.match_substring_regex(array, _HEX)
    if pc.all(is_hex, skip_nulls=False).as_py():
        return pa.nulls(len(array), pa.string())
    wrong_hex = pc.and_(pc.match_substring_regex(array, "^0[xX]"), pc.invert(is_hex))
    return col.first_problem(
        col.problem(pc.fill_null(pc.equal(array, ""), True), "address is empty"),
        col.problem(pc.is_in(pc.ascii_lower(array), _NULL_WORDS), "address is a null written as text"),
        col.problem(pc.match_substring_regex(array, _SPACE), "address has white space or a control character inside"),
        col.problem(pc.greater(pc.utf8_length(array), _LONGEST), f"address is longer than {_LONGEST} characters"),
        col.problem(wrong_hex, "address starts with 0x but has not 40 (or 62 to 64) hex digits"),
    )


def _normalised(array: pa.Array) -> pa.Array:
    array = pc.utf8_trim_whitespace(array)
    return pc.if_else(pc.match_substring_regex(array, _HEX), pc.ascii_lower(array), array)
