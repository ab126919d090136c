"""Wakes the loop of a process, also from a handler of a signal.

`threading.Event` cannot do that: a signal that comes while the loop itself is within one of its methods would
wait for a lock that this same thread holds, for ever.
"""

from __future__ import annotations

import os
import select
import weakref
from contextlib import suppress


class Wakeup:
    """An event with the methods of `threading.Event`, made of a pipe."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
            weakref.finalize(self, os.close, end)

    def set(self) -> None:
        """Wake who waits, now or the next time."""
        with suppress(BlockingIOError):  # So full that it wakes anyway.
            os.write(self._writer, b".")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most so many seconds; tell whether it is."""
        return bool(select.select([self._reader], [], [], timeout)[0])

    def clear(self) -> None:
        """Forget that it was set."""
        with suppress(BlockingIOError):
            while os.read(self._reader, 4096):
                pass

    def is_set(self) -> bool:
        """Whether it is set."""
        return self.wait(0)
