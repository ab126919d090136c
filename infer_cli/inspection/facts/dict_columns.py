"""The columns of a model that takes dictionaries, from the vocabulary of its first step, a `DictVectorizer`.

`service/schema/dict_columns.py` reads the same on the other side.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass
class DictColumn:
    """A key of the dictionaries: whether it held numbers, its texts, and where its entries are."""

    name: str
    has_numbers: bool
    texts: list[str]
    positions: list[int]


def dict_columns(entries: Iterable[str], separator: str) -> list[DictColumn]:
    """Give the keys of which a vectorizer of dictionaries made its entries, in the order of the entries.

    A key that holds a text makes the entry `key=text`, and one that holds a number the entry `key`. The first
    separator in an entry ends its key: a dictionary with this key and text makes the same entry.
    """
    found: dict[str, DictColumn] = {}
    for at, entry in enumerate(entries):
        name, separated, text = entry.partition(separator) if separator else (entry, "", "")
        column = found.setdefault(name, DictColumn(name, has_numbers=False, texts=[], positions=[]))
        column.positions.append(at)
        if separated:
            column.texts.append(text)
        else:
            column.has_numbers = True
    return list(found.values())
