"""Lets one of the server's threads work at a time, until that one is held up.

The server starts a thread whenever none waits for the request that it has. Each of them wants the
interpreter, which only one can have, and each change from one to another costs as much as a prediction does.
With dozens of threads a request takes twice the CPU that it takes with one, the slowest ten times as long.

So a thread that has answered while another one is working goes to sleep here. It is woken when the working
one is held up, by a client that sends its body slowly or by long work; not when that one only waits for a
processor, which this one would not get sooner. Where there are hold-ups again and again, nobody sleeps for
some seconds: then the others must not wait until it is noticed. Nobody sleeps either when there is nothing to
do: the threads go back to the server, which ends those that it does not need.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# A thread that has been at one request for one to two of these is held up. Most requests take a hundredth.
TICK_S = 0.005
# So many without a request, and nothing is to do.
QUIET_TICKS = 200
# One that only waits for a processor is given so many; another thread would not get one sooner.
RUNNING_TICKS = 4
# Now and then a thread is held up by the others; in so many of so many ticks, it is the clients' way.
FEW_HOLD_UPS = 5
FEW_TICKS = 100
# For so many, nobody sleeps then.
OPEN_TICKS = 1000
# A body whose length has more digits takes longer to arrive and to work on than it takes to change threads,
# and most of that work lets others run.
SHORT_BODY_DIGITS = 4


class Seat:
    """What is known of one thread of the server; it lives as long as the thread."""

    __slots__ = (
        *("__weakref__", "_state", "bed", "is_busy", "is_held_up"),
        *("requests", "requests_seen", "ticks"),
    )

    def __init__(self) -> None:
        self._state = Path(f"/proc/self/task/{threading.get_native_id()}/stat")
        self.requests = 0
        self.requests_seen = 0
        # For so many it has been at the same request.
        self.ticks = 0
        self.is_busy = False
        self.is_held_up = False
        # Held while the thread is to sleep.
        self.bed = threading.Lock()
        self.bed.acquire()

    def is_running(self) -> bool:
        """Whether the thread has a processor, or waits for nothing else; False where that is not known."""
        # The letter after the name, which may hold anything: proc_pid_stat(5).
        with suppress(OSError):
            return self._state.read_bytes().rpartition(b") ")[2].startswith(b"R")
        return False


class Turns:
    """A WSGI application before another one, for one process with any number of threads."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self._own = threading.local()
        self._lock = threading.Lock()
        # Weak, and held by no one else for longer than a look: the server ends threads without a word.
        self._awake: weakref.WeakSet[Seat] = weakref.WeakSet()
        self._asleep: list[Seat] = []
        # Whether a thread that has answered may go to sleep.
        self._is_crowded = False
        self._is_watched = False
        self._to_watch = threading.Event()
        self._watcher: threading.Thread | None = None
        self._tick = 0
        self._hold_ups: deque[int] = deque(maxlen=FEW_HOLD_UPS)
        self._open_until = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does; the thread may go to sleep once the answer is on its way."""
        try:
            seat = self._own.seat
        except AttributeError:
            seat = self._own.seat = self._new_seat()
        if not self._is_watched:
            self._watch()
        if len(environ.get("CONTENT_LENGTH", "")) > SHORT_BODY_DIGITS:
            self._hold_up(seat)
        seat.requests += 1
        seat.is_busy = True
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
            self._count()
            is_needed = not self._is_crowded or seat not in self._awake
            if not is_needed:
                self._awake.discard(seat)
                self._asleep.append(seat)
                self._count()
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
            self._count()

    def _hold_up(self, seat: Seat) -> None:
        with self._lock:
            self._replace(seat)

    def _count(self) -> None:
        """Find out whether there are too many. The lock is held, here and in all that follow."""
        is_open = self._tick < self._open_until
        self._is_crowded = self._is_watched and not is_open and len(self._awake) > 1

    def _replace(self, seat: Seat) -> None:
        """Wake another thread for one that is held up."""
        seat.is_held_up = True
        self._awake.discard(seat)
        self._wake()

    def _wake(self) -> bool:
        """Wake a thread, if one sleeps."""
        if not self._asleep:
            return False
        seat = self._asleep.pop()
        self._awake.add(seat)
        self._count()
        seat.bed.release()
        return True

    def _wake_all(self) -> None:
        while self._wake():
            pass

    def _watch(self) -> None:
        """Have the threads watched from now on; nobody sleeps until they are."""
        with self._lock:
            # Not sooner: a thread does not survive a fork.
            if self._watcher is None:
                watcher = threading.Thread(target=self._keep_watch, name="turns", daemon=True)
                with suppress(RuntimeError):  # No thread can be had; perhaps for the next request.
                    watcher.start()
                    self._watcher = watcher
            self._is_watched = self._watcher is not None
            self._to_watch.set()

    def _keep_watch(self) -> None:
        quiet = 0
        while True:
            self._to_watch.wait()
            time.sleep(TICK_S)
            quiet = 0 if self._look() else quiet + 1
            if quiet == QUIET_TICKS:
                quiet = 0
                self._rest()

    def _look(self) -> bool:
        """Wake another thread for each that is held up; tell whether there was anything to do."""
        is_active, is_held_up = False, False
        with self._lock:
            self._tick += 1
            for seat in list(self._awake):
                if seat.requests != seat.requests_seen:
                    seat.requests_seen = seat.requests
                    seat.ticks = 0
                    is_active = True
                elif seat.is_busy:
                    seat.ticks += 1
                    is_active = True
                    if seat.ticks >= RUNNING_TICKS or not seat.is_running():
                        self._replace(seat)
                        is_held_up = True
            if is_held_up:
                self._note_hold_up()
            self._count()
        return is_active

    def _note_hold_up(self) -> None:
        """Let nobody sleep for a while if it happened in many ticks; those meanwhile count no more."""
        if self._tick < self._open_until:
            # With many threads at work, each of them is held up by the others.
            return
        self._hold_ups.append(self._tick)
        if len(self._hold_ups) == FEW_HOLD_UPS and self._tick - self._hold_ups[0] <= FEW_TICKS:
            self._hold_ups.clear()
            self._open_until = self._tick + OPEN_TICKS
            self._wake_all()

    def _rest(self) -> None:
        """Let all threads go back to the server, and stop looking until there is a request."""
        with self._lock:
            self._to_watch.clear()
            self._is_watched = False
            self._wake_all()
            self._count()


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
