"""Parks threads of the server, so that one thread works at a time until that thread stalls.

The server starts a thread whenever a request comes and no thread is free. Only one thread at a time can hold
the interpreter lock, and each change from one thread to another costs as much CPU time as a prediction. With
dozens of threads a request takes twice the CPU time that it takes with one thread, and the slowest requests
take ten times as long.

So a thread that has answered while another thread is active is parked: it blocks on its wake lock. A watcher
looks at the active threads every 5 ms (one tick). It unparks one thread for each active thread that stalls,
because a client sends its body slowly or because the work is long. A thread that waits for nothing but a CPU
is given 4 ticks: an unparked thread would not get a CPU sooner.

Five stalls within 100 ticks mean slow clients: parking pauses for 1,000 ticks, so that no request has to wait
until the watcher sees the next stall. After 200 ticks without a request the watcher unparks all threads. They
go back to the server, which ends the threads that it does not need.
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

# A thread that has spent more than one tick on one request counts as stalled; a typical request takes 1/100
# of a tick.
TICK_S = 0.005
# After 200 ticks (1 s) without a request there is nothing to watch.
IDLE_TICKS = 200
# A thread that runs, or waits for nothing but a CPU, counts as stalled after 4 ticks (20 ms).
RUNNING_TICKS = 4
# Five stalls within 100 ticks (0.5 s) mean slow clients: stop parking threads for 1,000 ticks (5 s).
# Fewer stalls also come from threads that wait for one another.
SLOW_CLIENT_STALLS = 5
SLOW_CLIENT_TICKS = 100
PAUSE_TICKS = 1000
# A body of 10,000 bytes or more, whose Content-Length has over 4 digits, takes longer to receive and to read
# than a change of threads takes. Most of that work releases the interpreter lock.
SHORT_BODY_DIGITS = 4


class ServerThread:
    """What is known of one thread of the server; the object lives as long as the thread."""

    __slots__ = (
        *("__weakref__", "_stat_file", "is_busy", "is_stalled"),
        *("requests", "requests_seen", "ticks", "wake_lock"),
    )

    def __init__(self) -> None:
        self._stat_file = Path(f"/proc/self/task/{threading.get_native_id()}/stat")
        # How many requests the thread has taken, now and when the watcher last looked.
        self.requests = 0
        self.requests_seen = 0
        # For how many ticks the thread has been at the same request.
        self.ticks = 0
        self.is_busy = False
        self.is_stalled = False
        # Always held, but for the moment in which a parked thread is unparked.
        self.wake_lock = threading.Lock()
        self.wake_lock.acquire()

    def is_running(self) -> bool:
        """Whether the thread runs, or waits for nothing but a CPU; False where the system does not tell."""
        # The state is the letter after the name, which may hold any character: proc_pid_stat(5).
        with suppress(OSError):
            return self._stat_file.read_bytes().rpartition(b") ")[2].startswith(b"R")
        return False


class ThreadParking:
    """A WSGI application in front of another one, for one process with any number of threads.

    A thread is active, parked, or stalled. Methods whose docstring says so are called with the lock held.
    """

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self._local = threading.local()
        self._lock = threading.Lock()
        # Weak references, because the server ends threads without telling: a thread that has ended drops out.
        # Nothing else holds an active thread for longer than one look of the watcher.
        self._active: weakref.WeakSet[ServerThread] = weakref.WeakSet()
        self._parked: list[ServerThread] = []
        # Whether a thread that has answered may be parked.
        self._may_park = False
        self._is_watched = False
        self._has_requests = threading.Event()
        self._watcher: threading.Thread | None = None
        self._tick = 0
        # The ticks in which threads stalled, of the last five.
        self._stalls: deque[int] = deque(maxlen=SLOW_CLIENT_STALLS)
        self._paused_until_tick = 0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does; the thread may be parked once the answer is sent."""
        try:
            thread = self._local.thread
        except AttributeError:
            thread = self._local.thread = self._new_thread()
        if not self._is_watched:
            self._start_watching()
        if len(environ.get("CONTENT_LENGTH", "")) > SHORT_BODY_DIGITS:
            self._stall(thread)
        thread.requests += 1
        thread.is_busy = True
        try:
            answer = self.application(environ, start_response)
        finally:
            thread.is_busy = False
            if thread.is_stalled:
                self._make_active(thread)
        # The server may have to close an answer that is not a list, so such an answer stays as it is.
        if self._may_park and type(answer) is list:
            return _ParkWhenClosed(answer, self, thread)
        return answer

    def park(self, thread: ServerThread) -> None:
        """Block this thread until it is unparked, unless it is the only active thread."""
        with self._lock:
            # Other threads may have been parked, or may have ended, since the answer was made.
            self._update_may_park()
            is_needed = not self._may_park or thread not in self._active
            if not is_needed:
                self._active.discard(thread)
                self._parked.append(thread)
                self._update_may_park()
        if not is_needed:
            thread.wake_lock.acquire()

    def _new_thread(self) -> ServerThread:
        thread = ServerThread()
        self._make_active(thread)
        return thread

    def _make_active(self, thread: ServerThread) -> None:
        with self._lock:
            thread.is_stalled = False
            self._active.add(thread)
            self._update_may_park()

    def _stall(self, thread: ServerThread) -> None:
        with self._lock:
            self._replace(thread)

    def _update_may_park(self) -> None:
        """Allow parking if more than one thread is active. The lock is held."""
        is_paused = self._tick < self._paused_until_tick
        self._may_park = self._is_watched and not is_paused and len(self._active) > 1

    def _replace(self, thread: ServerThread) -> None:
        """Count a thread as stalled, and unpark another thread for it. The lock is held."""
        thread.is_stalled = True
        self._active.discard(thread)
        self._unpark()

    def _unpark(self) -> bool:
        """Unpark a thread; False if none is parked. The lock is held."""
        if not self._parked:
            return False
        thread = self._parked.pop()
        self._active.add(thread)
        self._update_may_park()
        thread.wake_lock.release()
        return True

    def _unpark_all(self) -> None:
        """Unpark all threads. The lock is held."""
        while self._unpark():
            pass

    def _start_watching(self) -> None:
        """Let the watcher look at the threads from now on; until it does, no thread is parked."""
        with self._lock:
            # The watcher starts with the first request: it would not survive the fork of the worker.
            if self._watcher is None:
                watcher = threading.Thread(target=self._watch, name="thread-parking", daemon=True)
                with suppress(RuntimeError):  # No thread is to be had now; the next request tries again.
                    watcher.start()
                    self._watcher = watcher
            self._is_watched = self._watcher is not None
            self._has_requests.set()

    def _watch(self) -> None:
        idle_ticks = 0
        while True:
            self._has_requests.wait()
            time.sleep(TICK_S)
            idle_ticks = 0 if self._look() else idle_ticks + 1
            if idle_ticks == IDLE_TICKS:
                idle_ticks = 0
                self._stop_watching()

    def _look(self) -> bool:
        """Unpark another thread for each active thread that stalls; tell whether any thread had a request."""
        has_requests, has_stalls = False, False
        with self._lock:
            self._tick += 1
            for thread in list(self._active):
                if thread.requests != thread.requests_seen:
                    thread.requests_seen = thread.requests
                    thread.ticks = 0
                    has_requests = True
                elif thread.is_busy:
                    thread.ticks += 1
                    has_requests = True
                    if thread.ticks >= RUNNING_TICKS or not thread.is_running():
                        self._replace(thread)
                        has_stalls = True
            if has_stalls:
                self._note_stall()
            self._update_may_park()
        return has_requests

    def _note_stall(self) -> None:
        """Pause parking after five ticks with stalls among the last 100 ticks. The lock is held."""
        if self._tick < self._paused_until_tick:
            # While parking is paused, threads stall because many of them want the interpreter lock.
            return
        self._stalls.append(self._tick)
        if len(self._stalls) == SLOW_CLIENT_STALLS and self._tick - self._stalls[0] <= SLOW_CLIENT_TICKS:
            self._stalls.clear()
            self._paused_until_tick = self._tick + PAUSE_TICKS
            self._unpark_all()

    def _stop_watching(self) -> None:
        """Let all threads go back to the server, and let the watcher wait for the next request."""
        with self._lock:
            self._has_requests.clear()
            self._is_watched = False
            self._unpark_all()
            self._update_may_park()


class _ParkWhenClosed:
    """The parts of an answer; the thread that closes the answer is parked."""

    def __init__(self, parts: list[bytes], parking: ThreadParking, thread: ServerThread) -> None:
        self._parts = parts
        self._parking = parking
        self._thread = thread

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._parts)

    def close(self) -> None:
        self._parking.park(self._thread)
