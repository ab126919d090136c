"""The tuples, lists, sets and dictionaries of a pickle, and the items that are put into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from infer_cli.inspection.formats.pickles.objects import Objects
from infer_cli.inspection.nodes.node_types import DictNode, Instance, ListNode, Node, SetNode, is_special

if TYPE_CHECKING:
    from collections.abc import Callable


class Containers(Objects):
    """A stack with the opcodes that make containers, and that put items into containers and objects."""

    def _tuple(self, size: int) -> None:
        if len(self._stack) < size:
            self.refuse("takes a value from an empty stack")
        self._stack[-size:] = [tuple(self._stack[-size:])]

    def _tuple_of_level(self) -> None:
        items = tuple(self.pop_level())
        self._stack.append(items)

    def _list(self) -> None:
        items = self.pop_level()
        self._push_new(ListNode(items))

    def _frozen_set(self) -> None:
        items = self.pop_level()
        made = SetNode(items)
        self.costs.check_keys(made, items)
        self._push_new(made)

    def _dict(self) -> None:
        items = self.pop_level()
        self._push_new(DictNode([]))
        self._update(items)

    def _append(self) -> None:
        self._budget.take_nodes(1)
        self._extend([self.pop()])

    def _append_level(self) -> None:
        self._extend(self.pop_level())

    def _extend(self, items: list[Node]) -> None:
        match self.top():
            case ListNode() as container:
                container.items += items
            case Instance() as container:
                self._put(container, items)
            case _:
                self.refuse("appends to a value that is no list")

    def _add_level(self) -> None:
        items = self.pop_level()
        self.costs.check_keys(self.top(), items)
        match self.top():
            case SetNode() as container:
                container.items += items
            case Instance() as container:
                self._put(container, items)
            case _:
                self.refuse("adds to a value that is no set")

    def _put(self, container: Instance, items: list[Node]) -> None:
        if container.made_by is not None:
            # Items get into an object by a call of its append, extend or add method.
            self.calls.add(container.made_by)
        container.put(items)

    def _set_item(self) -> None:
        value = self.pop()
        self._budget.take_nodes(2)
        self._update([self.pop(), value])

    def _set_level(self) -> None:
        self._update(self.pop_level())

    def _update(self, keys_and_values: list[Node]) -> None:
        if len(keys_and_values) % 2:
            self.refuse("has a dictionary key without a value")
        self.costs.check_keys(self.top(), keys_and_values[::2])
        match self.top():
            case DictNode() as container:
                container.keys_and_values += keys_and_values
            case Instance() as container:
                if any(map(is_special, keys_and_values[::2])):
                    # Some classes, such as scikit-learn's Bunch, show their items as attributes.
                    self.refuse("sets a special attribute of an object")
                container.put(keys_and_values)
            case _:
                self.refuse("sets an item of a value that is no dictionary")

    CONTAINER_EFFECTS: ClassVar[dict[bytes, Callable[[Containers], None]]] = {
        b"\x85": lambda self: self._tuple(1),
        b"\x86": lambda self: self._tuple(2),
        b"\x87": lambda self: self._tuple(3),
        b"t": _tuple_of_level,
        b"]": lambda self: self._push_new(ListNode([])),
        b"l": _list,
        b"\x8f": lambda self: self._push_new(SetNode([])),
        b"\x91": _frozen_set,
        b"}": lambda self: self._push_new(DictNode([])),
        b"d": _dict,
        b"a": _append,
        b"e": _append_level,
        b"\x90": _add_level,
        b"s": _set_item,
        b"u": _set_level,
    }
