"""What the engine tells of a container from second to second."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from infer_cli.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.usage import Usage


class Readings:
    """Keeps the latest reading of an endless stream, and is never waited for.

    One reading alone takes an engine up to a second, as it measures all containers once a second.
    """

    def __init__(self, stream: Callable[[], Iterator[Usage]]) -> None:
        self._stream = stream
        self._thread: threading.Thread | None = None
        self._latest: Usage | None = None
        self._last: Usage | None = None
        self._share: float | None = None

    def begin(self) -> None:
        """Read the stream, in a thread that the end of the program does not wait for, unless it is read."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()

    def take(self) -> tuple[float | None, int | None]:
        """The share of a processor since the last call, and the memory now; None for what is not known."""
        now, before = self._latest, self._last
        if now is None or before is None or now.cpu_s is None or before.cpu_s is None:
            self._share = None
        elif now.at_s > before.at_s:
            spent_s = now.cpu_s - before.cpu_s
            # A container that was started again counts anew.
            self._share = spent_s / (now.at_s - before.at_s) if spent_s >= 0 else None
        self._last = now
        return self._share, now.memory_bytes if now else None

    def _run(self) -> None:
        # Without them, the service's own figures remain; and the engine's error is that of its list.
        with suppress(EngineError):
            for usage in self._stream():
                self._latest = usage
        self._latest = None
