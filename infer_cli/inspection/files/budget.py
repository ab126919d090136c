"""Limits on the work and memory that one file may cost; a real model stays far below them."""

from __future__ import annotations

from typing import NoReturn

from infer_cli.inspection.files.refusal import Refused

# Steps are opcodes. A forest of 1,000 trees has 100,000 steps, a vocabulary of 1,000,000 words 10,000,000.
STEPS_MAX = 60_000_000
NODES_MAX = 16_000_000
STRING_BYTES_MAX = 256 * 1024 * 1024
# The bytes of one array that wait in memory until the file says what they are.
HELD_BYTES_MAX = 256 * 1024 * 1024
# Of one array that is written as a string, of which there are several copies while it is looked at.
HELD_TEXT_MAX = 64 * 1024 * 1024


class Budget:
    """The steps, nodes and bytes left for one file; a method raises `Refused` when none are left."""

    __slots__ = ("_nodes", "_steps", "_string_bytes")

    def __init__(self) -> None:
        self._steps = STEPS_MAX
        self._nodes = NODES_MAX
        self._string_bytes = STRING_BYTES_MAX

    def take_steps(self, count: int) -> None:
        """Spend steps of the pickle machine."""
        self._steps -= count
        if self._steps < 0:
            refuse_size()

    def take_nodes(self, count: int) -> None:
        """Spend nodes, entries of the memo, and items of containers."""
        self._nodes -= count
        if self._nodes < 0:
            refuse_size()

    def take_bytes(self, count: int) -> None:
        """Spend bytes of strings and byte strings that are kept in memory."""
        self._string_bytes -= count
        if self._string_bytes < 0:
            refuse_size()


def refuse_size() -> NoReturn:
    """Refuse a file that spends more than its budget."""
    reason = "holds more small objects than infer reads, as if made to exhaust its memory"
    raise Refused(reason, hint="Save only the fitted model: no training data, no history.")
