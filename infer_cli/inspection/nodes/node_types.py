"""What a pickle describes, as inert values.

Where unpickling would make an object, the machine makes a node that says how: nothing is imported and
nothing is called. Numbers, short texts, short byte strings and tuples stand for themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

Node: TypeAlias = (
    "bool | int | float | str | bytes | tuple[Node, ...] | "
    "Blob | Global | ListNode | SetNode | DictNode | Instance | Array | None"
)


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes (or, if `is_text`, a text) that were passed over because nobody needs them: only their length.

    Of a few, the `start` is kept.
    """

    length: int
    is_text: bool = False
    start: bytes = b""


@dataclass(frozen=True, slots=True, order=True)
class Global:
    """A name that loading the file would import from a module."""

    module: str
    name: str

    def __str__(self) -> str:
        path = f"{self.module}.{self.name}"
        # A file may give names that would do something to a terminal.
        return path if path.isprintable() else ascii(path)[1:-1]


@dataclass(slots=True, eq=False)
class ListNode:
    """A list."""

    items: list[Node]


@dataclass(slots=True, eq=False)
class SetNode:
    """A set or frozen set; its items keep the order of the file, and repetitions."""

    items: list[Node]


@dataclass(slots=True, eq=False)
class DictNode:
    """A dictionary, as keys and values in turn; a later pair overrides an earlier one.

    The pairs are not tuples because there may be a million of them.
    """

    keys_and_values: list[Node]

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Go through the pairs."""
        values = iter(self.keys_and_values)
        return zip(values, values, strict=True)

    def by_name(self) -> dict[str, Node]:
        """Give the entries whose key is a text."""
        return {key: value for key, value in self.pairs() if isinstance(key, str)}


@dataclass(slots=True, eq=False)
class Instance:
    """An object: what would be called, with what, and the states that would then be set.

    `content` is what would then be put into it, as into a list, set or dictionary.
    """

    callee: Global | Instance
    arguments: tuple[Node, ...]
    keywords: DictNode | None = None
    states: tuple[Node, ...] = ()
    content: list[Node] | None = None

    @property
    def made_by(self) -> Global | None:
        """The class, or the function that makes the object; None if that is itself computed."""
        callee: Node = self.callee
        if callee in CONSTRUCTORS and self.arguments:
            callee = self.arguments[0]
        return callee if isinstance(callee, Global) else None

    def put(self, items: list[Node]) -> None:
        """Note what would be put into the object."""
        if self.content is None:
            # Few objects hold others in this way, and there may be a million objects.
            self.content = []
        self.content += items

    def state(self) -> dict[str, Node]:
        """Give the attributes that the object's states would set."""
        attributes: dict[str, Node] = {}
        for state in self.states:
            match state:
                case DictNode():
                    attributes |= state.by_name()
                case (DictNode() | None as named, DictNode() | None as slots):
                    # A class with __slots__ has those beside its other attributes.
                    for part in (named, slots):
                        attributes |= {} if part is None else part.by_name()
        return attributes


@dataclass(slots=True, eq=False)
class Array:
    """A NumPy array whose bytes are kept beside the pickle, not in it."""

    dtype: Node
    shape: tuple[int, ...]
    data: bytes | Blob


# What makes an object of the class given first, for classes that do not say how they are pickled.
CONSTRUCTORS = (
    Global("copyreg", "_reconstructor"),
    Global("copyreg", "__newobj__"),
    Global("copyreg", "__newobj_ex__"),
)


def children_of(node: Node) -> Iterator[Node]:
    """Go through the nodes directly inside one."""
    match node:
        case tuple():
            yield from node
        case ListNode() | SetNode():
            yield from node.items
        case DictNode():
            yield from node.keys_and_values
        case Instance():
            yield from (node.callee, *node.arguments, node.keywords, *node.states)
            yield from node.content or ()
