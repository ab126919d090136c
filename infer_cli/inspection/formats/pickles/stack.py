"""The stack of an unpickler with its marks, and its memo."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from infer_cli.inspection.files.budget import refuse_size
from infer_cli.inspection.files.refusal import DAMAGED, Refused
from infer_cli.inspection.formats.pickles import opcodes

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.nodes.node_types import DictNode, Instance, ListNode, Node, SetNode

# How many values and how many marks may stand on the stack at once.
STACK_MAX = 4_000_000
DEPTH_MAX = 100_000
# How far a memo index may lie beyond the end of the memo. Picklers write the indices in order.
MEMO_GAP_MAX = 1000


class _Missing:
    """Stands in the memo at an index that holds no value."""


_MISSING = _Missing()


class Stack:
    """The values of a pickle, in levels: a mark starts a level, an opcode that uses the mark takes the level.

    So no opcode can take a value from below a mark. CPython refuses that as well. Every method raises
    `Refused` where the pickle asks for a value or mark that is not there.
    """

    def __init__(self, stream: Stream, budget: Budget) -> None:
        self.stream = stream
        self._budget = budget
        self._stack: list[Node] = []
        self._levels: list[list[Node]] = []
        self._memo: list[Node | _Missing] = []
        self._memo_count = 0

    def check_height(self) -> None:
        """Refuse a stack of more than `STACK_MAX` values."""
        if len(self._stack) + sum(map(len, self._levels)) > STACK_MAX:
            refuse_size()

    def result(self) -> Node:
        """Take the one value that must be left at the end."""
        if self._levels or len(self._stack) != 1:
            self.refuse("ends with values left over", back=1)
        return self._stack.pop()

    def refuse(self, reason: str, *, back: int = 0) -> NoReturn:
        """Refuse the file; the reason is told with the current position, less `back` bytes."""
        reason = f"{reason} at byte {self.stream.position - back}"
        raise Refused(reason, hint=DAMAGED)

    def pop(self) -> Node:
        """Take the last value."""
        if not self._stack:
            self.refuse("takes a value from an empty stack")
        return self._stack.pop()

    def top(self) -> Node:
        """Give the last value, and leave it on the stack."""
        if not self._stack:
            self.refuse("uses a value of an empty stack")
        return self._stack[-1]

    def pop_level(self) -> list[Node]:
        """Take all values since the last mark, and the mark."""
        if not self._levels:
            self.refuse("uses a mark that was not set")
        items = self._stack
        self._stack = self._levels.pop()
        self._budget.take_nodes(len(items))
        return items

    def mark(self) -> None:
        """Start a level."""
        if len(self._levels) == DEPTH_MAX:
            refuse_size()
        self._levels.append(self._stack)
        self._stack = []

    def drop(self) -> None:
        """Drop the last value; if a mark is last, drop the mark."""
        if self._stack:
            self._stack.pop()
        else:
            self.drop_level()

    def drop_level(self) -> None:
        """Drop all values since the last mark, and the mark."""
        self.pop_level()

    def duplicate(self) -> None:
        """Push the last value once more."""
        self._stack.append(self.top())

    def _push_new(self, container: ListNode | SetNode | DictNode | Instance) -> None:
        self._budget.take_nodes(1)
        self._stack.append(container)

    def put(self, index: int) -> None:
        """Store the last value in the memo at this index."""
        value = self.top()
        memo = self._memo
        if index == len(memo):
            # Nearly every put is this one: it must be quick.
            self._budget.take_nodes(1)
            self._memo_count += 1
            memo.append(value)
            return
        if index > len(memo) + MEMO_GAP_MAX:
            self.refuse(f"puts a value at memo index {index}, far beyond the end of the memo,")
        while len(memo) <= index:
            self._budget.take_nodes(1)
            memo.append(_MISSING)
        if memo[index] is _MISSING:
            self._memo_count += 1
        memo[index] = value

    def memoize(self) -> None:
        """Store the last value in the memo at the next index."""
        self.put(self._memo_count)

    def get(self, index: int) -> None:
        """Push the value at this index of the memo."""
        value = self._memo[index] if index < len(self._memo) else _MISSING
        if isinstance(value, _Missing):
            self.refuse(f"gets memo index {index}, which was not put,")
        self._stack.append(value)

    STACK_EFFECTS: ClassVar[dict[bytes, Callable[[Stack], None]]] = {
        b"(": mark,
        b"0": drop,
        b"1": drop_level,
        b"2": duplicate,
        b"p": lambda self: self.put(opcodes.index_line(self.stream)),
        b"q": lambda self: self.put(self.stream.byte()),
        b"r": lambda self: self.put(opcodes.uint4(self.stream)),
        b"\x94": memoize,
        b"g": lambda self: self.get(opcodes.index_line(self.stream)),
        b"h": lambda self: self.get(self.stream.byte()),
        b"j": lambda self: self.get(opcodes.uint4(self.stream)),
    }
