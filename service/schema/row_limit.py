"""How many rows a request may have: the setting `MAX_ROWS`."""

from __future__ import annotations

from dataclasses import dataclass

from service.errors import TooManyRows

# The rows of 16 MiB, if each has a few features. So long a body may also be five million empty objects, and
# each takes a hundred times its length in memory.
MOST_ROWS = 500_000
# Lists and objects of a body around its rows: the body itself, shapes, parameters.
_BRACKETS_AROUND, _BRACKETS_A_COLUMN = 1000, 8


@dataclass(frozen=True)
class RowLimit:
    """The most rows that a request may have, whatever its wire format."""

    rows: int = MOST_ROWS

    def check(self, count: int) -> None:
        """Raise `TooManyRows` if a request has more rows than that."""
        if count > self.rows:
            reason = f"more than the {self.rows} rows that the setting MAX_ROWS allows"
            raise TooManyRows(self.rows, reason)

    def check_brackets(self, count: int, columns: int) -> None:
        """Raise `TooManyRows` for a JSON body of more lists and objects than that many rows can need."""
        if count > self.most_brackets(columns):
            reason = f"more lists and objects than the {self.rows} rows need that the setting MAX_ROWS allows"
            raise TooManyRows(self.rows, reason)

    def most_brackets(self, columns: int) -> int:
        """Give how many lists and objects a JSON body of that many rows may have.

        A row is one of them, and some clients write each value as a list of one element. More than
        `MOST_ROWS` of them are for rows alone: there must be no way to fill the memory with empty lists.
        """
        around = _BRACKETS_AROUND + _BRACKETS_A_COLUMN * columns
        return min(self.rows * (columns + 1), max(self.rows, MOST_ROWS)) + around
