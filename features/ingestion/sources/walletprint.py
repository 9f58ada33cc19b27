"""walletprint's own format: the canonical columns themselves, typed or as text."""

import pyarrow as pa

from ...transfers.schema import REQUIRED, canonical
from ..layout import ConversionContext, Layout


def _canonical(table: pa.Table, context: ConversionContext) -> pa.Table:
    return canonical(table)


LAYOUTS = (Layout("walletprint", "transfers", REQUIRED, _canonical),)
