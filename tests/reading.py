"""Reads transfers as a ledger does, for tests that look at the table itself."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from walletprint.features.ledger.transfer_inputs import (
    StagedTransfers,
    checked_rows_of_files,
    checked_rows_of_table,
    open_files,
)
from walletprint.features.transfers.input_files import find_files
from walletprint.features.transfers.schema import SCHEMA


def canonical_table(source: Any) -> tuple[pa.Table, pa.Table]:
    """The distinct transfers of a frame, a table, or paths, in order of time; and the rejected rows."""
    if isinstance(source, str | Path | list):
        staging = StagedTransfers(checked_rows_of_files(open_files(find_files(source))))
    else:
        staging = StagedTransfers(checked_rows_of_table(source, None))
    return pa.concat_tables([SCHEMA.empty_table(), *staging.batches()]), staging.rejected
