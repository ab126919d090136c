"""Tables of numbers in JSON bodies, read in C wherever a wire format has them.

A body of a thousand rows is nearly nothing but numbers, and making a Python object of each takes longer than
a model takes. So C reads the tables, and the parser of the wire format reads what is left of the body, where
a short text stands in the place of each table. A body with anything unusual in it is left to the parser.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

from service.errors import InvalidInput
from service.native.library import LIBRARY
from service.native.number_reader import NumberReader
from service.native.row_reader import RowReader

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from service.native.library import Array
    from service.native.number_reader import Table

    # Where a wire format has tables: a path of names, and the kinds of tables there. `EACH` stands for every
    # name of an object, and `ELEMENT` for every element of a list. The empty path is the body itself.
    Places = Mapping[tuple[str, ...], Collection[int]]

EACH, ELEMENT = "*", "[]"
_MARK = "table:"
# A shorter body is read as quickly by the parser.
_BYTES_MIN = 4000


class NumberTables:
    """Reads the tables of bodies for a model of numbers with features of these names."""

    def __init__(self, names: Sequence[str]) -> None:
        can_read = RowReader.can_read(names)
        self._reader = NumberReader(RowReader(names, LIBRARY), LIBRARY) if LIBRARY and can_read else None

    def decode(self, body: bytes, places: Places, parse: Callable[[bytes], object]) -> object:
        """Give the document of a body, with arrays in place of its tables; None if `parse` must read it all.

        All numbers in the arrays are finite and no larger than `LARGEST_NUMBER`. `parse` reads JSON.
        """
        tables = self._reader.find(body) if self._reader and len(body) >= _BYTES_MIN else []
        if not tables:
            return None
        ends = [0, *(table.end for table in tables)]
        starts = [*(table.start for table in tables), len(body)]
        parts = [body[end:start] for end, start in zip(ends, starts)]
        if any(_MARK.encode() in part for part in parts):
            return None
        marks = [*(b'"%s%d"' % (_MARK.encode(), at) for at in range(len(tables))), b""]
        try:
            document = parse(b"".join(piece for pair in zip(parts, marks) for piece in pair))
        except (InvalidInput, ValueError):
            # The parser says what is wrong, and where: it must see the body as it was sent.
            return None
        left = dict(enumerate(tables))
        for path, kinds in places.items():
            document = _filled(document, path, kinds, left)
        return None if left else document

    def read_csv(self, text: bytes) -> Array | None:
        """Give the rows of lines of numbers, in the order of the lines; None if Python must read them."""
        return self._reader.read_csv(text) if self._reader else None


def _filled(value: object, path: Sequence[str], kinds: Collection[int], left: dict[int, Table]) -> object:
    """Put tables in their places, and take them out of those that are `left`."""
    if not path:
        if isinstance(value, str) and value.startswith(_MARK):
            at = int(value[len(_MARK) :])
            if at in left and left[at].kind in kinds:
                return left.pop(at).numbers
        return value
    if isinstance(value, dict):
        for name in [*value] if path[0] == EACH else [path[0]] if path[0] in value else []:
            value[name] = _filled(value[name], path[1:], kinds, left)
    elif isinstance(value, list) and path[0] == ELEMENT:
        value[:] = [_filled(one, path[1:], kinds, left) for one in value]
    return value
