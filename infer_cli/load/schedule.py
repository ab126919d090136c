"""When each request is due: the schedule is made before any answer is seen, and never waits for one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

ARRIVALS = ("constant", "poisson")
# The same schedule each time, so that two measurements differ only by what is measured.
_SEED = 0


def check_arrivals(arrivals: str) -> None:
    """Raise `UsageError` for a kind of schedule that does not exist."""
    if arrivals not in ARRIVALS:
        raise UsageError(f"--arrivals {arrivals} is not known", hint=f"choose one of {', '.join(ARRIVALS)}")


def due_times(rate: float, length_s: float, arrivals: str) -> Iterator[float]:
    """The seconds from the start at which requests are due, up to `length_s`.

    `constant` leaves the same time between any two; `poisson` leaves random times, as independent users do.
    """
    if arrivals == "constant":
        number = 0
        while (due := number / rate) < length_s:
            yield due
            number += 1
        return
    chance = random.Random(_SEED)  # noqa: S311 (no secret)
    due = chance.expovariate(rate)
    while due < length_s:
        yield due
        due += chance.expovariate(rate)
