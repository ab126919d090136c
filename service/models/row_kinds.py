"""Asks a model for rows of several kinds, so that no answer hangs on the rows beside it.

An array or a column of a DataFrame has one dtype for all rows, and a library finds it by looking at all
values: beside 1.5, the 1 of another row becomes 1.0, and beside a missing value True becomes an object. Rows
whose columns would get other dtypes alone are of different kinds. The model is asked once for each kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from service.schema.predictions import Predictions, joined

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from service.schema.features import Rows, Value

    # Gives the kind of a row: rows of one kind have the same dtypes alone as together.
    KindOf = Callable[[Sequence[Value]], Hashable]


def rows_by_kind(rows: Rows, kind_of: KindOf | None) -> list[list[int]]:
    """Give the positions of the rows of each kind, in the order of the rows; None says that all are alike."""
    if kind_of is None or not isinstance(rows, list):
        return [list(range(len(rows)))]
    found: dict[Hashable, list[int]] = {}
    for position, row in enumerate(rows):
        found.setdefault(kind_of(row), []).append(position)
    return list(found.values())


def ask_by_kind(ask: Callable[[Rows], Predictions], rows: Rows, kind_of: KindOf | None) -> Predictions:
    """Give the predictions for rows in their order, with one call of `ask` for each kind of row."""
    if kind_of is None or not isinstance(rows, list) or len(rows) == 1:
        return ask(rows)
    groups = rows_by_kind(rows, kind_of)
    if len(groups) == 1:
        return ask(rows)
    parts = [ask([rows[at] for at in group]) for group in groups]
    return in_order(parts, groups)


def in_order(parts: Sequence[Predictions], groups: Sequence[Sequence[int]]) -> Predictions:
    """Put the predictions for several groups of rows in the order of all rows."""
    for part, group in zip(parts, groups):
        if len(part.values) != len(group):
            message = f"{len(part.values)} predictions were given for {len(group)} rows"
            raise ValueError(message)
    places = {at: place for place, at in enumerate(at for group in groups for at in group)}
    together = joined(parts)
    return together.at([places[at] for at in range(len(places))])
