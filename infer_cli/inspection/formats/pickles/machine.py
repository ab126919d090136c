"""A machine that goes through a pickle as Python's unpickler does, but makes nodes in place of objects.

It imports nothing and calls nothing. It follows the `load_*` methods of CPython's `Lib/pickle.py`, with which
joblib loads, and `Modules/_pickle.c`, with which `pickle.load` does. Where the two unpicklers would do
different things, and where a pickle does what no pickler writes, the machine refuses the file. So the names
that it collects are all names that loading would import.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NoReturn

from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.pickles import opcodes
from infer_cli.inspection.formats.pickles.containers import Containers
from infer_cli.inspection.formats.pickles.objects import Objects
from infer_cli.inspection.formats.pickles.stack import Stack
from infer_cli.inspection.formats.pickles.strings import Strings

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.nodes.node_types import Node

PROTOCOL_MAX = 5
# The number of opcodes between two checks of the height of the stack.
BLOCK_STEPS = 1 << 16


class Machine(Containers):
    """One run over one pickle."""

    def __init__(self, stream: Stream, budget: Budget) -> None:
        super().__init__(stream, budget)
        # The position at which the last announced frame ends. An array of joblib must not lie inside a frame.
        self.frame_end = 0
        self._has_ended = False

    def run(self) -> Node:
        """Go through the pickle to its STOP opcode, and give the node of the object that it describes."""
        while not self._has_ended:
            self._run_block()
            self.check_height()
        return self.result()

    def _run_block(self) -> None:
        byte = self.stream.byte
        for step in range(BLOCK_STEPS):
            code = byte()
            value = _VALUES[code]
            effect = _EFFECTS[code]
            if value is not None:
                self._stack.append(value(self.stream))
            elif effect is not None:
                effect(self)
            elif code == STOP:
                self._has_ended = True
                self._budget.take_steps(step)
                return
            else:
                self.refuse(f"has an unknown opcode {code:#04x}", back=1)
        self._budget.take_steps(BLOCK_STEPS)

    # Opcodes that announce something, and opcodes that no model needs.

    def _protocol(self) -> None:
        protocol = self.stream.byte()
        if protocol > PROTOCOL_MAX:
            self.refuse(f"says that it uses pickle protocol {protocol}, above {PROTOCOL_MAX},")
        self.protocol = protocol

    def _frame(self) -> None:
        size = opcodes.uint8(self.stream)
        if self.stream.position < self.frame_end:
            self.refuse("starts a frame inside another")
        self.frame_end = self.stream.position + size

    def _extension(self) -> None:
        self._refuse_outside("a registered extension code")

    def _persistent(self) -> None:
        self._refuse_outside("a persistent id, as PyTorch's files do,")

    def _buffer(self) -> None:
        self._refuse_outside("an out-of-band buffer")

    def _refuse_outside(self, what: str) -> NoReturn:
        reason = f"refers to an object outside the file, by {what} at byte {self.stream.position - 1}"
        raise Refused(reason, hint="Save a scikit-learn model with joblib.dump(model, 'model.joblib').")

    EFFECTS: ClassVar[dict[bytes, Callable[[Machine], None]]] = {
        **Stack.STACK_EFFECTS,
        **Strings.STRING_EFFECTS,
        **Objects.OBJECT_EFFECTS,
        **Containers.CONTAINER_EFFECTS,
        b"\x80": _protocol,
        b"\x95": _frame,
        b"\x82": _extension,
        b"\x83": _extension,
        b"\x84": _extension,
        b"P": _persistent,
        b"Q": _persistent,
        b"\x97": _buffer,
        b"\x98": _buffer,
    }


STOP = ord(".")
_VALUES = [opcodes.VALUES.get(bytes([code])) for code in range(256)]
_EFFECTS = [Machine.EFFECTS.get(bytes([code])) for code in range(256)]
