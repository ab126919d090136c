"""Models as people have them, each with the rows that it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

# Models, tables of pandas, arrays and lists, which have no types in common.
Model = Any
Table = Any


@dataclass(frozen=True)
class Case:
    """A model, and a table of rows as the model takes it; `method` gives the right values."""

    model: Model
    table: Table
    method: str = "predict"

    def __post_init__(self) -> None:
        # Only some rows are asked for: they hold all that is special in the table.
        object.__setattr__(self, "table", self.table[:6])


class Cases(dict[str, "Callable[[], Case]"]):
    """Makes cases, by their name; each is trained when it is asked for."""

    def add(self, make: Callable[[], Case]) -> Callable[[], Case]:
        """Add the case that a function makes, under the name of the function."""
        self[make.__name__] = make
        return make

    def fit(
        self,
        name: str,
        make: Callable[[], Model],
        table: Table,
        target: object = None,
        method: str = "predict",
    ) -> None:
        """Add the case of a model that is fitted to a table, and asked for the first rows of the table."""
        self[name] = lambda: Case(make().fit(table, target), table, method)
