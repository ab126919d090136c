"""Admission: how many predictions may be in progress in a worker at once.

A prediction is in progress from the moment that its body is read until it is answered.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

# More than the connections that clients and proxies usually keep open, so that a slow model makes clients
# wait and not fail. The server has a few threads more: it answers health checks while all slots are taken.
MOST_PREDICTIONS_AT_ONCE = 128
# A fast model frees a slot within milliseconds. A model so slow that it frees none gets no more work.
LONGEST_WAIT_S = 0.1
BETWEEN_LOOKS_S = 0.005


class Admission:
    """The slots of one worker. Taking a slot or giving it back is one step of the interpreter: no lock."""

    def __init__(self, count: int = MOST_PREDICTIONS_AT_ONCE) -> None:
        self._free = deque(range(count))
        # 1 for each slot that is taken, for /metrics. Only the holder of a slot writes to its byte.
        self.taken: bytearray | memoryview = bytearray(count)

    def take(self) -> int | None:
        """Take a slot if one is free, and give its number; `give_back` must follow."""
        try:
            slot = self._free.pop()
        except IndexError:
            return None
        self.taken[slot] = 1
        return slot

    def give_back(self, slot: int) -> None:
        """Free a slot."""
        self.taken[slot] = 0
        self._free.append(slot)

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Hold a slot; raise `Busy` if none comes free within `LONGEST_WAIT_S`."""
        deadline = time.monotonic() + LONGEST_WAIT_S
        while (slot := self.take()) is None:
            if time.monotonic() >= deadline:
                raise Busy
            time.sleep(BETWEEN_LOOKS_S)
        try:
            yield
        finally:
            self.give_back(slot)
