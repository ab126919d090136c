"""Columns of unknown type in which a word such as `22` can only be a number: found by asking the model.

A query and a CSV file give words. Where the model does not tell the type of a column, 22 may be a number or
a text. A model that answers numbers and refuses their texts leaves no doubt; nor does one that gives the text
the answer of the number, if it tells numbers apart. An encoder also gives one answer to all that it does not
know.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Callable

from service.schema.features import needs_types

if TYPE_CHECKING:
    from collections.abc import Iterable

    from service.schema.features import Feature, Value

# Numbers with the words that stand for them.
WORDS: tuple[tuple[Value, str], ...] = (
    (22, "22"),
    (7, "007"),
    (1.5, "1.5"),
    (-3, "-3"),
    (2.0, "2.0"),
    (1000.0, "1e3"),
)
# Each column takes a dozen calls of the model while the service starts.
COLUMNS_MAX = 24
ROWS_TRIED = 8


def with_number_words(
    features: tuple[Feature, ...],
    ask: Callable[[list[Value]], str | None],
    made_rows: Iterable[list[Value]],
) -> tuple[Feature, ...]:
    """Mark the features of unknown type in which a word that is a number can only be a number.

    `ask` gives the answer to one row as a string, and None if the model refuses the row. `made_rows` are rows
    that the model may take.
    """
    unknown = [at for at, feature in enumerate(features) if needs_types(feature) and feature.type == "any"]
    if not unknown or len(unknown) > COLUMNS_MAX:
        return features
    base = _answered_row(unknown, ask, made_rows)
    if base is None:
        return features
    numbers = {at for at in unknown if _reads_numbers(at, base, ask)}
    return tuple(
        replace(feature, reads_numbers=True) if at in numbers else feature
        for at, feature in enumerate(features)
    )


def _answered_row(
    unknown: list[int], ask: Callable[[list[Value]], str | None], made_rows: Iterable[list[Value]]
) -> list[Value] | None:
    """Give a row with numbers in the unknown columns that the model answers; None if none is found."""
    for made in islice(made_rows, ROWS_TRIED):
        row = list(made)
        for at in unknown:
            value = row[at]
            row[at] = value if isinstance(value, (int, float)) and not isinstance(value, bool) else 1.0
        if ask(row) is not None:
            return row
    return None


def _reads_numbers(at: int, base: list[Value], ask: Callable[[list[Value]], str | None]) -> bool:
    refuses_words = False
    answers = set()
    for number, word in WORDS:
        told, told_of_word = (ask([*base[:at], value, *base[at + 1 :]]) for value in (number, word))
        if told_of_word not in (None, told):
            return False
        refuses_words = refuses_words or (told is not None and told_of_word is None)
        answers.add(told_of_word)
    return refuses_words or len(answers - {None}) > 1
