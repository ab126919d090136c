"""What the checks of values share: how a check says that a value is unsound, and how it reads nodes.

`service/loading/soundness.py` does the same with objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.files.budget import HELD_BYTES_MAX, HELD_TEXT_MAX
from infer_cli.inspection.nodes.arrays import Content, content_of, objects_of, raw_of, scalar_of
from infer_cli.inspection.nodes.layouts import layout_of
from infer_cli.inspection.nodes.node_types import Array, Blob, DictNode, Instance, ListNode
from infer_cli.inspection.nodes.noters import noter_for
from infer_cli.inspection.nodes.notes import IntegerNotes

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node
    from infer_cli.inspection.nodes.notes import Notes

# Compiled code counts with signed numbers of 64 bits, and some of it with 32.
COUNT_MAX = 2**31 - 1


class UnsoundValue(Exception):
    """A value that compiled code must not be given; the message completes a sentence: "whose node 5 …"."""


class Unseen(Exception):
    """The file does not show a value: the service looks at it."""


def require(is_sound: object, what: str) -> None:
    """Raise `UnsoundValue` unless the statement holds."""
    if not is_sound:
        raise UnsoundValue(what)


def array(node: Node, name: str, *shape: int | None) -> Content:
    """Give an array of this shape, where None is any length; raise `UnsoundValue` for anything else."""
    content = seen_array(node, name)
    expected = " x ".join("any" if length is None else str(length) for length in shape)
    found = content.shape
    fits = len(found) == len(shape) and all(
        one in (None, length) for length, one in zip(found, shape, strict=True)
    )
    require(fits, f"whose {name} has the shape {found} in place of {expected}")
    return content


def seen_array(node: Node, name: str) -> Content:
    """Give an array of any shape; raise `Unseen` for what may be one, `UnsoundValue` for anything else."""
    content = content_of(node)
    if content is None:
        # A schema of skops describes an array of objects as a list.
        if isinstance(node, Instance | Array | Blob | ListNode):
            raise Unseen
        raise UnsoundValue(f"whose {name} is no array")
    return content


def is_array(node: Node) -> bool:
    """Say whether a node is an array that the file shows."""
    return content_of(node) is not None


def notes_of(content: Content, name: str) -> Notes:
    """Give what was noted of an array as its bytes passed; raise `Unseen` if nothing was."""
    data, layout = content.data, layout_of(content.dtype_node)
    blob = data.arguments[0] if isinstance(data, Instance) and data.arguments else data
    noter = noter_for(layout, layout.itemsize if layout is not None else 0)
    if noter is None:
        raise UnsoundValue(f"whose {name} have unknown fields")
    if isinstance(blob, Blob):
        if blob.notes is None and blob.length > (HELD_TEXT_MAX if blob.is_string else HELD_BYTES_MAX):
            raise Unseen
        # No pickler writes the bytes of an array before, or for, another one.
        if blob.notes is None or blob.notes.layout != layout:
            raise UnsoundValue(f"whose {name} have bytes of another array")
        return blob.notes
    raw = raw_of(data)
    if raw is None or len(raw) % content.dtype.itemsize or not raw:
        raise UnsoundValue(f"whose {name} have no bytes")
    noter = noter_for(layout, len(raw))
    if noter is None:
        raise Unseen
    noter.take(raw)
    return noter.notes()


def integers(content: Content, name: str) -> IntegerNotes | None:
    """Give what was noted of whole numbers; None of no numbers; raise `UnsoundValue` for other values."""
    require(content.dtype.kind in "iub", f"whose {name} are no whole numbers")
    if 0 in content.shape:
        return None
    notes = notes_of(content, name)
    if not isinstance(notes, IntegerNotes):
        raise Unseen
    return notes


def whole(node: Node, name: str, low: int = 0, high: int = COUNT_MAX) -> int:
    """Give a whole number between two bounds; raise `UnsoundValue` for anything else."""
    value = scalar_of(node)
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise UnsoundValue(f"whose {name} is no whole number from {low} to {high}")


def within(content: Content, low: int, high: int, name: str) -> None:
    """Raise `UnsoundValue` unless all values of an array of whole numbers are at least low and below high."""
    notes = integers(content, name)
    if notes is not None:
        require(notes.low >= low and notes.high < high, f"whose {name} are not all from {low} to {high - 1}")


def items_of(node: Node) -> list[Node]:
    """Give the items of a list, tuple or array of objects; raise `Unseen` for anything else."""
    if isinstance(node, tuple):
        return list(node)
    if isinstance(node, ListNode):
        return node.items
    if objects_of(node):
        return objects_of(node)
    raise Unseen


def length_of(node: Node) -> int:
    """Give the length of a list, tuple, dictionary or array; raise `Unseen` for anything else."""
    content = content_of(node)
    if content is not None and content.shape:
        return content.shape[0]
    if isinstance(node, DictNode):
        return len(node.keys_and_values) // 2
    return len(items_of(node))
