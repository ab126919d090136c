"""Finds workers that answer nothing any more: stopped, deadlocked, or caught in a call to the model.

A worker tells in a heartbeat that it runs Python (see `heartbeat`). Without heartbeats it may still be at a
prediction, for compiled code can hold the interpreter lock for long. So it gets more time as long as it uses
a CPU, or waits for one or for a disk. A worker that runs Python, and is caught in a call to the model all the
same, tells so itself.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.telemetry.vitals import Vitals

# A worker that computes gets six times as long as one that does nothing.
BUSY_FACTOR = 6
# A worker that was just forked imports and builds little, but on a busy machine.
START_S = 60.0
LOOK_S = 0.5
# If the watchdog itself could not run for so long, for example because the container was paused, then the
# workers could not either.
HELD_UP_S = 3.0
_PROC = Path("/proc")


@dataclass(frozen=True)
class Silent:
    """A worker, by its index, that answers nothing: for how many seconds it is silent, and what it does."""

    worker: int
    seconds: float
    how: str

    def __str__(self) -> str:
        """Say what is wrong, in words that follow "worker 1"."""
        return f"told nothing for {self.seconds:.0f} s, {self.how}" if self.seconds else self.how


class _Use(NamedTuple):
    """What the threads of a process do: their states, as letters, and their CPU time in ticks."""

    states: str
    ticks: int


class Watchdog:
    """Looks at all workers, twice a second."""

    def __init__(self, vitals: Vitals, still_s: float) -> None:
        self._vitals = vitals
        self._still_s = still_s
        self._busy_s = BUSY_FACTOR * still_s
        self._looked_s = self._floor_s = time.monotonic()
        # When the silence began of workers that are silent, and what they had done then.
        self._seen: dict[int, tuple[float, _Use]] = {}

    def look(self, workers: Mapping[int, tuple[int, float]]) -> list[Silent]:
        """Give the workers that are silent for too long.

        `workers` has the process id, and the time of its start by `time.monotonic`, of each living worker.
        """
        now = time.monotonic()
        if now - self._looked_s > HELD_UP_S:
            self._floor_s = now
            self._seen.clear()
        self._looked_s = now
        silent = [self._judge(now, worker, *workers[worker]) for worker in workers]
        return [found for found in silent if found is not None]

    def _judge(self, now: float, worker: int, pid: int, started_s: float) -> Silent | None:
        if self._vitals.is_stuck(worker):
            return Silent(worker, 0, "is caught in a call to the model")
        beat_s = self._vitals.last_beat_s(worker)
        last_s = max(beat_s, started_s, self._floor_s)
        seconds = now - last_s
        limit_s = self._still_s if beat_s else max(START_S, self._still_s)
        if seconds < self._still_s / 2:
            self._seen.pop(worker, None)
            return None
        use = _use(pid)
        if worker not in self._seen or self._seen[worker][0] != last_s:
            self._seen[worker] = last_s, use
        if seconds > limit_s and _is_still(self._seen[worker][1], use):
            return Silent(worker, seconds, "is stopped" if set(use.states) == {"T"} else "does nothing")
        if seconds > max(self._busy_s, limit_s):
            return Silent(worker, seconds, "computes without an end")
        return None


def _is_still(before: _Use, now: _Use) -> bool:
    """Whether a process has used no CPU, and waits neither for one (R) nor for a disk (D)."""
    return bool(now.states) and before.ticks == now.ticks and not set(now.states) & set("RD")


def _use(pid: int) -> _Use:
    """Give what the threads of a process do; no states where the system does not tell."""
    states, ticks = "", 0
    with suppress(OSError):
        for task in (_PROC / str(pid) / "task").iterdir():
            with suppress(OSError):
                fields = (task / "stat").read_text().rpartition(")")[2].split()
                states += fields[0]
                ticks += int(fields[11]) + int(fields[12])
    return _Use(states, ticks)
