"""What differs between the answers of two services to the same rows."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from infer_cli.client.answer_columns import PREDICTION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.client.rows import Row


@dataclass(frozen=True)
class Refusal:
    """A row that a service refused, with what it said."""

    message: str


@dataclass(frozen=True)
class Difference:
    """Two values of one row that differ, by how much if they are numbers."""

    row: int
    column: str
    a: object
    b: object
    absolute: float = math.inf
    relative: float = math.inf


@dataclass
class Differences:
    """The differences found so far; only the first rows of each kind are kept, however many there are.

    `labels` counts the rows whose predicted labels differ, and `numbers` the rows with a number that differs
    by more than the tolerance; of such a row, the number that is furthest apart is kept. `largest_absolute`
    and `largest_relative` may be within the tolerance. `only_a` and `only_b` count the rows in which one
    answer alone has a column. `a_refused` and `b_refused` count the rows that the one service refuses and the
    other does not; `refused_by_both` is what was said of the first row that both refuse.
    """

    tolerance: float
    most_kept: int
    are_labels: bool
    rows: int = 0
    compared: int = 0
    labels: int = 0
    numbers: int = 0
    a_refused: int = 0
    b_refused: int = 0
    both_refused: int = 0
    refused_by_both: str = ""
    only_a: Counter[str] = field(default_factory=Counter)
    only_b: Counter[str] = field(default_factory=Counter)
    first_labels: list[Difference] = field(default_factory=list)
    first_numbers: list[Difference] = field(default_factory=list)
    first_refused: list[Difference] = field(default_factory=list)
    largest_absolute: Difference | None = None
    largest_relative: Difference | None = None

    @property
    def is_same(self) -> bool:
        """Whether nothing differs by more than the tolerance."""
        counts = (self.labels, self.numbers, self.a_refused, self.b_refused)
        return not (any(counts) or self.only_a or self.only_b)

    def add(self, row: int, a: Row | Refusal, b: Row | Refusal) -> None:
        """Compare the answers to one row of the file, which is counted from 1."""
        self.rows += 1
        if isinstance(a, Refusal) or isinstance(b, Refusal):
            self._add_refusal(row, a, b)
            return
        self.compared += 1
        self.only_a.update(a.keys() - b.keys())
        self.only_b.update(b.keys() - a.keys())
        apart: list[Difference] = []
        for column in a:
            if column not in b:
                continue
            if column == PREDICTION and self.are_labels:
                if not _is_same_label(a[column], b[column]):
                    self.labels += 1
                    self._keep(self.first_labels, Difference(row, column, a[column], b[column]))
            else:
                apart += self._different_numbers(row, column, a[column], b[column])
        if apart:
            self.numbers += 1
            self._keep(self.first_numbers, max(apart, key=lambda one: one.absolute))

    def _different_numbers(self, row: int, column: str, a: object, b: object) -> Iterator[Difference]:
        """Give the numbers that are too far apart, in two numbers, lists or objects."""
        for name, one, other in _pairs(column, a, b):
            if one == other:
                continue
            if not _is_number(one) or not _is_number(other):
                yield Difference(row, name, one, other)
                continue
            found = _difference(row, name, one, other)
            if found is None:
                continue
            self._note_largest(found)
            if not math.isclose(one, other, rel_tol=self.tolerance, abs_tol=self.tolerance):
                yield found

    def _note_largest(self, found: Difference) -> None:
        if self.largest_absolute is None or found.absolute > self.largest_absolute.absolute:
            self.largest_absolute = found
        if self.largest_relative is None or found.relative > self.largest_relative.relative:
            self.largest_relative = found

    def _add_refusal(self, row: int, a: Row | Refusal, b: Row | Refusal) -> None:
        if isinstance(a, Refusal) and isinstance(b, Refusal):
            self.both_refused += 1
            self.refused_by_both = self.refused_by_both or a.message
            return
        if isinstance(a, Refusal):
            self.a_refused += 1
            found = Difference(row, PREDICTION, a, None if isinstance(b, Refusal) else b[PREDICTION])
        else:
            self.b_refused += 1
            found = Difference(row, PREDICTION, a[PREDICTION], b)
        self._keep(self.first_refused, found)

    def _keep(self, kept: list[Difference], found: Difference) -> None:
        if len(kept) < self.most_kept:
            kept.append(found)


def _pairs(name: str, a: object, b: object) -> Iterator[tuple[str, object, object]]:
    """The single values of two answers, side by side, by their places."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        for key in a:
            yield from _pairs(f"{name}.{key}", a[key], b[key])
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        for at, (one, other) in enumerate(zip(a, b, strict=True)):
            yield from _pairs(f"{name}[{at}]", one, other)
    else:
        yield name, a, b


def _difference(row: int, name: str, a: float, b: float) -> Difference | None:
    """How far two numbers are apart; None for two NaN, and infinite if only one of them is finite."""
    if math.isnan(a) and math.isnan(b):
        return None
    if not (math.isfinite(a) and math.isfinite(b)):
        return Difference(row, name, a, b)
    absolute = abs(a - b)
    return Difference(row, name, a, b, absolute, absolute / max(abs(a), abs(b)))


def _is_same_label(a: object, b: object) -> bool:
    """Whether two labels are the same; true is not 1, and "1" is not 1."""
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_is_same_label, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
