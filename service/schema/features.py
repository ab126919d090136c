"""The inputs of a model: their names, and which values each of them takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Optional, Union

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

# What a row holds: values that are already of the type of their feature; None is a missing one.
Value = Union[None, bool, int, float, str, datetime]
Categories = Optional["tuple[Value, ...]"]
# Rows of values: see `takes_numbers` for which of the two a model takes.
Rows = Union["np.ndarray[Any, np.dtype[np.float64]]", "list[list[Value]]"]


@dataclass(frozen=True)
class Feature:
    """One named input of the model, and the values that it takes.

    A feature that is `nullable` takes a missing value; one that is not `required` may be left out, and is
    then missing. `categories` are the values that the model knows; others are errors unless `is_open`.
    `dtype` and `has_none` say how the values stood in the table that the model was trained with, missing
    ones as None or else as NaN; the dtype of a column that nothing in the model looks at is "unused".
    `known` finds a category as the model has it, 3 for 3.0.
    """

    name: str
    type: str = "number"
    required: bool = True
    nullable: bool = False
    categories: Categories = None
    is_open: bool = False
    dtype: str = "float64"
    has_none: bool = False
    known: dict[Value, Value] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.known.update((value, value) for value in self.categories or ())


def is_mixed(features: Iterable[Feature]) -> bool:
    """Tell whether not all features are numbers, so that rows stay lists of values."""
    return any(feature.type != "number" for feature in features)


# The largest number in 32 bits. Models made of trees compute in these, and refuse larger ones.
LARGEST_NUMBER = 3.4028234663852886e38


def takes_numbers(features: Sequence[Feature]) -> bool:
    """Tell whether rows come as an array of float64, of shape (rows, features), with NaN for missing values.

    Otherwise they are lists of values in the order of the features, and of the features' types.
    """
    return all(
        # Whole numbers of other types are checked one by one.
        feature.type == "number" and feature.dtype == "float64"
        for feature in features
    )
