"""How scikit-learn's objects hold their parts and the positions of columns, read from nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.arrays import values_of
from infer_cli.inspection.nodes.node_types import DictNode, Global, Instance, ListNode, Node, SetNode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.inspection.nodes.arrays import Plain

COLUMNS_MAX = 100_000


def class_name(part: Instance) -> str:
    """Give the name of a part's class without its module, "" if the class is computed."""
    return "" if part.made_by is None else part.made_by.name.rpartition(".")[2]


def named_parts(node: Node) -> list[tuple[str, Node, Node]]:
    """Give the items of a list of (name, part) or (name, part, columns); other items are left out.

    `steps`, `transformers_`, `transformer_list` and `estimators` of scikit-learn are such lists. Where an
    item has no columns, None stands for them.
    """
    found: list[tuple[str, Node, Node]] = []
    for item in node.items if isinstance(node, ListNode) else ():
        match item:
            case (str(name), part):
                found.append((name, part, None))
            case (str(name), part, columns):
                found.append((name, part, columns))
    return found


def by_name(node: Node) -> dict[str, Node]:
    """Give the entries of a dictionary whose key is a string; none if the node is no dictionary."""
    return node.by_name() if isinstance(node, DictNode) else {}


def positions_of(node: Node) -> list[int]:
    """Give the positions of columns that an array or list holds."""
    return indices_of(values_of(node) or (), COLUMNS_MAX)


def indices_of(values: Sequence[Plain], count: int) -> list[int]:
    """Give the values that are positions in a list of `count` items."""
    return [value for value in values if isinstance(value, int) and 0 <= value < count]


def listed(node: Node) -> list[Node]:
    """Give the items of a list, set or tuple; any other node is a list of itself, None an empty one."""
    if node is None:
        return []
    if isinstance(node, ListNode | SetNode):
        return node.items
    return list(node) if isinstance(node, tuple) else [node]


def width_of(node: Node) -> int | None:
    """Give how many columns a slice of columns holds; None if the node is no slice."""
    match node:
        case Instance(callee=Global(module="builtins", name="slice"), arguments=(int(start), int(stop), _)):
            return max(stop - start, 0)
    return None
