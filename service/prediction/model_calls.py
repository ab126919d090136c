"""Calls to a model: one at a time, and for how long the one goes on that goes on now.

A model in Python that runs without end leaves the interpreter to other threads again and again: the process
looks alive, and never answers. So every call is noted here, for the thread that tells of the worker's life.
"""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from service.prediction import deadlines

if TYPE_CHECKING:
    from collections.abc import Iterator

# The slowest models that are still of use, such as neighbours among a hundred thousand rows, take as long.
SECONDS_A_ROW = 0.01


class _Call(NamedTuple):
    began_s: float
    rows: int
    thread: int


class ModelCalls:
    """Lets one thread at a time call a model, in a block of `one`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._going: _Call | None = None

    @contextmanager
    def one(self, rows: int, *, may_be_late: bool = False) -> Iterator[None]:
        """Make a call with that many rows in the block.

        It waits for the call that goes on: with `may_be_late` however long that takes, else it raises
        `DeadlineExceeded` at the deadline of this thread's request.
        """
        if may_be_late:
            self._lock.acquire()
        elif (late := deadlines.acquired(self._lock)) is not None:
            raise late
        self._going = _Call(time.monotonic(), rows, threading.get_ident())
        try:
            yield
        finally:
            self._going = None
            self._lock.release()

    def stuck(self, allowed_s: float, since_s: float = 0.0) -> str | None:
        """Say what a call does that takes longer than this, and 10 ms more for each of its rows.

        None if none does. The text completes a sentence that starts with "a call to the model". The time
        before `since_s`, by `time.monotonic`, does not count.
        """
        call = self._going
        if call is None:
            return None
        seconds = time.monotonic() - max(call.began_s, since_s)
        if seconds <= allowed_s + SECONDS_A_ROW * call.rows:
            return None
        rows = "1 row" if call.rows == 1 else f"{call.rows} rows"
        return f"with {rows} has not ended after {seconds:.0f} s{_place_of(call.thread)}"


def _place_of(thread: int) -> str:
    """Say where the code of a thread is, if it is in Python."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 (Python's documented way to look at a thread)
    if frame is None:
        return ""
    return f", in {frame.f_code.co_name} ({Path(frame.f_code.co_filename).name}, line {frame.f_lineno})"
