"""The names that stand for the positions of columns, for a model that was trained without names.

`infer_cli/client/positions.py` holds the same for the rows of files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.schema.entry import unnamed

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from service.schema.features import Feature


class Positions:
    """Finds the features of a row whose names say positions alone: x0, x1 and so on, or 0, 1 and so on.

    Digits count only in their order, as a table of pandas without headings has them: in any other order they
    may be the names of columns that were chosen from a larger table.
    """

    def __init__(self, features: Sequence[Feature]) -> None:
        self._names = [feature.name for feature in features]
        is_positional = bool(features) and all(feature.is_positional for feature in features)
        count = len(self._names) if is_positional else 0
        known = set(self._names)
        self._letters = _if_new(unnamed(count), known)
        self._digits = _if_new([str(at) for at in range(count)], known)

    def names_of(self, given: Collection[str]) -> dict[str, str]:
        """Give the feature that each of the given names stands for; nothing unless all are such names."""
        listed = list(given)
        if self._letters and sorted(listed) == sorted(self._letters):
            return dict(zip(self._letters, self._names))
        return dict(zip(self._digits, self._names)) if self._digits and listed == self._digits else {}


def _if_new(names: list[str], known: set[str]) -> list[str]:
    """Give the names if the model has none of them itself, for then each could mean two columns."""
    return names if known.isdisjoint(names) else []
