"""Short descriptions of nodes, for people."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.arrays import scalar_of, shape_of
from infer_cli.inspection.nodes.node_types import (
    Array,
    Blob,
    DictNode,
    Global,
    Instance,
    ListNode,
    Node,
    SetNode,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.inspection.nodes.arrays import Plain

# How much is shown of a string, of a list, and of the keys of a dictionary.
SHOWN_CHARACTERS = 120
SHOWN_ITEMS = 8
SHOWN_KEYS = 6
_SEQUENCES = {tuple: "tuple", ListNode: "list", SetNode: "set"}


def parameter_of(node: Node) -> Plain:
    """Give a plain value as it is, and any other node as a short description."""
    value = scalar_of(node)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, str):
        shown = value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…"
        # A hostile string may hold control characters, which a terminal would obey.
        return shown if shown.isprintable() else ascii(shown)[1:-1]
    return value if not isinstance(value, tuple) else _short(node)


def what_is(node: Node) -> str:
    """Describe the content of a file that is no model, as in "a list of length 2"."""
    if (shape := shape_of(node)) is not None:
        return f"a NumPy array of shape {shape}"
    match node:
        case DictNode():
            return f"a dictionary ({_keys(node)})"
        case ListNode() | SetNode() | tuple():
            items = node if isinstance(node, tuple) else node.items
            return f"a {_SEQUENCES[type(node)]} of length {len(items)}"
        case Global():
            return f"the class or function {node} itself"
        case Instance():
            return f"a {node.made_by}"
    return "bytes" if isinstance(node, bytes | Blob | Array) else f"the value {parameter_of(node)!r}"


def _short(node: Node) -> str:
    if (shape := shape_of(node)) is not None:
        return f"an array of shape {shape}"
    match node:
        case tuple():
            return f"({_listed(node)})"
        case ListNode():
            return f"[{_listed(node.items)}]"
        case SetNode():
            return f"{{{_listed(node.items)}}}"
        case DictNode():
            return f"a dictionary ({_keys(node)})"
    return _name(node)


def _name(node: Node) -> str:
    if isinstance(node, Instance):
        return "an object" if node.made_by is None else f"{node.made_by.name}()"
    if isinstance(node, bytes | Blob):
        return "bytes"
    return str(node) if isinstance(node, Global) else "…"


def _listed(nodes: Sequence[Node]) -> str:
    shown = [_item(node) for node in nodes[:SHOWN_ITEMS]]
    return ", ".join(shown + ["…"] * (len(nodes) > SHOWN_ITEMS))


def _item(node: Node) -> str:
    value = scalar_of(node)
    return _name(node) if isinstance(value, tuple) else repr(value)[:SHOWN_CHARACTERS]


def _keys(node: DictNode) -> str:
    keys = [_item(key)[:SHOWN_CHARACTERS] for key, _ in node.pairs()]
    return ", ".join(keys[:SHOWN_KEYS] + ["…"] * (len(keys) > SHOWN_KEYS)) or "empty"
