"""Defers interrupts (Ctrl-C, SIGTERM, SIGHUP) while the engine creates something."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupts_deferred() -> Iterator[None]:
    """Defer the first Ctrl-C, SIGTERM or SIGHUP to the end of the block; a second one interrupts at once.

    Put a request that creates a container or a volume into such a block. The engine carries the request out
    even if infer is interrupted, and only the engine's answer holds the id that infer needs to remove the
    container or volume. In a thread other than the main one the block has no effect, as Python delivers
    signals to the main thread only.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    deferred: list[int] = []

    def defer(number: int, frame: FrameType | None) -> None:
        if deferred:
            deliver(number, frame)
        deferred.append(number)

    def deliver(number: int, frame: FrameType | None) -> None:
        handler = before[number]
        # A direct call raises the handler's exception here; a new signal would raise it some lines later.
        if callable(handler):
            handler(number, frame)
        elif handler == signal.SIG_DFL:
            signal.signal(number, handler)
            signal.raise_signal(number)

    before = {int(number): signal.signal(number, defer) for number in _NUMBERS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if deferred:
            deliver(deferred[0], None)
