"""The kinds of nodes: what a model file describes, as inert values.

Where loading the file would make an object, its reader makes a node that says how: nothing is imported and
nothing is called. Numbers, short strings, short byte strings and tuples are their own nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.inspection.nodes.notes import Notes

Node: TypeAlias = (
    "bool | int | float | str | bytes | tuple[Node, ...] | "
    "Blob | Global | ListNode | SetNode | DictNode | Instance | Array | None"
)


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes, or a string if `is_string`, that the reader skipped because no fact needs them.

    `length` counts bytes. `start` holds the first bytes if a fact may need them. `notes` says what was seen
    of the numbers of an array as its bytes passed; `held` are bytes that wait for the call that says of which
    array they are.
    """

    length: int
    is_string: bool = False
    start: bytes = b""
    notes: Notes | None = None
    held: Held | None = None


@dataclass(slots=True, eq=False, repr=False)
class Held:
    """The bytes of a `Blob` until somebody takes them."""

    data: bytes

    def take(self) -> bytes:
        """Give the bytes, and hold them no longer."""
        data, self.data = self.data, b""
        return data


@dataclass(frozen=True, slots=True, order=True)
class Global:
    """A module and a name in it that loading the file would import."""

    module: str
    name: str

    def __str__(self) -> str:
        path = f"{self.module}.{self.name}"
        # A hostile name may hold control characters, which a terminal would obey.
        return path if path.isprintable() else ascii(path)[1:-1]


@dataclass(slots=True, eq=False)
class ListNode:
    """A list."""

    items: list[Node]


@dataclass(slots=True, eq=False)
class SetNode:
    """A set or frozen set, with its items in the order of the file; an item may occur twice."""

    items: list[Node]


@dataclass(slots=True, eq=False)
class DictNode:
    """A dictionary, as a flat list of a key, its value, the next key, and so on.

    The value of a repeated key is the last one. A tuple for each pair would cost memory: a vocabulary may
    have a million entries.
    """

    keys_and_values: list[Node]

    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """Go through the pairs of a key and its value."""
        values = iter(self.keys_and_values)
        return zip(values, values, strict=True)

    def by_name(self) -> dict[str, Node]:
        """Give the entries whose key is a string."""
        return {key: value for key, value in self.pairs() if isinstance(key, str)}


@dataclass(slots=True, eq=False)
class Instance:
    """An object: the callee and arguments that would make it, and the states that it would then be given.

    `content` are the items that would then be put into the object, as into a list, set or dictionary.
    """

    callee: Global | Instance
    arguments: tuple[Node, ...]
    keywords: DictNode | None = None
    states: tuple[Node, ...] = ()
    content: list[Node] | None = None

    @property
    def made_by(self) -> Global | None:
        """The class of the object, or the function that makes it; None if the callee is computed."""
        callee: Node = self.callee
        if callee in CONSTRUCTORS and self.arguments:
            callee = self.arguments[0]
        return callee if isinstance(callee, Global) else None

    def put(self, items: list[Node]) -> None:
        """Add items that would be put into the object."""
        if self.content is None:
            # Few objects hold items, and a file may describe a million objects: no empty list for each.
            self.content = []
        self.content += items

    def state(self) -> dict[str, Node]:
        """Give the attributes that the states of the object would set."""
        attributes: dict[str, Node] = {}
        for state in self.states:
            match state:
                case DictNode():
                    attributes |= state.by_name()
                case (DictNode() | None as named, DictNode() | None as slots):
                    # An object with __slots__ has two dictionaries: its attributes, and its slots.
                    for part in (named, slots):
                        attributes |= {} if part is None else part.by_name()
        return attributes


@dataclass(slots=True, eq=False)
class Array:
    """A NumPy array whose elements stand outside the pickle or schema that describes it."""

    dtype: Node
    shape: tuple[int, ...]
    data: bytes | Blob


# Functions of `copyreg` that make an object of the class that is their first argument.
CONSTRUCTORS = (
    Global("copyreg", "_reconstructor"),
    Global("copyreg", "__newobj__"),
    Global("copyreg", "__newobj_ex__"),
)


def is_special(name: object) -> bool:
    """Say whether a name is a special attribute such as `__class__`, which Python or NumPy looks at."""
    return isinstance(name, str) and name.startswith("__") and name.endswith("__")


def children_of(node: Node) -> Iterator[Node]:
    """Go through the nodes directly inside a node."""
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
