"""walletprint's own format: the columns of a transfer themselves, typed or as text."""

import pyarrow as pa

from ...transfers.schema import REQUIRED, transfer_columns
from ..layout import ConversionContext, Layout


def _canonical(table: pa.Table, context: ConversionContext) -> pa.Table:
    return transfer_columns(table)


LAYOUTS = (Layout("walletprint", "transfers", REQUIRED, _canonical),)
