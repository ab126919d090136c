"""Makes the columns of a DataFrame with the dtypes that they had in training.

The dtype of a column hangs on its feature alone where the feature tells the dtype. Where it does not, it
hangs on the type of the value, as in a DataFrame of one row; `kind` then tells which values get one dtype.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Callable, NamedTuple

import numpy as np

from service.schema.features import TEXT_OR_WHOLE
from service.schema.value_types import type_of, whole_number_limits

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence
    from types import ModuleType

    from service.schema.features import Feature, Value

# The words of this service and of pandas for columns that are not of a dtype of NumPy.
TEXTS = ("text", "str", TEXT_OR_WHOLE)
BOOLEANS = ("bool", "boolean", "|b1")
OBJECTS = ("O", "object")


class ColumnMaker(NamedTuple):
    """`make` gives a column of values of one kind, and `kind` the kind of a value; None if all are of one."""

    make: Callable[[Sequence[Value]], object]
    kind: Callable[[Value], Hashable] | None = None


def column_maker(feature: Feature) -> ColumnMaker:  # noqa: PLR0911 (one for each dtype)
    """Give what makes the column of a feature."""
    dtype = feature.dtype
    if dtype in ("any", "unused"):
        return ColumnMaker(_of_their_type, None if dtype == "unused" else _own_kind)
    if dtype in TEXTS and feature.categories and type_of(feature.categories) != "text":
        return ColumnMaker(_of_their_type, _own_kind)
    if dtype in TEXTS:
        return ColumnMaker(_objects_of(feature) if feature.has_none else _texts())
    if dtype == "category":
        return ColumnMaker(_categories_of(feature))
    if dtype in OBJECTS:
        return ColumnMaker(_objects_of(feature))
    if dtype in BOOLEANS:
        return ColumnMaker(_booleans_of(feature), lambda value: value is None)
    kind = _numpy_kind(dtype)
    if kind == "M":
        return _dates(feature)
    limits = whole_number_limits(dtype)
    if limits is not None:
        return _whole_numbers(feature, *limits)
    if kind == "f":
        return ColumnMaker(lambda column: np.array(column, dtype=dtype))
    return ColumnMaker(lambda column: _pandas().Series(list(column), dtype=dtype))


def _pandas() -> ModuleType:
    """Import pandas, which takes long, and which few models want."""
    return import_module("pandas")


def _is_pandas_3() -> bool:
    return int(_pandas().__version__.partition(".")[0]) >= 3  # noqa: PLR2004 (the version says it)


def _numpy_kind(dtype: str) -> str:
    """Give the letter of NumPy for the kind of a dtype; empty if NumPy does not know the dtype."""
    try:
        return np.dtype(dtype).kind
    except TypeError:
        return ""


def _with_nan(column: Sequence[Value]) -> list[Value]:
    return [np.nan if value is None else value for value in column]


def _objects_of(feature: Feature) -> Callable[[Sequence[Value]], object]:
    # pandas 3 would make strings of an array of objects, and NaN of a None in it.
    return lambda column: _pandas().Series(
        _objects(column if feature.has_none else _with_nan(column)), dtype="object"
    )


def _objects(column: Sequence[Value]) -> object:
    made = np.empty(len(column), dtype=object)
    made[:] = column
    return made


def _texts() -> Callable[[Sequence[Value]], object]:
    dtype = "str" if _is_pandas_3() else "object"
    return lambda column: _pandas().Series(_objects(_with_nan(column)), dtype=dtype)


def _categories_of(feature: Feature) -> Callable[[Sequence[Value]], object]:
    """Make a column of exactly the categories that the model knows: any other value is a missing one."""
    known = list(feature.categories or ())
    values = frozenset(known)
    categories = np.array(known, dtype=feature.category_dtype) if feature.category_dtype else known
    return lambda column: _pandas().Categorical(
        [value if value in values else None for value in column], categories=categories
    )


def _own_kind(value: Value) -> Hashable:
    """Give the type of a value; whole numbers of 63 bits and of 64 bits have different dtypes."""
    return "uint64" if type(value) is int and value >= 2**63 else type(value).__name__


def _of_their_type(column: Sequence[Value]) -> object:
    """Make a column as pandas makes it of values of one type; of several types, one of objects."""
    types = {type(value) for value in column}
    is_plain = len(types) == 1 and not types & {str}
    return np.array(_with_nan(column), dtype=None) if is_plain else _objects(_with_nan(column))


def _booleans_of(feature: Feature) -> Callable[[Sequence[Value]], object]:
    objects = _objects_of(feature)
    return lambda column: objects(column) if None in column else np.array(column, dtype="bool")


def _whole_numbers(feature: Feature, low: int, high: int) -> ColumnMaker:
    def kind(value: Value) -> Hashable:
        if type(value) is not int:
            return "float64"
        # A number that the column of the training data could not hold gets the next dtype that holds it.
        return feature.dtype if low <= value <= high else "int64" if value < 2**63 else "uint64"

    def make(column: Sequence[Value]) -> object:
        kinds = {kind(value) for value in column}
        return np.array(column, dtype=str(kinds.pop()) if len(kinds) == 1 else "float64")

    return ColumnMaker(make, kind)


def _dates(feature: Feature) -> ColumnMaker:
    dtype = feature.dtype
    if dtype == "datetime64":
        dtype = "datetime64[us]" if _is_pandas_3() else "datetime64[ns]"

    def is_exact(value: Value) -> bool:
        """Tell whether a date is a whole number of the units of the dtype."""
        moment = np.array(value, dtype="datetime64[us]")
        return value is None or bool(moment.astype(dtype) == moment)

    def make(column: Sequence[Value]) -> object:
        moments = np.array(column, dtype="datetime64[us]")
        return moments.astype(dtype) if is_fine or all(map(is_exact, column)) else moments

    # Values have microseconds.
    is_fine = np.dtype(dtype).str[1:] in ("M8[us]", "M8[ns]")
    return ColumnMaker(make, None if is_fine else is_exact)
