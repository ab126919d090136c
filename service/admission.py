"""Admission: how many bodies a worker receives at once, and how many predictions it makes at once.

A body is received first, and only a request that is there as a whole takes a slot for its prediction. So
clients that send slowly take no slot from others. Who finds no place is refused at once, unless places come
free at that very time.
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
# wait and not fail.
MOST_PREDICTIONS_AT_ONCE = 128
MOST_BODIES_AT_ONCE = 64
# How many requests wait for a place, each in a thread of the server; any further one is refused at once.
MOST_WAITING = 8
# A fast model frees a slot within milliseconds. Where none came free for so long, nobody waits.
LONGEST_WAIT_S = 0.1
# A body that has not come within this time must come at a least rate: see `service.workers.guard`. The second
# time counts while places for bodies are short.
BODY_GRACE_S = 5.0
SHORT_BODY_GRACE_S = 2.0
BETWEEN_LOOKS_S = 0.005


class Places:
    """A number of places. Taking one or giving it back is one step of the interpreter: no lock."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = deque(range(count))
        self._waiting = deque(range(MOST_WAITING))
        # 1 for each place that is taken. Only the holder of a place writes to its byte.
        self.taken: bytearray | memoryview = bytearray(count)
        # Since when each place is taken, and when one was given back last, in ns of the monotonic clock.
        self.since = [0] * count
        self._given_back = 0

    def take(self) -> int | None:
        """Take a place if one is free, and give its number; `give_back` must follow."""
        try:
            place = self._free.pop()
        except IndexError:
            return None
        self.since[place] = time.monotonic_ns()
        self.taken[place] = 1
        return place

    def give_back(self, place: int) -> None:
        """Free a place."""
        self.taken[place] = 0
        self._given_back = time.monotonic_ns()
        self._free.append(place)

    def held_since(self) -> list[int]:
        """Give since when each place that is taken is held, in ns of the monotonic clock."""
        return [since for since, taken in zip(self.since, self.taken) if taken]

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold a place; raise `Busy` if none is free, and none comes free while it may wait."""
        place = self.take()
        if place is None:
            place = self._wait()
        try:
            yield
        finally:
            self.give_back(place)

    def _wait(self) -> int:
        now = time.monotonic_ns()
        longest_ns = int(LONGEST_WAIT_S * 1e9)
        if now - self._given_back > longest_ns:
            raise Busy
        try:
            seat = self._waiting.pop()
        except IndexError:
            raise Busy from None
        try:
            while (place := self.take()) is None:
                if time.monotonic_ns() - now >= longest_ns:
                    raise Busy
                time.sleep(BETWEEN_LOOKS_S)
        finally:
            self._waiting.append(seat)
        return place


class Admission:
    """The places of one worker: for bodies, and for predictions."""

    def __init__(
        self, predictions: int = MOST_PREDICTIONS_AT_ONCE, bodies: int = MOST_BODIES_AT_ONCE
    ) -> None:
        self.predictions = Places(predictions)
        self.bodies = Places(bodies)
