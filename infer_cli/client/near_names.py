"""Names that are probably meant for each other: of a column in a table, and of a feature."""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Of names with fewer letters, one letter is too much of the name: x1 and x2 are two columns.
_SLIP_LETTERS_MIN = 3


def nearest(name: str, others: Iterable[str]) -> str | None:
    """The first of `others` that is probably meant by `name`; None if there is none.

    Two names are near if they differ only in case, blanks and punctuation, or by a slip of one letter: one
    left out, added or wrong, or two neighbours swapped.
    """
    listed = list(others)
    letters = _letters(name)
    equal = (other for other in listed if letters and _letters(other) == letters)
    slips = (other for other in listed if _is_slip(letters, _letters(other)))
    return next(equal, None) or next(slips, None)


def similar(name: str, others: Iterable[str]) -> str | None:
    """The nearest of `others`, else the one that looks most like `name`, for a hint; None if none does."""
    listed = list(others)
    return nearest(name, listed) or next(iter(get_close_matches(name, listed, n=1)), None)


def _letters(name: str) -> str:
    """The letters and digits of a name, in lower case."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return "".join(character for character in folded if character.isalnum())


def _is_slip(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(short) < _SLIP_LETTERS_MIN or len(long) - len(short) > 1:
        return False
    at = next(
        (at for at, pair in enumerate(zip(short, long, strict=False)) if pair[0] != pair[1]), len(short)
    )
    if len(short) < len(long):
        return short[at:] == long[at + 1 :]
    swapped = [second + first for first, second in pairwise(short)]
    return short[at + 1 :] == long[at + 1 :] or (
        at < len(swapped) and short[:at] + swapped[at] + short[at + 2 :] == long
    )
