"""Tokens: which assets are a chain's own coin, which stand for a dollar, and when each was first moved.

Assets are known by their names in the ledger only. A forged symbol is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ..base.arrow import pc
from ..base.kernel_compiler import kernel
from ..kernels.context import Tokens

if TYPE_CHECKING:
    from ..ledger.ledger import Ledger

# Coins that pay their own chain's fees, under the symbols that its explorers use.
_NATIVE = """
    ADA ALGO ATOM AVAX BCH BNB BSV BTC CELO DASH DOGE DOT EOS ETC ETH FTM LTC MATIC NEAR POL SOL TON TRX XDAI XLM XMR XRP XTZ ZEC
"""
NATIVE = frozenset(_NATIVE.split())

# Tokens made to be worth a US dollar. Most issuers can freeze them, which is why thieves sell them first. Tables made from
# files of Etherscan and ethereum-etl name tokens by contract: those of Ethereum, then of BNB Chain and of Polygon.
_DOLLARS = """
    USDT USDC DAI BUSD TUSD USDP PAX GUSD HUSD FRAX LUSD PYUSD FDUSD USDD SUSD SAI USDE USDS
    0xdac17f958d2ee523a2206206994597c13d831ec7
    0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48
    0x6b175474e89094c44da98b954eedeac495271d0f
    0x89d24a6b4ccb1b6faa2625fe562bdd9a23260359
    0x4fabb145d64652a948d72533023f6e7a623c7c53
    0x0000000000085d4780b73119b644ae5ecd22b376
    0x8e870d67f660d95d5be530380d0ec0bd388289e1
    0x056fd409e1d7a124bd7017459dfea2f387b6d5cd
    0x853d955acef822db058eb8505911ed77f175b99e
    0x5f98805a4e8be255a32880fdec7f6728c6568ba0
    0x6c3ea9036406852006290770bedfcaba0e23a0e8
    0xc5f0f7b66764f6ec8c8dff7ba683102295e16409
    0x57ab1ec28d129707052df4df418d58a2d46d5f51
    0x55d398326f99059ff775485246999027b3197955
    0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d
    0xe9e7cea3dedca5984780bafc599bd69add087d56
    0xc2132d05d31c914a87c6611c10748aeb04b58e8f
    0x2791bca1f2de4661ed88a30c99a7a9449aa84174
    0x3c499c542cef5e3811e1192ce70d8cc03d5c3359
"""
DOLLARS = frozenset(_DOLLARS.split())


def build_tokens(ledger: Ledger) -> Tokens:
    """What is known of each asset of a ledger."""
    born = _born(ledger.rows.time, ledger.rows.asset, ledger.rows.amount, len(ledger.assets))
    return Tokens(born=born, native=_named(ledger.assets, NATIVE), dollar=_named(ledger.assets, DOLLARS))


def _named(assets: pa.Array, names: frozenset[str]) -> np.ndarray:
    """1 for each asset with one of these names, in any spelling of letters."""
    upper = pa.array(sorted(name.upper() for name in names))
    return pc.is_in(pc.ascii_upper(assets), upper).to_numpy(zero_copy_only=False).astype(np.uint8)


@kernel
def _born(time, asset, amount, assets):
    """When each asset was first moved with value; the largest int64 if never. Rows are in order of time."""
    born = np.full(assets, np.iinfo(np.int64).max)
    for i in range(time.size):
        if amount[i] > 0 and time[i] < born[asset[i]]:
            born[asset[i]] = time[i]
    return born
