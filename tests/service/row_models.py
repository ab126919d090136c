"""Functions of own transformers, which tell values apart by their types and the dtypes of their columns."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np


def fingerprint(table: Any) -> Any:
    """Give a number for each value: another one for another dtype, another type, or another value."""
    columns = []
    for name in table.columns:
        column = table[name]
        columns.append(
            [
                zlib.crc32(f"{column.dtype}|{type(value).__name__}|{value!r}".encode()) / 2**32
                for value in column
            ]
        )
    return np.array(columns, dtype=np.float64).T


def date_parts(table: Any) -> Any:
    """Give the day, the hour and the microseconds of each date; those of a missing date are -1."""
    columns = [
        part.fillna(-1.0).to_numpy(dtype=np.float64)
        for name in table.columns
        for part in (table[name].dt.day, table[name].dt.hour, table[name].dt.microsecond)
    ]
    return np.stack(columns, axis=1)
