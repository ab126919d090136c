"""Columns on their way through the parts of a model, and what the parts tell of the model's features.

A gap is a missing value. `infer_cli/inspection/facts/columns.py` holds the same for an unloaded file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.schema.features import Feature
from service.schema.value_types import type_of

if TYPE_CHECKING:
    from service.schema.features import ColumnType, Value


@dataclass(frozen=True)
class Column:
    """One column between two parts.

    `origin` is the position of the feature that the column still is, unchanged; None once a part changed it.
    `gaps` are the positions of the features whose gaps may still show in the column.
    """

    origin: int | None
    gaps: frozenset[int]


@dataclass
class Learned:
    """What the parts tell of one feature.

    `unit` is the unit of dates, "ns" or "us"; "" if no part tells it. `has_none`, and `number_dtype` or
    `text_dtype`, become `has_none` and `dtype` of a `Feature`. `is_used`: a part received the feature
    unchanged. `refuses_gaps`: a part that a gap reaches raises an error for it. `replaced` are the values
    that an imputer takes for missing ones, and puts others in the place of.
    """

    types: set[ColumnType] = field(default_factory=set)
    categories: list[Categories] = field(default_factory=list)
    is_pandas_category: bool = False
    must_declare: str = ""
    unit: str = ""
    has_none: bool = False
    number_dtype: str = "float64"
    text_dtype: str = "text"
    is_used: bool = False
    refuses_gaps: bool = False
    replaced: list[Value] = field(default_factory=list)


@dataclass(frozen=True)
class Categories:
    """The categories that one part knows. `is_open`: the part takes other values too.

    `dtype` is the dtype of the categories in NumPy's short form, "O" for objects. `is_encoder`: the part
    looks at the values of a column, whatever its dtype; any other part takes a category column of pandas.
    """

    values: list[Value]
    is_open: bool
    dtype: str
    is_encoder: bool = False


class LearnedFeatures:
    """What the parts of a model tell of all its features, by position."""

    def __init__(self, count: int) -> None:
        self.features = [Learned() for _ in range(count)]

    def raw(self, columns: list[Column]) -> list[Learned]:
        """Give the entries of the columns that are still unchanged features, and mark them as used."""
        found = [self.features[column.origin] for column in columns if column.origin is not None]
        for learned in found:
            learned.is_used = True
        return found

    def learn(self, columns: list[Column], column_type: ColumnType) -> None:
        """Note a column type for the columns that are still unchanged features."""
        for learned in self.raw(columns):
            learned.types.add(column_type)

    def refuse_gaps(self, columns: list[Column]) -> None:
        """Note that a gap in any of the columns is an error."""
        for at in merged(columns).gaps:
            self.features[at].refuses_gaps = True


def feature_of(name: str, learned: Learned) -> Feature:
    """Give the feature of this name that takes what the parts told of it."""
    nullable = not learned.refuses_gaps
    if not learned.is_used:
        return Feature(name, "any", required=False, nullable=True, dtype="unused")
    if learned.categories:
        return _category(name, learned, nullable=nullable)
    if learned.must_declare:
        # What is declared as categories becomes a column of pandas' categories, and a number their codes.
        return Feature(name, "any", nullable=nullable, dtype="category", must_declare=learned.must_declare)
    column_type = _agreed(learned.types)
    if column_type is None:
        column_type = "text" if learned.is_pandas_category else "any"
    dtype = {
        "number": learned.number_dtype,
        "text": learned.text_dtype,
        "date": f"datetime64[{learned.unit}]" if learned.unit else "datetime64",
    }
    return Feature(
        name,
        column_type,
        nullable=nullable,
        dtype=dtype.get(column_type, column_type),
        has_none=learned.has_none,
        unit=learned.unit if column_type == "number" else "",
    )


def _category(name: str, learned: Learned, *, nullable: bool) -> Feature:
    """Give a feature with categories.

    Where several closed encoders see the feature, its categories are the values that all of them know.
    """
    closed = [known.values for known in learned.categories if not known.is_open]
    first = learned.categories[0]
    shared = (closed or [first.values])[0]
    for others in map(set, closed[1:]):
        shared = [value for value in shared if value in others]
    column_type = type_of(shared) or "text"
    replaced = [value for value in learned.replaced if type_of([value]) == column_type]
    shared = list(dict.fromkeys([*shared, *replaced]))
    date_dtype = first.dtype if first.dtype[1:2] == "M" else "datetime64"
    dtypes = {"number": first.dtype, "boolean": "boolean", "date": date_dtype, "text": "text"}
    # An encoder must see a value that it does not know, and a category column has no place for one.
    is_pandas = learned.is_pandas_category and not any(known.is_encoder for known in learned.categories)
    return Feature(
        name,
        column_type if column_type in ("boolean", "date") else "category",
        nullable=nullable,
        categories=tuple(shared),
        is_open=not closed,
        dtype="category" if is_pandas else dtypes[column_type],
        has_none=learned.has_none,
        # XGBoost refuses categories of int64 where it learned such of int8.
        category_dtype=first.dtype if is_pandas and column_type == "number" and first.dtype != "O" else "",
    )


def _agreed(types: set[ColumnType]) -> ColumnType | None:
    """Give the one type that the parts agree on; None if they do not agree.

    A date or boolean wins over "number": a selector or encoder asked for it, and a scaler takes it as well.
    """
    if "date" in types:
        return "date"
    if "boolean" in types:
        return "boolean"
    told = types - {"any"}
    return next(iter(told)) if len(told) == 1 else None


def merged(columns: list[Column]) -> Column:
    """Give a column computed from all of these columns: no feature any more, with the gaps of all."""
    return Column(None, frozenset().union(*(column.gaps for column in columns)))
