"""Where the numbers of an array's elements lie in its bytes, read from the node of its dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.arrays import dtype_of
from infer_cli.inspection.nodes.node_types import DictNode, Instance
from infer_cli.inspection.nodes.notes import Layout

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node

# The letters of `struct` and `array` for whole numbers, by NumPy's letter and the size.
LETTERS = {
    ("b", 1): "B",
    ("u", 1): "B",
    ("u", 2): "H",
    ("u", 4): "I",
    ("u", 8): "Q",
    ("i", 1): "b",
    ("i", 2): "h",
    ("i", 4): "i",
    ("i", 8): "q",
}
FIELDS_MAX = 100


def layout_of(dtype: Node) -> Layout | None:
    """Give the layout of arrays with this dtype; None if it has no whole numbers, or is not understood."""
    understood = dtype_of(dtype)
    if understood is None or understood.has_objects or not understood.itemsize:
        return None
    letter = LETTERS.get((understood.kind, understood.itemsize))
    if letter is not None:
        return Layout(understood.itemsize, (("", 0, letter),), understood.is_big_endian)
    match dtype:
        case Instance(states=((int(), str(), None, tuple(), DictNode() as fields, *_),)):
            return _of_fields(fields, understood.itemsize)
    return None


def _of_fields(fields: DictNode, itemsize: int) -> Layout | None:
    if len(fields.keys_and_values) > 2 * FIELDS_MAX:
        return None
    found: list[tuple[str, int, str]] = []
    orders: set[bool] = set()
    for name, field in fields.by_name().items():
        match field:
            case (dtype, int(offset), *_):
                part = dtype_of(dtype)
            case _:
                return None
        if part is None:
            return None
        letter = LETTERS.get((part.kind, part.itemsize))
        if letter is not None:
            found.append((name, offset, letter))
            orders |= {part.is_big_endian} if part.itemsize > 1 else set()
    found.sort(key=lambda one: one[1])
    return Layout(itemsize, tuple(found), orders == {True}) if len(orders) <= 1 else None
