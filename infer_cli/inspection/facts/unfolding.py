"""Whether a model is about as large where it is walked as it is in the file.

The service asks the same of a model that it has loaded, with code of its own: `service/loading/unfolding.py`,
which says why.
"""

from __future__ import annotations

from typing import NoReturn

from infer_cli.inspection.facts.calls import HINT
from infer_cli.inspection.facts.parameters import check_parameters
from infer_cli.inspection.facts.policy import use_of
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.node_types import (
    DictNode,
    Global,
    Instance,
    ListNode,
    Node,
    SetNode,
    children_of,
)

UNFOLDED_TIMES = 20
MORE_OBJECTS = 50_000
MORE_VALUES = 20_000_000
# An object counts as three parts here: itself, its state, and perhaps the tuple of that.
DEPTH_MAX = 3 * 500
GETATTR = Global("builtins", "getattr")
LINKED = frozenset(
    (Global("sklearn.cluster._birch", "_CFNode"), Global("sklearn.cluster._birch", "_CFSubcluster"))
)
# What a part asks of its callers. From scikit-learn 1.9 on it knows the part, which knows it.
REQUESTS = frozenset(
    Global("sklearn.utils._metadata_requests", name) for name in ("MetadataRequest", "MethodMetadataRequest")
)
# No larger size needs to be told apart, and such numbers could grow without end.
_SIZE_MAX = 10**15
_HOLDERS = (tuple, ListNode, SetNode, DictNode, Instance)


def check_unfolded(content: Node) -> None:
    """Raise `Refused` for what takes far longer to be walked than to be read, or has no end."""
    if not isinstance(content, _HOLDERS):
        return
    # By the id of each node: how many nodes and plain values it unfolds to, and how deep it is.
    found: dict[int, tuple[int, int, int]] = {}
    all_values = 0
    # The content, and the owners of requests: nothing walks from a request to its owner, so that each is a
    # walk of its own.
    owners: list[Node] = [content]
    while owners:
        owner = owners.pop()
        all_values += _walk(owner, found, owners)
        objects, values, _ = found[id(owner)]
        if (
            objects > UNFOLDED_TIMES * len(found) + MORE_OBJECTS
            or values > UNFOLDED_TIMES * all_values + MORE_VALUES
        ):
            _refuse("uses its parts again and again, as if made to exhaust memory and time")


def _walk(content: Node, found: dict[int, tuple[int, int, int]], owners: list[Node]) -> int:
    """Go through what is not found yet; give how many plain values that holds, and add owners of requests."""
    being_walked: set[int] = set()
    all_values = 0
    waiting: list[tuple[Node, int, list[Node] | None]] = [(content, 0, None)]
    while waiting:
        node, values, inside = waiting.pop()
        if inside is not None:
            being_walked.remove(id(node))
            found[id(node)] = _together(values, [found[id(one)] for one in inside])
        elif id(node) not in found:
            if id(node) in being_walked:
                _refuse("has a part that holds itself")
            being_walked.add(id(node))
            inside, values = _inside(node, owners)
            all_values += values
            waiting.append((node, values, inside))
            waiting += [(one, 0, None) for one in inside if id(one) not in found]
    return all_values


def _together(values: int, inside: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    depth = 1 + max((one[2] for one in inside), default=0)
    if depth > DEPTH_MAX:
        _refuse("has parts within parts, deeper than any model's")
    objects = min(_SIZE_MAX, 1 + sum(one[0] for one in inside))
    return objects, min(_SIZE_MAX, values + sum(one[1] for one in inside)), depth


def _inside(node: Node, owners: list[Node]) -> tuple[list[Node], int]:
    """Give the nodes inside a node that hold others, and the number of plain values beside them."""
    if isinstance(node, Instance) and _is_linked(node):
        return [], 0
    if isinstance(node, Instance) and node.states:
        check_parameters(str(node.made_by), node.state())
    parts = list(children_of(node))
    if isinstance(node, Instance) and node.made_by in REQUESTS:
        held = node.state()
        owner = held.pop("owner", None)
        owners += [owner] if isinstance(owner, _HOLDERS) and not _is_plain(owner) else []
        parts = [*held.values(), *node.arguments]
    inside: list[Node] = [part for part in parts if isinstance(part, _HOLDERS) and not _is_plain(part)]
    return inside, len(parts) - len(inside)


def _is_linked(node: Instance) -> bool:
    """Say whether an object may hold itself: one that knows its neighbours, or of the user's own code."""
    made_by = node.made_by
    return made_by is not None and (made_by in LINKED or use_of(made_by) is None)


def _is_plain(node: Node) -> bool:
    is_scalar = (
        isinstance(node, Instance) and isinstance(node.callee, Global) and node.callee.name == "scalar"
    )
    # A method that lies in an object may be of that object.
    return node == () or is_scalar or (isinstance(node, Instance) and node.callee == GETATTR)


def _refuse(reason: str) -> NoReturn:
    raise Refused(reason, hint=HINT)
