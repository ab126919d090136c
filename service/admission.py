"""How many predictions may be on their way in a worker: their bodies being read, or waiting for the model."""

from __future__ import annotations

import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from service.errors import Busy

if TYPE_CHECKING:
    from collections.abc import Iterator

# It is more than the connections that clients and proxies usually keep open, so that a slow model makes them
# wait and not fail.
# The server has a few threads more, so that however slow model or clients are, health checks are answered.
MOST_PREDICTIONS_AT_ONCE = 128
# A place comes free at once if the model is quick; a model so slow that none does is given no more work.
LONGEST_WAIT_S = 0.1
BETWEEN_LOOKS_S = 0.005


class Places:
    """The places of one worker. To take one, or give it back, is one step of the interpreter: no lock."""

    def __init__(self, count: int = MOST_PREDICTIONS_AT_ONCE) -> None:
        self._free = deque(range(count))
        # One for each place that is taken, for others to see. Only who holds a place writes to its.
        self.taken: bytearray | memoryview = bytearray(count)

    def take(self) -> int | None:
        """Take a place if one is free; `give_back` must follow."""
        try:
            place = self._free.pop()
        except IndexError:
            return None
        self.taken[place] = 1
        return place

    def give_back(self, place: int) -> None:
        """Leave a place."""
        self.taken[place] = 0
        self._free.append(place)

    @contextmanager
    def waited_for(self) -> Iterator[None]:
        """Hold a place; raise `Busy` if none comes free in time."""
        end = time.monotonic() + LONGEST_WAIT_S
        while (place := self.take()) is None:
            if time.monotonic() >= end:
                raise Busy
            time.sleep(BETWEEN_LOOKS_S)
        try:
            yield
        finally:
            self.give_back(place)
