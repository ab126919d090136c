"""The bytes of arrays in a pickle, which are looked at as they pass: `nodes/noters.py` says what for.

The bytes of an array stand in its state, behind its dtype; up to protocol 2 as a string there, of which a
call of `_codecs.encode` makes bytes. In protocol 5 they may stand before the dtype, in a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.files.budget import HELD_BYTES_MAX
from infer_cli.inspection.formats.pickles.stack import Stack
from infer_cli.inspection.nodes.arrays import DTYPE
from infer_cli.inspection.nodes.layouts import layout_of
from infer_cli.inspection.nodes.node_types import Blob, Global, Held, Instance
from infer_cli.inspection.nodes.noters import noter_for

if TYPE_CHECKING:
    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.nodes.node_types import Node
    from infer_cli.inspection.nodes.noters import Pieces
    from infer_cli.inspection.nodes.notes import Layout

ENCODE = Global("_codecs", "encode")
FROM_BUFFER = "_frombuffer"


class ArrayBytes(Stack):
    """A stack that knows of which array the next bytes are."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        super().__init__(stream, budget)
        # By the ids of dtypes, which their nodes keep valid.
        self._layouts: dict[int, tuple[Instance, Layout | None]] = {}
        self._held: Held | None = None

    def noter_of(self, dtype: Node, length: int) -> Pieces | None:
        """Give what notes so many bytes of an array with this dtype, if a check may ask for it."""
        return noter_for(self._layout_of(dtype), length)

    def _layout_of(self, dtype: Node) -> Layout | None:
        if not isinstance(dtype, Instance) or dtype.callee != DTYPE:
            return None
        if id(dtype) not in self._layouts:
            self._layouts[id(dtype)] = (dtype, layout_of(dtype))
        return self._layouts[id(dtype)][1]

    def check_unused(self, dtype: Instance) -> None:
        """Refuse a dtype that gets its state after the bytes of an array were read by it."""
        if id(dtype) in self._layouts:
            self.refuse("changes the data type of an array")

    def dtype_before(self) -> Node:
        """Give the dtype of the array whose bytes are next; None if there is none."""
        return _dtype_of_state(self._stack)

    def dtype_before_text(self) -> Node:
        """Give the dtype of the array whose bytes are next as a string, if a check may ask for these."""
        # The arguments of a call are a level of their own up to protocol 1.
        before = self._stack or (self._levels[-1] if self._levels else [])
        dtype = _dtype_of_state(before[-4:-1]) if before and before[-1] == ENCODE else None
        return None if self._layout_of(dtype) is None else dtype

    def hold(self, length: int) -> Blob | None:
        """Read the bytes of an array whose dtype follows; None if the next bytes are no such."""
        before = self._stack or (self._levels[-1] if self._levels else [])
        is_argument = bool(before) and isinstance(before[-1], Global) and before[-1].name == FROM_BUFFER
        is_free = self._held is None or not self._held.data
        if not is_argument or not is_free or length > HELD_BYTES_MAX:
            return None
        self._held = Held(self.stream.read(length))
        return Blob(length, held=self._held)

    def noted(self, arguments: tuple[Node, ...]) -> tuple[Node, ...]:
        """Give the arguments of a call that makes an array with notes in place of the bytes that are held."""
        match arguments:
            case (Blob(length=length, held=Held() as held), dtype, *more):
                noter = self.noter_of(dtype, length)
                if noter is None:
                    held.take()
                    return (Blob(length), dtype, *more)
                if not held.data:
                    self.refuse("makes two arrays of the same bytes")
                noter.take(held.take())
                return (Blob(length, notes=noter.notes()), dtype, *more)
        return arguments


def _dtype_of_state(items: list[Node]) -> Node:
    """Give the dtype in the state of an array, of which all but the bytes is there: NumPy's own order."""
    match items[-3:]:
        case [tuple(), Instance() as dtype, bool()]:
            return dtype
    return None
