"""How long to wait before a worker that ended is started again."""

from __future__ import annotations

FIRST_S = 0.1
LONGEST_S = 10.0
# A worker that has run for so long counts as well again.
CALM_S = 60.0


class Pauses:
    """The pauses of one worker: each is twice as long as the one before, until it has run for a minute."""

    def __init__(self) -> None:
        self._pause_s = FIRST_S
        self._ended_s: float | None = None

    def after_end(self, now_s: float) -> float:
        """Give how many seconds to wait, as the worker has ended at this time."""
        if self._ended_s is not None and now_s - self._ended_s > CALM_S + self._pause_s:
            self._pause_s = FIRST_S
        elif self._ended_s is not None:
            self._pause_s = min(2 * self._pause_s, LONGEST_S)
        self._ended_s = now_s
        return self._pause_s
