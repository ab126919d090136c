"""How fast rows are done, and how long the rest will take."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from infer_cli.terminal.units import age_text

if TYPE_CHECKING:
    from collections.abc import Callable


class Pace:
    """The pace of a run that begins behind the first `begun_at` rows; it has gone on for `seconds`."""

    def __init__(self, begun_at: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._begun_at = begun_at
        self._clock = clock
        self._start_s = clock()
        self._first: tuple[float, float] | None = None
        self.seconds = 0.0

    def text(self, done: int, fraction: float | None) -> str:
        """The rows so far, rows per second and the time left; the two are left out until they are known."""
        self.seconds = self._clock() - self._start_s
        text = f"{done:,} rows"
        if done > self._begun_at and self.seconds > 0:
            text += f", {round((done - self._begun_at) / self.seconds):,} rows/s"
        if fraction is None:
            return text
        if self._first is None:
            # Rows that an earlier process has done are skipped at once, and say nothing of the pace.
            self._first = self.seconds, fraction
        since_s, since = self._first
        if fraction > since:
            left_s = (1 - fraction) * (self.seconds - since_s) / (fraction - since)
            text += f", {age_text(timedelta(seconds=left_s))} left"
        return text
