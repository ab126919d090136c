"""The features of a model: their names, and which values each of them takes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Optional, Union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

# The type of a feature's values; "any" is for a feature of which no more is known.
ColumnType = Literal["any", "boolean", "category", "date", "number", "text"]
# A value in a row, which has the type of its feature already; None is a missing value.
Value = Union[None, bool, int, float, str, datetime]
Categories = Optional["tuple[Value, ...]"]
# Rows of values: `takes_numbers` says whether a model takes the array or the lists.
Rows = Union["np.ndarray[tuple[int, ...], np.dtype[np.float64]]", "list[list[Value]]"]
# The dtype of a column of strings in which CatBoost takes a whole number for the string of its digits.
TEXT_OR_WHOLE = "text_or_whole"


@dataclass(frozen=True)
class Feature:
    """One named input of the model, and the values that it takes.

    A feature that is `nullable` takes a missing value. A feature that is not `required` may be left out of a
    row, and is then missing: one that no part of the model looks at, or that the user called optional.
    `categories` are the values that the model knows; any other value is an error unless `is_open`. `known`
    maps a value to the equal category as the model has it, such as 3.0 to 3.

    `dtype` is the dtype of the column in the table that the model was trained with; "unused" if no part of
    the model looks at the column. `has_none` says that missing values stood there as None, and not as NaN.
    `category_dtype` is the dtype of the categories of a column of pandas where it matters; else it is empty.
    `unit` is the unit in which the model counts a number that may also be given as a date; else it is empty.
    `is_positional`: the model was trained without names, so that the position of the column names it, too.
    `must_declare` says why the user has to declare the feature; it is empty if the model tells enough of it.
    `reads_numbers`: the type is "any", and a word that is a number cannot be a text to the model.
    """

    name: str
    type: ColumnType = "number"
    required: bool = True
    nullable: bool = False
    categories: Categories = None
    is_open: bool = False
    dtype: str = "float64"
    has_none: bool = False
    category_dtype: str = ""
    unit: str = ""
    is_positional: bool = False
    must_declare: str = ""
    reads_numbers: bool = False
    known: dict[Value, Value] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.known.update((value, value) for value in self.categories or ())


def closed(feature: Feature) -> Feature:
    """Give a feature that takes no other categories than the known ones."""
    return replace(feature, is_open=False) if feature.categories is not None else feature


def needs_types(feature: Feature) -> bool:
    """Tell whether a value of the feature must say its type, as JSON does, where it could have several."""
    is_unknown = feature.type == "any" and feature.dtype != "unused" and not feature.reads_numbers
    return is_unknown or feature.dtype == TEXT_OR_WHOLE


def is_mixed(features: Iterable[Feature]) -> bool:
    """Tell whether any feature is not a number, so that rows are lists of values."""
    return any(feature.type != "number" for feature in features)


# The largest float of 32 bits: models made of trees compute with such floats, and refuse larger numbers.
LARGEST_NUMBER = 3.4028234663852886e38


# The largest whole number up to which a float of 64 bits holds every whole number.
EXACT_MAX = 2**53


def has_plain_numbers(feature: Feature) -> bool:
    """Tell whether the values of a feature are floats of 64 bits."""
    return feature.type == "number" and feature.dtype == "float64"


def takes_numbers(features: Sequence[Feature]) -> bool:
    """Tell whether a model takes rows as an array of float64, of shape (rows, features).

    A missing value is NaN in the array. Any other model takes each row as a list of values, in the order of
    the features and of their types.
    """
    # A number of another dtype, such as an integer of 8 bits, has a check of its own for each value.
    return all(map(has_plain_numbers, features))
