"""The names that stand for the positions of columns, for a model that was trained without names.

`service/schema/positions.py` holds the same for the rows of requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence


class Positions:
    """Finds the features of a row whose names say positions alone: x0, x1 and so on, or 0, 1 and so on.

    Digits count only in their order, as a table of pandas without headings has them: in any other order they
    may be the names of columns that were chosen from a larger table.
    """

    def __init__(self, names: Sequence[str], *, is_positional: bool) -> None:
        """Take the names of the features, and whether the model says that positions may stand for them."""
        self._names = names
        count = len(names) if is_positional else 0
        known = set(names)
        self._letters = _if_new([f"x{at}" for at in range(count)], known)
        self._digits = _if_new([str(at) for at in range(count)], known)

    @property
    def names(self) -> dict[str, str]:
        """The feature that each of all such names stands for."""
        found = [zip(names, self._names, strict=True) for names in (self._letters, self._digits) if names]
        return {name: feature for pairs in found for name, feature in pairs}

    def names_of(self, given: Collection[str]) -> dict[str, str]:
        """Give the feature that each of the given names stands for; nothing unless all are such names."""
        listed = list(given)
        if self._letters and sorted(listed) == sorted(self._letters):
            return dict(zip(self._letters, self._names, strict=True))
        return (
            dict(zip(self._digits, self._names, strict=True))
            if self._digits and listed == self._digits
            else {}
        )


def _if_new(names: list[str], known: set[str]) -> list[str]:
    """Give the names if the model has none of them itself, for then each could mean two columns."""
    return names if known.isdisjoint(names) else []
