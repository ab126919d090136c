"""Columns on their way through the parts of a model, and what the parts tell of the model's features.

A gap is a missing value. `service/schema/columns.py` holds the same for a loaded model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.features import Feature
from infer_cli.inspection.facts.value_types import type_of

if TYPE_CHECKING:
    from infer_cli.inspection.facts.features import ColumnType
    from infer_cli.inspection.nodes.arrays import Plain


@dataclass(frozen=True, slots=True)
class Column:
    """One column between two parts.

    `origin` is the position of the feature that the column still is, unchanged; None once a part changed it.
    `gaps` are the positions of the features whose gaps may still show in the column.
    """

    origin: int | None
    gaps: frozenset[int]


@dataclass(slots=True)
class Learned:
    """What the parts tell of one feature.

    `is_used`: a part received the feature unchanged. `refuses_gaps`: a part that a gap reaches raises an
    error for it. `replaced` are the values that an imputer takes for missing ones, and puts others in the
    place of.
    """

    types: set[ColumnType] = field(default_factory=set)
    categories: list[Categories] = field(default_factory=list)
    must_declare: str = ""
    is_used: bool = False
    refuses_gaps: bool = False
    replaced: list[Plain] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories that one encoder knows, and their column type.

    `values` is None where the file tells no more than the type. `is_open`: the encoder takes other values
    too.
    """

    type: ColumnType
    values: tuple[Plain, ...] | None
    is_open: bool


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
    """Give the feature of this name that takes what the parts told of it.

    Where several closed encoders see the feature, its categories are the values that all of them know.
    """
    if not learned.is_used:
        return Feature(name, "any", required=False, nullable=True)
    nullable = not learned.refuses_gaps
    if learned.must_declare and not learned.categories:
        return Feature(name, "any", nullable=nullable, must_declare=learned.must_declare)
    if not learned.categories:
        return Feature(name, _agreed(learned.types), nullable=nullable)
    closed = [known for known in learned.categories if not known.is_open]
    first = (closed or learned.categories)[0]
    values = first.values
    for other in closed[1:]:
        if values is not None and other.values is not None:
            kept = set(other.values)
            values = tuple(value for value in values if value in kept)
    if values is not None:
        replaced = [value for value in learned.replaced if type_of((value,)) == type_of(values)]
        values = tuple(dict.fromkeys((*values, *replaced)))
    return Feature(
        name,
        first.type if first.type in ("boolean", "date") else "category",
        nullable=nullable,
        categories=values,
        is_open=not closed,
    )


def _agreed(types: set[ColumnType]) -> ColumnType:
    """Give the one type that the parts agree on, "any" if they do not agree.

    A date or boolean wins over "number": a selector or encoder asked for it, and a scaler takes it as well.
    """
    if "date" in types:
        return "date"
    if "boolean" in types:
        return "boolean"
    specific = types - {"any", "category"}
    if not specific and "category" in types:
        return "text"
    return next(iter(specific)) if len(specific) == 1 else "any"


def merged(columns: list[Column]) -> Column:
    """Give a column computed from all of these columns: no feature any more, with the gaps of all."""
    return Column(None, frozenset().union(*(column.gaps for column in columns)))
