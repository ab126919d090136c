"""Replaces workers that run well, one after the other, without a request that fails.

A new process takes the place of a worker only once it takes connections. Then the old one is told by a signal
to leave (see `leaving`), and the next worker is replaced when it has left.
"""

from __future__ import annotations

import os
import select
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Callable

from service.workers.leaving import LEAVE, LEAVE_S, load_and_tell

if TYPE_CHECKING:
    # Loads the application in a worker, given its index.
    Load = Callable[[int], Any]

# A worker that was just forked imports and builds little, but on a busy machine.
START_S = 60.0
# More than a worker takes to leave, and more again to end.
_PATIENCE_S = 5.0

# A process of the server. Granian's type tells nothing of it.
Worker = Any


@dataclass
class _New:
    """A worker that is to take a place, and the pipe on which it tells that it takes connections."""

    index: int
    worker: Worker
    pipe: int
    deadline_s: float = field(default_factory=lambda: time.monotonic() + START_S)


@dataclass
class _Leaving:
    """A worker in whose place another is: how long it may still take, and how often it was told to end."""

    worker: Worker
    deadline_s: float = field(default_factory=lambda: time.monotonic() + LEAVE_S + _PATIENCE_S)
    told: int = 0


class Succession:
    """Replaces each of the workers; `workers` gives the server's own list.

    `start` starts a worker for an index, with a function that loads its application. `fail` is called with
    the reason if a new worker does not come up: the others then stay as they are.
    """

    def __init__(
        self,
        workers: Callable[[], list[Worker]],
        start: Callable[[int, Load], Worker],
        fail: Callable[[str], None],
    ) -> None:
        self._workers = workers
        self._start = start
        self._fail = fail
        self._waiting: list[int] = []
        self._new: _New | None = None
        self._old: _Leaving | None = None

    @property
    def is_active(self) -> bool:
        """Whether any worker is still to be replaced, or to leave."""
        return bool(self._waiting or self._new or self._old)

    @property
    def others(self) -> list[Worker]:
        """The processes that are not, or no longer, in the server's list."""
        return [one.worker for one in (self._new, self._old) if one is not None]

    def begin(self) -> None:
        """Replace all workers, also those that were replaced a moment ago."""
        self._waiting = list(range(len(self._workers())))

    def look(self, load: Load, port: int, is_away: Callable[[int], bool]) -> None:
        """Do what is to be done now; a worker that `is_away` is started anew without this."""
        if self._old is not None:
            self._hurry(self._old)
        elif self._new is not None:
            self._look_at(self._new)
        elif self._waiting:
            index = self._waiting.pop(0)
            if not is_away(index):
                self._start_new(index, load, port)

    def takes_place(self, index: int) -> bool:
        """Put the new worker in the place of one that has ended by itself; False if there is none."""
        new = self._new
        if new is None or new.index != index or not new.worker.is_alive():
            return False
        self._put(new)
        return True

    def _start_new(self, index: int, load: Load, port: int) -> None:
        reader, writer = os.pipe()
        try:
            worker = self._start(index, partial(load_and_tell, load, port, writer))
        except OSError as error:
            os.close(reader)
            self._give_up(f"worker {index + 1} cannot be started: {error}")
            return
        finally:
            os.close(writer)
        # Until it takes connections, nobody else is to hear of its end.
        worker.interrupt_by_parent = True
        self._new = _New(index, worker, reader)

    def _look_at(self, new: _New) -> None:
        if select.select([new.pipe], [], [], 0)[0] and os.read(new.pipe, 1):
            old = self._workers()[new.index]
            old.interrupt_by_parent = True
            self._put(new)
            with suppress(ProcessLookupError):
                os.kill(old.inner.pid, LEAVE)
            self._old = _Leaving(old)
        elif not new.worker.is_alive():
            self._end_new(new)
            self._give_up(f"a new worker {new.index + 1} ended with exit code {new.worker.inner.exitcode}")
        elif time.monotonic() > new.deadline_s:
            self._end_new(new)
            self._give_up(f"a new worker {new.index + 1} took no connections within {START_S:.0f} s")

    def _put(self, new: _New) -> None:
        self._workers()[new.index] = new.worker
        new.worker.interrupt_by_parent = False
        os.close(new.pipe)
        self._new = None

    def _hurry(self, leaving: _Leaving) -> None:
        worker = leaving.worker
        if not worker.is_alive():
            worker.join()
            self._old = None
        elif time.monotonic() > leaving.deadline_s:
            leaving.deadline_s += _PATIENCE_S
            leaving.told += 1
            with suppress(ProcessLookupError):
                worker.terminate() if leaving.told == 1 else worker.kill()

    def _end_new(self, new: _New) -> None:
        new.worker.kill()
        new.worker.join()
        os.close(new.pipe)
        self._new = None

    def _give_up(self, reason: str) -> None:
        self._waiting = []
        self._fail(reason)
