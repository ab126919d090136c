"""Admission: how many bodies a worker receives and how many predictions it makes at once, in what memory.

A body is received first, and only a request that is there as a whole takes a slot for its prediction. So
clients that send slowly take no slot from others. Who finds no place is refused at once, unless places come
free at that very time.
"""

from __future__ import annotations

import ctypes
import re
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from service.errors import BodyTooLarge, Busy, TooManyRows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

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


# What a request takes in memory, at most, for each byte of its body and for each number of its answer:
# measured with all wire formats, on narrow tables of numbers and of texts. A line of JSON Lines takes most.
BYTES_FOR_A_BODY_BYTE = 45
BYTES_FOR_A_LINES_BYTE = 110
BYTES_FOR_A_NUMBER = 150
# What each worker takes by itself, and the process that watches them; the kernel takes some, too.
PROCESS_BYTES = 24 * 2**20
USABLE = 0.95
# Of glibc's malloc.h.
_M_ARENA_MAX = -8
_OWN = re.compile(r"^(?:RssAnon|RssShmem):\s+(\d+) kB", re.MULTILINE)
# Of the memory for requests, short ones have a fourth, without being counted one by one.
_SHARE_OF_SHORT = 0.25
SHORTEST_LIMIT = 8192


class Memory:
    """The bytes of memory that the requests of one worker may take; None where nothing limits them.

    A request is counted in the block of `held`, in the thread that answers it: its body while it comes, then
    what is made of it. What others have taken is refused at once, by `Busy`.
    """

    def __init__(self, total: int | None = None) -> None:
        self.total = total
        short = int((total or 0) * _SHARE_OF_SHORT)
        self._left = self._most = (total or 0) - short
        self._short_bytes = max(SHORTEST_LIMIT, short // (BYTES_FOR_A_BODY_BYTE * MOST_PREDICTIONS_AT_ONCE))
        self._lock = threading.Lock()
        self._of_thread = threading.local()

    @classmethod
    def beside_the_model(cls, limit: int | None, workers: int) -> Memory:
        """Give what a worker's requests may take in a process that has loaded its model.

        `limit` is in bytes, for all processes together; None for no limit. The workers share the memory of
        this process.
        """
        if limit is None:
            return cls()
        _share_arenas()
        taken = _own_bytes() + PROCESS_BYTES * (workers + 1)
        return cls(max(0, int(limit * USABLE) - taken) // workers)

    def most_body_bytes(self, wanted: int) -> int:
        """Give how long a body may be, at most `wanted` bytes."""
        if self.total is None:
            return wanted
        return min(wanted, max(self._short_bytes, self._most // BYTES_FOR_A_BODY_BYTE))

    def is_short(self, body_bytes: int) -> bool:
        """Tell whether a body need not be counted."""
        return self.total is None or body_bytes <= self._short_bytes

    @contextmanager
    def held(self) -> Iterator[None]:
        """Give back at the end of the block what this thread takes in it."""
        self._of_thread.taken = 0
        try:
            yield
        finally:
            taken: int = self._of_thread.taken
            del self._of_thread.taken
            if taken:
                give_back_memory()
                with self._lock:
                    self._left += taken

    def take_body(self, body_bytes: int, *, is_lines: bool = False, is_there: bool = True) -> None:
        """Take the memory for a body that comes, or once it `is_there`, for what is made of it.

        JSON Lines (`is_lines`) for which all the memory is too little raise `BodyTooLarge`.
        """
        if self.is_short(body_bytes):
            return
        each = BYTES_FOR_A_LINES_BYTE if is_lines else BYTES_FOR_A_BODY_BYTE
        if is_lines and body_bytes * each > self._most:
            raise BodyTooLarge(self._most // each)
        self._take_in_all(body_bytes * each if is_there else body_bytes)

    def take_answer(self, numbers: int, rows: int) -> None:
        """Take the memory for an answer with that many numbers for each row; it may raise `TooManyRows`."""
        taken: int = getattr(self._of_thread, "taken", 0)
        if self.total is None or not taken:
            return
        each = BYTES_FOR_A_NUMBER * max(1, numbers)
        if rows * each > self._most:
            most = self._most // each
            raise TooManyRows(most, f"more than the {most} rows for whose answers the service has memory")
        self._take_in_all(taken + rows * each)

    def _take_in_all(self, needed: int) -> None:
        more = min(needed, self._most) - self._of_thread.taken
        if more <= 0:
            return
        with self._lock:
            if more > self._left:
                raise Busy("requests take all the memory of this worker")
            self._left -= more
        self._of_thread.taken += more


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
    def held(self, at_look: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold a place; raise `Busy` if none is free, and none comes free while it may wait.

        While it waits, `at_look` is called again and again, and may raise an error of its own.
        """
        place = self.take()
        if place is None:
            place = self._wait(at_look)
        try:
            yield
        finally:
            self.give_back(place)

    def _wait(self, at_look: Callable[[], None] | None) -> int:
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
                if at_look is not None:
                    at_look()
                if time.monotonic_ns() - now >= longest_ns:
                    raise Busy
                time.sleep(BETWEEN_LOOKS_S)
        finally:
            self._waiting.append(seat)
        return place


class Admission:
    """The places of one worker, for bodies and for predictions, and its memory for requests."""

    def __init__(
        self,
        predictions: int = MOST_PREDICTIONS_AT_ONCE,
        bodies: int = MOST_BODIES_AT_ONCE,
        memory: Memory | None = None,
    ) -> None:
        self.memory = memory or Memory()
        self.predictions = Places(predictions)
        self.bodies = Places(bodies)


def give_back_memory() -> None:
    """Give memory that is not used any more back to the system, which glibc would keep for later."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _share_arenas() -> None:
    """Let all threads take memory from the same two places: glibc would keep some of it in one for each."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def _own_bytes() -> int:
    """Give the memory of this process that no file backs; 0 on systems that do not tell."""
    with suppress(OSError):
        return 1024 * sum(map(int, _OWN.findall(Path("/proc/self/status").read_text(encoding="utf-8"))))
    return 0
