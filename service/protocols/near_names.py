"""Finds what a name or a category was probably meant to be."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Comparing takes a time that grows with the lengths of both strings, and with the number of names.
LONGEST_COMPARED = 80
MOST_COMPARED = 1000


def nearest(given: str, known: Sequence[str]) -> str | None:
    """Give the known name that is nearest to the given one; None if none is near.

    A name that differs only by case, by blanks at its ends, or by what separates its words is the nearest. Of
    several of these, the first one of `known` is given. Only the first 1,000 known names are compared, and no
    string of more than 80 characters.
    """
    if len(given) > LONGEST_COMPARED:
        return None
    by_form: dict[str, str] = {}
    for name in known[:MOST_COMPARED]:
        if len(name) <= LONGEST_COMPARED:
            by_form.setdefault(_form(name), name)
    form = _form(given)
    if form in by_form:
        return by_form[form]
    near = get_close_matches(form, by_form, n=1)
    return by_form[near[0]] if near else None


def _form(name: str) -> str:
    """Give a name without what is mistyped most: case, blanks at the ends, and what separates words."""
    return "_".join(name.casefold().replace("_", " ").replace("-", " ").replace(".", " ").split())
