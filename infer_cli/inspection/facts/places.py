"""Where in a model the refused names are, as expressions of Python; and a part that has none of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.members import in_python
from infer_cli.inspection.facts.wrappers import Wrapper, wrapper_of
from infer_cli.inspection.nodes.node_types import (
    DictNode,
    Global,
    Instance,
    ListNode,
    Node,
    SetNode,
    children_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.inspection.facts.features import Json
    from infer_cli.inspection.facts.members import Member

# How many objects are looked through; a file whose names are refused need not be known to its end.
NODES_MAX = 2_000_000
# The name of the object that a file holds, in the lines of Python that an error shows.
ROOT = "model"
# Attributes with what a search or another wrapper predicts with, and nothing else.
PREDICTS_WITH = ("best_estimator_", "fitted_pipeline_")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where in a file its refused names are, in expressions of Python that call what the file holds `model`.

    `member` is the model in a file of several objects, None in any other. `part` is what a wrapper predicts
    with, if none of the names is in it. `places` holds the outermost place of each name.
    """

    member: str | None = None
    part: str | None = None
    wrapper: Wrapper | None = None
    places: tuple[tuple[Global, str], ...] = ()

    def as_dict(self) -> dict[str, Json]:
        """Give the whereabouts as JSON values."""
        places: dict[str, Json] = {str(name): place for name, place in self.places}
        wrapper = None if self.wrapper is None else self.wrapper.as_dict()
        return {"member": self.member, "part": self.part, "wrapper": wrapper, "places": places}


NO_WHEREABOUTS = Whereabouts()


def whereabouts_of(content: Node, member: Member, names: frozenset[Global]) -> Whereabouts:
    """Tell where in the content of a file these names are, which are refused."""
    return Whereabouts(
        member=f"{ROOT}{member.expression}" if member.expression else None,
        part=_part_without(content, names) if names else None,
        wrapper=wrapper_of(content) if names else None,
        places=tuple(sorted(_places_of(content, names).items())) if names else (),
    )


@dataclass(frozen=True, slots=True)
class _Step:
    """How a node is reached: from which step, and by what in Python; "" where Python has no expression."""

    node: Node
    before: _Step | None = None
    access: str = ""

    def expression(self) -> str:
        """Give the expression of the innermost object that Python can reach."""
        parts: list[str] = []
        step: _Step | None = self
        while step is not None:
            parts.append(step.access)
            step = step.before
        return ROOT + "".join(reversed(parts))


def _places_of(content: Node, names: frozenset[Global]) -> dict[Global, str]:
    """Give for each name the place nearest to the outside where an object of it lies, or the name itself."""
    found: dict[Global, str] = {}
    waiting = [_Step(content)]
    seen: set[int] = set()
    while waiting and len(seen) < NODES_MAX and len(found) < len(names):
        following: list[_Step] = []
        for step in waiting:
            node = step.node
            name = node if isinstance(node, Global) else node.made_by if isinstance(node, Instance) else None
            for one in (name, node.callee if isinstance(node, Instance) else None):
                if isinstance(one, Global) and one in names:
                    found.setdefault(one, step.expression())
            if isinstance(node, tuple | ListNode | SetNode | DictNode | Instance) and id(node) not in seen:
                seen.add(id(node))
                following += [_Step(child, step, access) for child, access in _children(node)]
        waiting = following
    return found


def _part_without(content: Node, names: frozenset[Global]) -> str | None:
    """Give the attribute of a wrapper that predicts alone and holds none of the names."""
    if not isinstance(content, Instance):
        return None
    state = content.state()
    if state.get("_imputed"):
        # TPOT fills missing values before its pipeline gets the rows.
        return None
    for attribute in PREDICTS_WITH:
        part = state.get(attribute)
        if isinstance(part, Instance) and not _holds(part, names):
            return f"{ROOT}.{attribute}"
    return None


def _holds(part: Node, names: frozenset[Global]) -> bool:
    waiting, seen = [part], {id(part)}
    while waiting:
        for child in children_of(waiting.pop()):
            if isinstance(child, Global) and child in names:
                return True
            if isinstance(child, tuple | ListNode | SetNode | DictNode | Instance) and id(child) not in seen:
                seen.add(id(child))
                waiting.append(child)
        if len(seen) > NODES_MAX:
            return True
    return False


def _children(node: Node) -> Iterator[tuple[Node, str]]:
    """Go through the nodes in a node, each with how Python reaches it; "" where it does not."""
    match node:
        case Instance():
            attributes = node.state()
            yield from ((value, f".{key}") for key, value in attributes.items() if key.isidentifier())
            content = iter(node.content or [])
            yield from ((child, "") for child in (*node.arguments, *content))
            yield from ((state, "") for state in node.states if not attributes)
        case DictNode():
            yield from ((value, _item(key)) for key, value in node.pairs())
        case ListNode() | tuple():
            items = node.items if isinstance(node, ListNode) else node
            yield from ((item, f"[{at}]") for at, item in enumerate(items))
        case SetNode():
            yield from ((item, "") for item in node.items)


def _item(key: Node) -> str:
    return f"[{in_python(key)}]" if isinstance(key, str | int) else ""
