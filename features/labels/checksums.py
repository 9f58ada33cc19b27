"""Whether an address can exist on its network, and which network its form implies: base58, bech32, CashAddr, EIP-55 checksums.

The codecs are a library's; the version bytes and prefixes of each network are here. Nothing is checked on networks without a
checksum that is known here (Monero, Solana's keys, EOS names …).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from base58_bech32 import base58, bech32, cashaddr
from Crypto.Hash import keccak

CASE_LOST = "the base58 checksum fails and all letters are of one case: the case was lost"

NETWORKS = {
    "BTC": "bitcoin",
    "XBT": "bitcoin",
    "OMNI": "bitcoin",
    "ETH": "ethereum",
    "ETC": "ethereum_classic",
    "ARB": "arbitrum",
    "BSC": "bsc",
    "BEP20": "bsc",
    "BEP2": "bnb_beacon_chain",
    "MATIC": "polygon",
    "AVAX": "avalanche",
    "FTM": "fantom",
    "TRX": "tron",
    "LTC": "litecoin",
    "BCH": "bitcoin_cash",
    "BSV": "bitcoin_sv",
    "BTG": "bitcoin_gold",
    "DOGE": "dogecoin",
    "DASH": "dash",
    "ZEC": "zcash",
    "XVG": "verge",
    "XRP": "ripple",
    "RIPPLE": "ripple",
    "XMR": "monero",
    "SOL": "solana",
    "EOS": "eos",
    "ADA": "cardano",
    "XLM": "stellar",
    "DOT": "polkadot",
    "ATOM": "cosmos",
    "ALGO": "algorand",
    "XTZ": "tezos",
}
"""The network of an asset's symbol."""

_ANYWHERE = {"USDT", "USDC", "BNB"}  # on several networks: the form of the address decides
_OTHERS = {"base", "optimism", "celo", "gnosis"}  # networks that sources name directly
_KNOWN = set(NETWORKS.values()) | _OTHERS

_NOT_EIP55 = "the mixed case is not an EVM checksum (EIP-55)"
_VERSIONS = {  # first bytes of the payload; the hash of 20 bytes follows
    "bitcoin": (b"\x00", b"\x05"),
    "bitcoin_cash": (b"\x00", b"\x05"),
    "bitcoin_sv": (b"\x00", b"\x05"),
    "bitcoin_gold": (b"\x26", b"\x17"),
    "litecoin": (b"\x30", b"\x32", b"\x05"),
    "dogecoin": (b"\x1e", b"\x16"),
    "dash": (b"\x4c", b"\x10"),
    "zcash": (b"\x1c\xb8", b"\x1c\xbd"),
    "verge": (b"\x1e", b"\x21"),
    "tron": (b"\x41",),
    "ripple": (b"\x00",),
}
_BY_VERSION = {
    b"\x00": "bitcoin",
    b"\x05": "bitcoin",
    b"\x30": "litecoin",
    b"\x32": "litecoin",
    b"\x41": "tron",
    b"\x4c": "dash",
    b"\x1c\xb8": "zcash",
    b"\x1c\xbd": "zcash",
}
_SEGWIT = {"bitcoin": "bc", "litecoin": "ltc"}
_EVM = re.compile(r"0[xX][0-9a-fA-F]{40}")
_EVM_NETWORKS = {"ethereum", "ethereum_classic", "arbitrum", "bsc", "polygon", "fantom", *_OTHERS}
_LOOKS_BASE58 = re.compile(r"[13LMTXltxm][1-9A-Za-z]{25,34}")
_HASH = 20  # bytes


@dataclass(frozen=True, slots=True)
class CheckedAddress:
    """What an address's text implies: its network, None if it implies none; why it is wrong, None if it may be right."""

    network: str | None
    problem: str | None


def check_address(address: str, asset: str | None = None) -> CheckedAddress:
    """Check an address against its network's checksum.

    Args:
        address: as the source spells it, case included.
        asset: symbol of the asset (XBT, USDT) or name of the network (ethereum), if the source gives one.

    A source may name the wrong network. An address that is right on another network, which its form implies, is taken as that.
    """
    network = _network(asset)
    if network is None and asset is not None and asset.upper() not in _ANYWHERE:
        return CheckedAddress(None, None)  # a network that is not known here
    if network is None:
        return _checked_by_form(address, asset)
    problem = _problem(address, network)
    if problem is None:
        return CheckedAddress(network, None)
    elsewhere = _checked_by_form(address, None)
    return elsewhere if elsewhere.network and not elsewhere.problem else CheckedAddress(network, problem)


def _network(asset: str | None) -> str | None:
    if asset is None:
        return None
    return NETWORKS.get(asset.upper()) or (asset.lower() if asset.lower() in _KNOWN else None)


def _checked_by_form(address: str, asset: str | None) -> CheckedAddress:
    """Recognises the forms of EVM, Bitcoin, Litecoin, Tron … addresses; any other is of a chain that is not known here."""
    if _EVM.fullmatch(address):
        token = {"BNB": "bsc", "USDT": "ethereum", "USDC": "ethereum"}
        return CheckedAddress(token.get((asset or "").upper()), None if _eip55(address) else _NOT_EIP55)
    for network, prefix in {**_SEGWIT, "bnb_beacon_chain": "bnb"}.items():
        if address.lower().startswith(f"{prefix}1"):
            return CheckedAddress(network, _problem(address, network))
    if not _LOOKS_BASE58.fullmatch(address):
        return CheckedAddress(None, None)
    payload = _base58(address)
    if payload is None:
        return CheckedAddress(None, _base58_problem(address))
    return CheckedAddress(_BY_VERSION.get(payload[:-_HASH]), None)


def _problem(address: str, network: str) -> str | None:
    if network in _EVM_NETWORKS:
        if not _EVM.fullmatch(address):
            return f"not an address of {network}: 0x and 40 hex digits are needed"
        return None if _eip55(address) else _NOT_EIP55
    if network not in _CHECKS or _CHECKS[network](address):
        return None
    prefix = _SEGWIT.get(network, "bnb")
    if address.lower().startswith(f"{prefix}1"):
        return "the bech32 checksum fails"
    if network != "ripple" and _base58(address) is not None:
        return f"the checksum is right, but not the form of {network}"
    return _base58_problem(address)


def _base58_problem(address: str) -> str:
    return CASE_LOST if address in (address.lower(), address.upper()) else "the base58 checksum fails"


def _base58(address: str, alphabet: bytes = base58.BITCOIN_ALPHABET) -> bytes | None:
    try:
        return base58.b58decode_check(address, alphabet=alphabet)
    except ValueError:
        return None


def _is_base58(network: str) -> Callable[[str], bool]:
    alphabet = base58.RIPPLE_ALPHABET if network == "ripple" else base58.BITCOIN_ALPHABET
    versions = _VERSIONS[network]

    def fits(address: str) -> bool:
        payload = _base58(address, alphabet)
        return payload is not None and payload[:-_HASH] in versions

    return fits


def _is_segwit(address: str, prefix: str) -> bool:
    """Witness version 0 is bech32 with 20 or 32 bytes, 1 to 16 are bech32m with 2 to 40."""
    try:
        decoded_prefix, data, checksum = bech32.bech32_decode(address, limit=90)
    except ValueError:
        return False
    if decoded_prefix != prefix or not data or data[0] > 16:
        return False
    size = (len(data) - 1) * 5 // 8
    if data[0] == 0:
        return checksum == bech32.BECH32_1_CONST and size in (20, 32)
    return checksum == bech32.BECH32_M_CONST and 2 <= size <= 40


def _is_bech32(address: str, prefix: str) -> bool:
    try:
        return bech32.bech32_decode(address, m=bech32.BECH32_1_CONST, limit=90)[0] == prefix
    except ValueError:
        return False


def _is_cashaddr(address: str) -> bool:
    try:
        cashaddr.cashaddr_decode(address, prefix="bitcoincash")
    except ValueError:
        return False
    return True


def _eip55(address: str) -> bool:
    """Whether the case of the letters is the checksum, or means nothing (all of one case)."""
    digits = address[2:]
    if digits in (digits.lower(), digits.upper()):
        return True
    hashed = keccak.new(digest_bits=256, data=digits.lower().encode()).hexdigest()
    return all(
        letter.isdigit() or letter.isupper() == (int(nibble, 16) >= 8)
        for letter, nibble in zip(digits, hashed, strict=False)
    )


def _either(*checks: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda address: any(check(address) for check in checks)


_CHECKS: dict[str, Callable[[str], bool]] = {network: _is_base58(network) for network in _VERSIONS} | {
    "bitcoin": _either(_is_base58("bitcoin"), lambda address: _is_segwit(address, "bc")),
    "litecoin": _either(_is_base58("litecoin"), lambda address: _is_segwit(address, "ltc")),
    "bitcoin_cash": _either(_is_base58("bitcoin_cash"), _is_cashaddr),
    "bitcoin_sv": _either(_is_base58("bitcoin_sv"), _is_cashaddr),
    "bnb_beacon_chain": lambda address: _is_bech32(address, "bnb"),
    "zcash": lambda address: address.startswith(("zs1", "zc", "u1")) or _is_base58("zcash")(address),
}
