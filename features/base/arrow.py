"""Arrow's compute functions, and tables from pandas frames. Knows nothing of what columns mean."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute

pc: Any = pyarrow.compute  # its functions are made at run time, so type checkers do not see them


def table_of(frame: pd.DataFrame) -> pa.Table:
    """A frame as an Arrow table without its index; columns of mixed Python types become strings.

    Datetimes with a zone become UTC, without the warning that `pa.Table.from_pandas` of pyarrow 25 causes in pandas 3.1.
    """
    names = [str(name) for name in frame.columns]
    return pa.table([_array_of(series) for _, series in frame.items()], names=names)


def _array_of(series: pd.Series) -> pa.Array | pa.ChunkedArray:
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        stamps = pa.array(series.dt.tz_convert(None).to_numpy(), from_pandas=True)
        return stamps.cast(pa.timestamp(stamps.type.unit, "UTC"))
    try:
        return pa.array(series, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return pa.array(series.map(str, na_action="ignore"), pa.string(), from_pandas=True)
