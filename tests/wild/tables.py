"""The tables that the models of this folder are trained on, always the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

# A table of pandas, which has no types.
Frame = Any

ROWS = 240
BIG = 2**53
BOOLEANS = (True, False)
random = np.random.default_rng(0)


def chosen(*values: object) -> Frame:
    """Give a column with each of the values in an order that looks random."""
    column = np.empty(ROWS, dtype=object)
    column[:] = [values[at] for at in random.permutation(ROWS) % len(values)]
    return pd.Series(column).infer_objects()


PASSENGERS: Frame = pd.DataFrame(
    {
        "age": random.integers(18, 80, ROWS),
        "fare": random.normal(30, 10, ROWS).round(3),
        "sex": chosen("male", "female"),
        "level": chosen(1, 2, 3),
        "alone": chosen(*BOOLEANS),
    }
)
MEASURES = PASSENGERS[["age", "fare"]]
IS_SAVED = ((PASSENGERS["sex"] == "female") ^ (PASSENGERS["level"] == 3)).astype(int)
PRICE = PASSENGERS["fare"] * 2 + PASSENGERS["age"] + 10 * (PASSENGERS["sex"] == "male")
TEXTS = ["good film", "bad film", "very good", "awful bad", "ok good"] * (ROWS // 5)
RECORDS = [
    {"city": ("oslo", "lima", "rome")[at % 3], "temp": float(PASSENGERS["fare"][at])} for at in range(ROWS)
]


def with_gaps(table: Frame, column: str, gap: object = np.nan, every: int = 5) -> Frame:
    """Give a table in which every fifth value of a column is missing, as `gap`."""
    values = table[column].astype(object)
    values[::every] = gap
    return table.assign(**{column: values.infer_objects() if gap is not None else values})
