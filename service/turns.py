"""Lets one of the server's threads work at a time, until that one is held up.

The server starts a thread for every request that waits. Each of them wants the interpreter, which only one
can have, and each change from one to another costs as much as a prediction does: with dozens of threads a
request takes twice the CPU that it takes with one, and the slowest request ten times as long.

So a thread that has answered while another one is working goes to sleep here. It is woken when the working
one is held up, by a client that sends its body slowly or by long work, and when there is nothing to do: then
it goes back to the server, which ends the threads that it does not need.
"""

from __future__ import annotations

import threading
import time
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A thread that has been at one request for one to two of these is held up. Most requests take a hundredth.
TICK_S = 0.005
# So many without a request, and nothing is to do.
QUIET_TICKS = 200
# A body whose length has more digits takes longer to arrive and to work on than it takes to change threads,
# and most of that work lets others run.
SHORT_BODY_DIGITS = 4


class Seat:
    """What is known of one thread of the server; it lives as long as the thread."""

    __slots__ = ("__weakref__", "bed", "is_busy", "is_held_up", "requests")

    def __init__(self) -> None:
        self.requests = 0
        self.is_busy = False
        self.is_held_up = False
        # Held while the thread is to sleep.
        self.bed = threading.Lock()
        self.bed.acquire()


class Turns:
    """A WSGI application before another one, for one process with any number of threads."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self._own = threading.local()
        self._lock = threading.Lock()
        # Weak: the server ends threads without a word.
        self._awake: weakref.WeakSet[Seat] = weakref.WeakSet()
        self._asleep: list[Seat] = []
        self._is_crowded = False
        self._is_watched = False
        self._to_watch = threading.Event()
        self._watcher: threading.Thread | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does; the thread may go to sleep once the answer is on its way."""
        try:
            seat = self._own.seat
        except AttributeError:
            seat = self._own.seat = self._new_seat()
        seat.requests += 1
        seat.is_busy = True
        if not self._is_watched:
            self._watch()
        if len(environ.get("CONTENT_LENGTH", "")) > SHORT_BODY_DIGITS:
            self._hold_up(seat)
        try:
            answer = self.application(environ, start_response)
        finally:
            seat.is_busy = False
            if seat.is_held_up:
                self._go_on(seat)
        # What is no list may have to be closed by the one who reads it.
        if self._is_crowded and type(answer) is list:
            return _Last(answer, self, seat)
        return answer

    def sleep(self, seat: Seat) -> None:
        """Sleep until there is need of this thread, unless it is the only one."""
        with self._lock:
            # Others may have gone to sleep before, or have been ended.
            is_needed = len(self._awake) <= 1 or seat not in self._awake
            if not is_needed:
                self._awake.discard(seat)
                self._asleep.append(seat)
            self._is_crowded = len(self._awake) > 1
        if not is_needed:
            seat.bed.acquire()

    def _new_seat(self) -> Seat:
        seat = Seat()
        self._go_on(seat)
        return seat

    def _go_on(self, seat: Seat) -> None:
        with self._lock:
            seat.is_held_up = False
            self._awake.add(seat)
            self._is_crowded = len(self._awake) > 1

    def _hold_up(self, seat: Seat) -> None:
        with self._lock:
            self._replace(seat)

    def _replace(self, seat: Seat) -> None:
        """Wake another thread for one that is held up. The lock is held."""
        seat.is_held_up = True
        self._awake.discard(seat)
        self._wake()

    def _wake(self) -> bool:
        """Wake a thread if one sleeps. The lock is held."""
        if not self._asleep:
            return False
        seat = self._asleep.pop()
        self._awake.add(seat)
        self._is_crowded = len(self._awake) > 1
        seat.bed.release()
        return True

    def _watch(self) -> None:
        """Have the threads watched from now on."""
        with self._lock:
            self._is_watched = True
            self._to_watch.set()
            # Not sooner: a thread does not survive a fork.
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._keep_watch, name="turns", daemon=True)
                self._watcher.start()

    def _keep_watch(self) -> None:
        seen: dict[Seat, int] = {}
        quiet = 0
        while True:
            self._to_watch.wait()
            time.sleep(TICK_S)
            before, seen = seen, self._look(seen)
            quiet = quiet + 1 if before == seen and not any(seat.is_busy for seat in seen) else 0
            if quiet == QUIET_TICKS:
                quiet = 0
                seen = {}
                self._rest()

    def _look(self, before: dict[Seat, int]) -> dict[Seat, int]:
        """Wake another thread for each that is held up; how many requests each that is awake has had."""
        with self._lock:
            seen = {seat: seat.requests for seat in self._awake}
            for seat, requests in seen.items():
                if seat.is_busy and before.get(seat) == requests:
                    self._replace(seat)
        return seen

    def _rest(self) -> None:
        """Let all threads go back to the server, and stop looking until there is a request."""
        with self._lock:
            while self._wake():
                pass
            self._to_watch.clear()
            self._is_watched = False


class _Last:
    """The parts of an answer; the thread that closes them goes to sleep."""

    def __init__(self, parts: list[bytes], turns: Turns, seat: Seat) -> None:
        self._parts = parts
        self._turns = turns
        self._seat = seat

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        self._turns.sleep(self._seat)
