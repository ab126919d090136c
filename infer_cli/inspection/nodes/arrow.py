"""Arrays of strings of Apache Arrow, as pandas 3 keeps the names of columns, read from nodes without pyarrow.

The pickled form is what `Array.__reduce__` of pyarrow writes: a type, counts, and the buffers of the array.
"""

from __future__ import annotations

import struct
from itertools import pairwise

from infer_cli.inspection.nodes.node_types import Global, Instance, ListNode, Node

# The `struct` format and size of an offset into the characters, by type.
_OFFSETS = {"string": ("i", 4), "large_string": ("q", 8)}


def strings_of_arrow(node: Node) -> ListNode | None:
    """Give the strings of an array as a list; None for any other array, and for one with missing values.

    A chunked array counts if it has one chunk.
    """
    match node:
        case Instance(callee=Global(name="chunked_array"), arguments=(ListNode(items=[chunk]), _)):
            return strings_of_arrow(chunk)
        case Instance(
            callee=Global("pyarrow.lib", "_restore_array"),
            arguments=((type_node, int(length), 0, int(start), ListNode(items=[None, offsets, data]), *_),),
        ):
            return _strings(_type_of(type_node), range(start, start + length), offsets, data)
    return None


def _type_of(node: Node) -> str:
    match node:
        case Instance(callee=Global(name="type_for_alias"), arguments=(str(name),)):
            return name
    return ""


def _strings(type_name: str, positions: range, offsets: Node, data: Node) -> ListNode | None:
    letter, size = _OFFSETS.get(type_name, ("", 0))
    bounds, characters = _bytes_of(offsets), _bytes_of(data)
    if not letter or bounds is None or characters is None or positions.start < 0:
        return None
    if len(bounds) < size * (positions.stop + 1):
        return None
    ends = struct.unpack_from(f"<{len(positions) + 1}{letter}", bounds, size * positions.start)
    try:
        return ListNode([characters[low:high].decode() for low, high in pairwise(ends)])
    except UnicodeDecodeError:
        return None


def _bytes_of(node: Node) -> bytes | None:
    """Give the bytes of a buffer."""
    match node:
        case Instance(callee=Global(name="py_buffer" | "bytearray"), arguments=(inner,)):
            return _bytes_of(inner)
        case bytes():
            return node
    return None
