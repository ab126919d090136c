"""What a file may cost before it is refused: real models stay far below, files made to exhaust do not."""

from __future__ import annotations

from typing import NoReturn

from infer_cli.inspection.files.refusal import Refused

# A model of a thousand trees has a hundred thousand steps; a vocabulary of a million words has ten million.
STEPS_MAX = 60_000_000
NODES_MAX = 16_000_000
TEXT_BYTES_MAX = 256 * 1024 * 1024


class Budget:
    """What is left to spend on one file."""

    __slots__ = ("_nodes", "_steps", "_text_bytes")

    def __init__(self) -> None:
        self._steps = STEPS_MAX
        self._nodes = NODES_MAX
        self._text_bytes = TEXT_BYTES_MAX

    def take_steps(self, count: int) -> None:
        """Spend steps."""
        self._steps -= count
        if self._steps < 0:
            refuse_size()

    def take_nodes(self, count: int) -> None:
        """Spend nodes, and places in the memo and in containers."""
        self._nodes -= count
        if self._nodes < 0:
            refuse_size()

    def take_text(self, length: int) -> None:
        """Spend bytes of texts and byte strings that are kept."""
        self._text_bytes -= length
        if self._text_bytes < 0:
            refuse_size()


def refuse_size() -> NoReturn:
    """Refuse a file that is too much to look at."""
    reason = "holds more small objects than infer looks at, or is made to exhaust who reads it"
    raise Refused(reason, hint="Save only the fitted model: no training data, no history.")
