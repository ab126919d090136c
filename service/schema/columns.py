"""Columns on their way through a model, and what is learned of the features that they were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.schema.features import Feature
from service.schema.value_types import kind_of

if TYPE_CHECKING:
    from service.schema.features import Value


@dataclass(frozen=True)
class Column:
    """A column on its way: the feature that it still is, unchanged, and those whose gaps it may show."""

    origin: int | None
    gaps: frozenset[int]


@dataclass
class Learned:
    """What the parts tell of one feature."""

    kinds: set[str] = field(default_factory=set)
    categories: list[Categories] = field(default_factory=list)
    is_pandas_category: bool = False
    unit: str = ""
    has_none: bool = False
    number_dtype: str = "float64"
    is_used: bool = False
    refuses_gaps: bool = False
    takes_gaps_by_chance: bool = False


@dataclass(frozen=True)
class Categories:
    """The categories that an encoder knows, and the dtype that they had."""

    values: list[Value]
    is_open: bool
    dtype: str


class LearnedFeatures:
    """What the parts of a model tell of its features, by position."""

    def __init__(self, count: int) -> None:
        self.features = [Learned() for _ in range(count)]

    def raw(self, table: list[Column]) -> list[Learned]:
        """Give what is learned of the columns that came as they are."""
        found = [self.features[column.origin] for column in table if column.origin is not None]
        for learned in found:
            learned.is_used = True
        return found

    def learn(self, table: list[Column], kind: str) -> None:
        """Learn a kind of the columns that came as they are."""
        for learned in self.raw(table):
            learned.kinds.add(kind)

    def refuse_gaps(self, table: list[Column]) -> None:
        """Learn that these columns may not have gaps."""
        for at in merged(table).gaps:
            self.features[at].refuses_gaps = True


def feature_of(name: str, learned: Learned) -> Feature:
    """Give the feature of this name, of what was learned."""
    nullable = not learned.refuses_gaps
    required = not nullable or learned.takes_gaps_by_chance
    if not learned.is_used:
        return Feature(name, "any", required=False, nullable=True, dtype="unused")
    if learned.categories:
        return _category(name, learned, required=required, nullable=nullable)
    kind = _agreed(learned.kinds)
    if kind is None:
        kind = "text" if learned.is_pandas_category else "any"
    dtype = {
        "number": learned.number_dtype,
        "date": f"datetime64[{learned.unit}]" if learned.unit else "datetime64",
    }
    return Feature(
        name,
        kind,
        required=required,
        nullable=nullable,
        dtype=dtype.get(kind, kind),
        has_none=learned.has_none,
    )


def _category(name: str, learned: Learned, *, required: bool, nullable: bool) -> Feature:
    """Make a feature of what encoders know of it; where several do, of the values that all of them take."""
    closed = [known.values for known in learned.categories if not known.is_open]
    first = learned.categories[0]
    shared = (closed or [first.values])[0]
    for others in map(set, closed[1:]):
        shared = [value for value in shared if value in others]
    kind = kind_of(shared) or "text"
    date_dtype = first.dtype if first.dtype[1:2] == "M" else "datetime64"
    dtypes = {"number": first.dtype, "boolean": "boolean", "date": date_dtype}
    text_dtype = "category" if learned.is_pandas_category else "text"
    return Feature(
        name,
        kind if kind in ("boolean", "date") else "category",
        required=required,
        nullable=nullable,
        categories=tuple(shared),
        is_open=not closed,
        dtype=dtypes.get(kind, text_dtype),
        has_none=learned.has_none,
    )


def _agreed(kinds: set[str]) -> str | None:
    """Give the kind that the parts agree on: what a branch asked for tells more than what can take it."""
    for kind in ("date", "boolean"):
        if kind in kinds:
            return kind
    told = kinds - {"any"}
    return next(iter(told)) if len(told) == 1 else None


def merged(table: list[Column]) -> Column:
    """Give a column that is made of all of these."""
    return Column(None, frozenset().union(*(column.gaps for column in table)))
