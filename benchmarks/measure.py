"""Times commands in turn, so that a machine that becomes slower slows every command equally."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Timing:
    """The durations of the runs of one command, in seconds."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the seconds."""
        return median(self.seconds)

    def __str__(self) -> str:
        return f"{self.median:.2f} s ({min(self.seconds):.2f} to {max(self.seconds):.2f})"


def run(command: Sequence[str], **environment: str) -> float:
    """The duration of `command` in seconds; raises `RuntimeError` if it fails."""
    start = time.perf_counter()
    finished = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    elapsed = time.perf_counter() - start
    if finished.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{finished.stdout}{finished.stderr}")
    return elapsed


def in_turn(commands: Mapping[str, Sequence[str]], *, rounds: int) -> dict[str, Timing]:
    """Run the commands in the order A B C A B C …, after a first round that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for number in range(rounds + 1):
        for name, command in commands.items():
            elapsed = run(command)
            if number:
                seconds[name].append(elapsed)
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def print_ratios(timings: Mapping[str, Timing], unit: float) -> dict[str, float]:
    """Print each timing as a ratio to `unit` seconds, and return the ratios."""
    for name, timing in timings.items():
        print(f"  {name:36} {timing.median / unit:6.2f}    {timing}")
    return {name: round(timing.median / unit, 3) for name, timing in timings.items()}
