"""Columns on their way through a model, and what is learned of the features that they were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.model import Feature

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import FeatureKind
    from infer_cli.inspection.nodes.arrays import Plain


@dataclass(frozen=True, slots=True)
class Column:
    """A column on its way: the feature that it still is, unchanged, and those whose gaps it may show."""

    origin: int | None
    gaps: frozenset[int]


@dataclass(slots=True)
class Learned:
    """What the parts tell of one feature."""

    kinds: set[FeatureKind] = field(default_factory=set)
    categories: list[Categories] = field(default_factory=list)
    is_used: bool = False
    refuses_gaps: bool = False
    takes_gaps_by_chance: bool = False


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories that an encoder knows; without `values` only their kind could be read."""

    kind: FeatureKind
    values: tuple[Plain, ...] | None
    is_open: bool


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

    def learn(self, table: list[Column], kind: FeatureKind) -> None:
        """Learn a kind of the columns that came as they are."""
        for learned in self.raw(table):
            learned.kinds.add(kind)

    def refuse_gaps(self, table: list[Column]) -> None:
        """Learn that these columns may not have gaps."""
        for at in merged(table).gaps:
            self.features[at].refuses_gaps = True


def feature_of(name: str, learned: Learned) -> Feature:
    """Give the feature of this name, of what was learned."""
    if not learned.is_used:
        return Feature(name, "any", required=False, nullable=True)
    nullable = not learned.refuses_gaps
    required = not nullable or learned.takes_gaps_by_chance
    if not learned.categories:
        return Feature(name, _agreed(learned.kinds), required=required, nullable=nullable)
    closed = [known for known in learned.categories if not known.is_open]
    first = (closed or learned.categories)[0]
    values = first.values
    for other in closed[1:]:
        if values is not None and other.values is not None:
            kept = set(other.values)
            values = tuple(value for value in values if value in kept)
    return Feature(
        name,
        first.kind if first.kind in ("boolean", "date") else "category",
        required=required,
        nullable=nullable,
        categories=values,
        accepts_others=not closed,
    )


def _agreed(kinds: set[FeatureKind]) -> FeatureKind:
    """Give the kind that the parts agree on: what a branch asked for tells more than what can take it."""
    if "date" in kinds:
        return "date"
    if "boolean" in kinds:
        return "boolean"
    told = kinds - {"any", "category"}
    if not told and "category" in kinds:
        return "text"
    return next(iter(told)) if len(told) == 1 else "any"


def merged(table: list[Column]) -> Column:
    """Give a column that is made of all of these."""
    return Column(None, frozenset().union(*(column.gaps for column in table)))
