"""Counts which classes the answers to requests name."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from service.drift.shared_counts import SharedCounts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.json_values import JsonValue

# Prometheus keeps each count of each service: more would be a burden, and no one reads them.
MOST_CLASSES = 100
_OUTLIERS: list[JsonValue] = [-1, 1]


class ClassCounts(SharedCounts):
    """One count for each class of each output, in the order in which the model has them."""

    def __init__(self, outputs: Sequence[Sequence[JsonValue]], *, has_positions: bool = True) -> None:
        """`outputs` holds the classes of each output; several outputs answer a list for each row.

        `has_positions` tells that a row program answers the position of the class.
        """
        self._has_positions = has_positions
        self.classes = [(at, label) for at, labels in enumerate(outputs) for label in labels]
        self.has_outputs = len(outputs) > 1
        self._places: dict[tuple[int, Any], int] = {one: place for place, one in enumerate(self.classes)}
        super().__init__(len(self.classes))

    def count_row(self, position: int, numbers: Sequence[float]) -> None:
        """Count what a row program answered: see `RowProgram.answer`."""
        if not self._has_positions:
            self.count([numbers[0]])
            return
        with self._lock:
            self._view[position] += 1

    def count(self, values: Sequence[JsonValue]) -> None:
        """Count the answers to some rows: a class each, or a list with the class of each output.

        A model of several labels (multilabel) answers 1 for each class that holds, and 0 for the others.
        """
        found: Counter[tuple[int, Any]] = Counter()
        if not isinstance(values[0], list):
            # Counting the labels themselves takes a fifth of the time.
            found.update({(0, label): count for label, count in Counter(values).items()})
        elif self.has_outputs:
            for row in cast("Sequence[list[Any]]", values):
                found.update(enumerate(row))
        else:
            for row in cast("Sequence[list[Any]]", values):
                found.update(one for one, holds in zip(self.classes, row) if holds == 1)
        with self._lock:
            for one, count in found.items():
                place = self._places.get(one)
                if place is not None:
                    self._view[place] += count


def class_counts_of(kind: str, classes: Sequence[JsonValue] | None) -> ClassCounts | None:
    """Give counts for a model of this `Model.kind`; None if it has no classes, or more than `MOST_CLASSES`.

    An outlier detector has the classes -1 and 1. What a clusterer answers is not counted: not every clusterer
    says how many clusters there are.
    """
    if kind == "outlier_detector":
        return ClassCounts([_OUTLIERS], has_positions=False)
    if not classes:
        return None
    has_outputs = isinstance(classes[0], list)
    outputs = cast("Sequence[Sequence[JsonValue]]", classes if has_outputs else [classes])
    if sum(map(len, outputs)) > MOST_CLASSES:
        return None
    return ClassCounts(outputs)
