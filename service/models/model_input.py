"""Makes an estimator's input of rows of checked values: a list, an array, or a DataFrame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Feature, Rows, Value

    # Makes an estimator's input of rows.
    MakeInput = Callable[[Rows], object]


def uses_mixed_columns(features: Sequence[Feature]) -> bool:
    """Tell whether the model uses a column that is not of numbers."""
    return any(feature.type != "number" and feature.dtype != "unused" for feature in features)


def numbers(rows: Rows) -> object:
    """Make an array of numbers; None becomes NaN."""
    return np.array(rows, dtype=np.float64)


def onnx_input(features: Sequence[Feature]) -> MakeInput:
    """Give what makes the input of an ONNX model: an array of numbers, or the lists, from mixed columns."""
    return (lambda rows: rows) if uses_mixed_columns(features) else numbers


def used_numbers(features: Sequence[Feature]) -> MakeInput:
    """Give what makes an array of numbers; a column that the model does not use may hold any value."""
    used = [feature.type == "number" for feature in features]
    if all(used):
        return numbers
    return lambda rows: numbers([[value if keep else None for value, keep in zip(row, used)] for row in rows])


def strings(rows: Rows) -> object:
    """Make a list of the strings of the only column."""
    return [row[0] for row in rows]


def values(rows: Rows) -> object:
    """Make an array for a model that was trained without names: of numbers, if all values are."""
    is_text = any(isinstance(value, str) for row in rows for value in row)
    array = np.array(rows, dtype=object)
    array[array == None] = np.nan  # noqa: E711 (element by element)
    return array if is_text else array.astype(np.float64)


def number_frame(features: Sequence[Feature]) -> MakeInput:
    """Give what makes a DataFrame of numbers."""
    import pandas as pd  # noqa: PLC0415 (slow to import, and few models want it)

    names = [feature.name for feature in features]
    return lambda rows: pd.DataFrame(numbers(rows), columns=names)


def mixed_frame(features: Sequence[Feature]) -> MakeInput:
    """Give what makes a DataFrame whose columns have the types that they had in training."""
    import pandas as pd  # noqa: PLC0415 (slow to import, and few models want it)

    is_pandas_3 = int(pd.__version__.partition(".")[0]) >= 3  # noqa: PLR2004 (the version says it)
    text_dtype = "str" if is_pandas_3 else "object"
    date_dtype = "datetime64[us]" if is_pandas_3 else "datetime64[ns]"

    def text_column(feature: Feature, column: Sequence[Value]) -> object:
        if feature.has_none:
            return np.array(column, dtype=object)
        return pd.Series(np.array(_with_nan(column), dtype=object), dtype=text_dtype)

    def category_column(feature: Feature, column: Sequence[Value]) -> object:
        # Values that the model does not know are categories, too: pandas would make missing values of them.
        known = dict.fromkeys((*(feature.categories or ()), *column))
        return pd.Categorical(column, categories=[value for value in known if value is not None])

    def date_column(feature: Feature, column: Sequence[Value]) -> object:
        dtype = date_dtype if feature.dtype == "datetime64" else feature.dtype
        return np.array(column, dtype="datetime64[us]").astype(dtype)

    def any_column(_: Feature, column: Sequence[Value]) -> object:
        types = {type(value) for value in column}
        is_plain = types in ({bool}, {int}) or types <= {int, float, type(None)}
        return np.array(_with_nan(column), dtype=None if is_plain else object)

    makers = {"text": text_column, "category": category_column, "any": any_column, "unused": any_column}

    def number_column(feature: Feature, column: Sequence[Value]) -> object:
        has_gap = None in column
        if feature.dtype in ("boolean", "O"):
            dtype = "bool" if feature.dtype == "boolean" and not has_gap else "object"
            return np.array(column if feature.has_none else _with_nan(column), dtype=dtype)
        return np.array(column, dtype=np.float64 if has_gap else feature.dtype)

    def maker(feature: Feature) -> Callable[[Feature, Sequence[Value]], object]:
        if "M8" in feature.dtype or feature.dtype.startswith("datetime64"):
            return date_column
        return makers.get(feature.dtype, number_column)

    made = [(feature, maker(feature)) for feature in features]
    return lambda rows: pd.DataFrame(
        {feature.name: make(feature, column) for (feature, make), column in zip(made, zip(*rows))}, copy=False
    )


def _with_nan(column: Sequence[Value]) -> list[Value]:
    return [np.nan if value is None else value for value in column]
