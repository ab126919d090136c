"""Interruptions that come at a bad moment."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM wait until the block has ended; a second one does not wait.

    For a request to make something: the engine makes it even if nobody waits for the answer, which says what
    is to be removed. Threads other than the main one get no signals, and change nothing here.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []

    def keep(number: int, frame: FrameType | None) -> None:
        if waiting:
            deliver(number, frame)
        waiting.append(number)

    def deliver(number: int, frame: FrameType | None) -> None:
        handler = before[number]
        # Called here, so that what it raises comes from within the block and not some lines later.
        if callable(handler):
            handler(number, frame)
        elif handler == signal.SIG_DFL:
            signal.signal(number, handler)
            signal.raise_signal(number)

    before = {int(number): signal.signal(number, keep) for number in _NUMBERS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if waiting:
            deliver(waiting[0], None)
