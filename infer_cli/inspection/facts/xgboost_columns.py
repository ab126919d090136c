"""What a booster of XGBoost tells of its columns in its own format, UBJSON (https://ubjson.org).

Only the start of the format is read, up to the trees.
`service/schema/xgboost_columns.py` reads the same of a loaded booster.
"""

from __future__ import annotations

import re
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.inspection.nodes.arrays import Plain

# The type of a column of categories.
CATEGORY = "c"
# The values that are kept, wherever they lie. They stand before the trees.
KEPT = frozenset(
    {
        *("cats", "feature_names", "feature_types", "num_class", "num_feature", "num_target"),
        *("objective", "scikit_learn"),
    }
)
END = "trees"
DEPTH_MAX = 32
# The numbers of UBJSON by their markers: their formats for `struct`, which are big-endian.
NUMBERS = {b"i": "b", b"U": "B", b"I": "h", b"l": "i", b"L": "q", b"d": "f", b"D": "d"}
CONSTANTS: dict[bytes, bool | None] = {b"Z": None, b"T": True, b"F": False}
# The dtypes of categories that are numbers, by the codes of XGBoost's `Value::ValueKind` in
# https://github.com/dmlc/xgboost/blob/v3.2.0/include/xgboost/json.h.
DTYPES = {
    9: "int8",
    10: "uint8",
    11: "int16",
    12: "uint16",
    13: "int32",
    14: "uint32",
    15: "int64",
    16: "uint64",
}


@dataclass(frozen=True)
class LearnedCategories:
    """The categories of one column in the order of their codes. `dtype`: that of pandas' categories."""

    values: tuple[Plain, ...]
    dtype: str


@dataclass(frozen=True)
class XgboostColumns:
    """The columns of a booster: their names and types in XGBoost's words.

    `count` is their number. `names` and `types` are empty if the columns had none. `categories` are the
    categories of each column, as far as the booster has them: XGBoost keeps them from 3.1 on.
    `has_categories` says that it kept those of any column.
    """

    count: int = 0
    names: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    categories: dict[int, LearnedCategories] = field(default_factory=dict)
    has_categories: bool = False

    @property
    def unknown(self) -> list[int]:
        """The positions of the columns with categories that the booster does not tell.

        A column without a name came from an array, and so did one beside columns whose categories are known:
        there, the codes were given as numbers.
        """
        if not self.names or self.has_categories:
            return [at for at in self._categorical if at in self.categories and not self.categories[at].dtype]
        return self._categorical

    @property
    def reason(self) -> str:
        """Why the categories of an unknown column cannot be told."""
        if self.has_categories:
            return "XGBoost kept its categories cut off"
        return "XGBoost kept no list of its categories"

    @property
    def _categorical(self) -> list[int]:
        return [at for at, column_type in enumerate(self.types) if column_type == CATEGORY]


def columns_of(raw: bytes) -> XgboostColumns | None:
    """Read the columns from the first bytes of a booster; None if these are no UBJSON or too few."""
    found = head_of(raw)
    return None if found is None else columns_in(found)


def head_of(raw: bytes) -> Mapping[str, object] | None:
    """Read the values of `KEPT` from the first bytes of a booster; None if these are no UBJSON or too few."""
    head = _Head(raw)
    with suppress(_End):
        head.value(0)
    return head.found if head.is_complete else None


def columns_in(found: Mapping[str, object]) -> XgboostColumns:
    """Give the columns that the values of `KEPT` tell, wherever in a booster they lay."""
    encodings = _items(found.get("cats"), "enc")
    categories = {at: _categories(encoding) for at, encoding in enumerate(encodings)}
    known = {at: kept for at, kept in categories.items() if kept is not None}
    return XgboostColumns(
        count=_whole_number(found.get("num_feature")),
        names=_strings(found.get("feature_names")),
        types=_strings(found.get("feature_types")),
        categories=known,
        has_categories=bool(known),
    )


class _End(Exception):
    """The trees begin, or the bytes end or are no UBJSON."""


class _Head:
    """Reads UBJSON up to the trees. `is_complete` says that nothing before them was cut off."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0
        self.found: dict[str, object] = {}
        self.is_complete = False

    def value(self, depth: int, marker: bytes = b"") -> object:
        """Read a value, from its marker on unless that is given."""
        marker = marker or self._take(1)
        if marker in CONSTANTS:
            return CONSTANTS[marker]
        if marker in NUMBERS:
            return self._numbers(marker, 1)[0]
        if marker == b"S":
            return self._text()
        if depth > DEPTH_MAX or marker not in (b"{", b"["):
            raise _End
        return self._object(depth) if marker == b"{" else self._array(depth)

    def _object(self, depth: int) -> object:
        found: dict[str, object] = {}
        while self._peek() != b"}":
            name = self._text()
            if name == END:
                self.is_complete = True
                raise _End
            value = self.value(depth + 1)
            found[name] = value
            if name in KEPT:
                self.found[name] = value
        self._take(1)
        self.is_complete = self.is_complete or (depth == 0 and self._at > 1)
        return found

    def _array(self, depth: int) -> object:
        marker = self._take(1)
        if marker == b"$":
            element = self._take(1)
            if element not in NUMBERS or self._take(1) != b"#":
                raise _End
            return list(self._numbers(element, self._length()))
        if marker == b"#":
            return [self.value(depth + 1) for _ in range(self._length())]
        items = []
        while marker != b"]":
            items.append(self.value(depth + 1, marker))
            marker = self._take(1)
        return items

    def _numbers(self, marker: bytes, count: int) -> tuple[int | float, ...]:
        layout = f">{count}{NUMBERS[marker]}"
        return struct.unpack(layout, self._take(struct.calcsize(layout)))

    def _length(self) -> int:
        marker = self._take(1)
        if marker not in NUMBERS or marker in b"dD":
            raise _End
        return max(int(self._numbers(marker, 1)[0]), 0)

    def _text(self) -> str:
        return self._take(self._length()).decode(errors="replace")

    def _peek(self) -> bytes:
        return self._raw[self._at : self._at + 1]

    def _take(self, count: int) -> bytes:
        taken = self._raw[self._at : self._at + count]
        if len(taken) < count:
            raise _End
        self._at += count
        return taken


def _categories(encoding: object) -> LearnedCategories | None:
    """Read the categories of a column; None if it has none. Without a dtype, they cannot be told."""
    values = _items(encoding, "values")
    if not isinstance(encoding, dict) or not values:
        return None
    if "offsets" not in encoding:
        dtype = DTYPES.get(cast("int", encoding.get("type")), "")
        return LearnedCategories(tuple(value for value in values if isinstance(value, int)), dtype)
    content = bytes(value & 0xFF for value in values if isinstance(value, int))
    offsets = [at for at in _items(encoding, "offsets") if isinstance(at, int)]
    # XGBoost cuts off a string with other characters: it takes the number of characters for that of bytes.
    if not content.isascii():
        return LearnedCategories((), "")
    texts = tuple(content[start:stop].decode() for start, stop in pairwise(offsets))
    return LearnedCategories(texts, "text")


def _items(holder: object, name: str) -> list[object]:
    found = holder.get(name) if isinstance(holder, dict) else None
    return found if isinstance(found, list) else []


def _whole_number(found: object) -> int:
    return int(found) if isinstance(found, str) and re.fullmatch(r"[0-9]{1,9}", found) else 0


def _strings(found: object) -> tuple[str, ...]:
    return tuple(map(str, found)) if isinstance(found, list) else ()
