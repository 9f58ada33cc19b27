"""Checksums of addresses: right ones, ones with an error, ones whose case was lost, and what the form tells of the network."""

import pytest
from base58_bech32 import base58, bech32, cashaddr
from hypothesis import given
from hypothesis import strategies as st

from walletprint.features.labels.checksums import CASE_LOST, check_address

HASH = bytes(range(1, 21))
EVM = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"  # an example of EIP-55
SEGWIT = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"  # examples of BIP 173 and 350
TAPROOT = "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0"


def key(version: bytes, alphabet: bytes = base58.BITCOIN_ALPHABET, body: bytes = HASH) -> str:
    return base58.b58encode_check(version + body, alphabet=alphabet).decode()


BTC, P2SH, TRON, LTC = key(b"\x00"), key(b"\x05"), key(b"\x41"), key(b"\x30")
XRP = key(b"\x00", base58.RIPPLE_ALPHABET)
BCH = cashaddr.cashaddr_encode("bitcoincash", 0, HASH).decode()
BNB = bech32.bech32_encode("bnb", [1] * 32, m=bech32.BECH32_1_CONST).decode()


@pytest.mark.parametrize(
    ("address", "asset", "network"),
    [
        (BTC, "XBT", "bitcoin"),
        (P2SH, "BTC", "bitcoin"),
        (SEGWIT, "BTC", "bitcoin"),
        (SEGWIT.upper(), "BTC", "bitcoin"),
        (TAPROOT, "BTC", "bitcoin"),
        (LTC, "LTC", "litecoin"),
        (TRON, "TRX", "tron"),
        (XRP, "XRP", "ripple"),
        (BCH, "BCH", "bitcoin_cash"),
        (BCH.removeprefix("bitcoincash:"), "BCH", "bitcoin_cash"),
        (key(b"\x1c\xb8"), "ZEC", "zcash"),
        (key(b"\x4c"), "DASH", "dash"),
        (key(b"\x1e"), "DOGE", "dogecoin"),
        (EVM, "ETH", "ethereum"),
        (EVM.lower(), "ETC", "ethereum_classic"),
        (EVM, "bsc", "bsc"),
        (EVM, None, None),  # on any of the EVM's networks
        (EVM, "USDT", "ethereum"),
        (TRON, "USDT", "tron"),
        (BTC, "USDT", "bitcoin"),
        (EVM, "BNB", "bsc"),
        (BNB, "BNB", "bnb_beacon_chain"),
        (TRON, None, "tron"),
        (SEGWIT, None, "bitcoin"),
        (TRON, "XBT", "tron"),  # the source names the wrong network
        ("eosgambler12", "EOS", "eos"),
        ("anything at all", "NEWCOIN", None),
        ("C1305486145", None, None),
    ],
)
def test_right_addresses_and_their_network(address, asset, network):
    checked = check_address(address, asset)
    assert (checked.network, checked.problem) == (network, None)


@pytest.mark.parametrize(
    ("address", "asset", "problem"),
    [
        (BTC[:-1] + ("1" if BTC[-1] != "1" else "2"), "XBT", "the base58 checksum fails"),
        (TRON.lower(), "TRX", CASE_LOST),
        (TRON.lower(), "USDT", CASE_LOST),
        (TRON.lower(), None, CASE_LOST),
        (BTC.lower(), None, CASE_LOST),
        (BTC.upper(), "BTC", CASE_LOST),
        (LTC.lower(), "LTC", CASE_LOST),
        (SEGWIT[:-1] + "q", "BTC", "the bech32 checksum fails"),
        (SEGWIT[:-1] + "q", None, "the bech32 checksum fails"),
        (
            "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh",
            "BTC",
            "the bech32 checksum fails",
        ),  # version 0 as bech32m: BIP 350
        (EVM.replace("5aA", "5aa"), "ETH", "the mixed case is not an EVM checksum (EIP-55)"),
        (EVM.replace("5aA", "5aa"), None, "the mixed case is not an EVM checksum (EIP-55)"),
        (EVM[:-1], "ETH", "not an address of ethereum: 0x and 40 hex digits are needed"),
        (key(b"\x6f"), "BTC", "the checksum is right, but not the form of bitcoin"),  # of its test network
        (key(b"\x00", body=HASH[:10]), "BTC", "the checksum is right, but not the form of bitcoin"),
    ],
)
def test_what_cannot_be_right(address, asset, problem):
    assert check_address(address, asset).problem == problem


@given(
    st.binary(min_size=20, max_size=20),
    st.sampled_from([(b"\x00", "XBT"), (b"\x05", "XBT"), (b"\x41", "TRX"), (b"\x30", "LTC")]),
)
def test_a_lower_cased_key_is_never_taken_for_right(body, version):
    spelled = key(version[0], body=body)
    assert check_address(spelled, version[1]).problem is None
    if spelled.lower() != spelled:
        assert check_address(spelled.lower(), version[1]).problem == CASE_LOST


@given(st.data())
def test_any_one_wrong_letter_is_found(data):
    at = data.draw(st.integers(1, len(P2SH) - 1))
    letter = data.draw(st.sampled_from(base58.BITCOIN_ALPHABET.decode()).filter(lambda drawn: drawn != P2SH[at]))
    assert check_address(P2SH[:at] + letter + P2SH[at + 1 :], "BTC").problem is not None


@given(st.binary(min_size=20, max_size=20))
def test_evm_addresses_of_one_case_say_nothing_of_a_checksum(body):
    assert check_address(f"0x{body.hex()}", "ETH").problem is None
    assert check_address(f"0x{body.hex().upper()}", "ETH").problem is None
