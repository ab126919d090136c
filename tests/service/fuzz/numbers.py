"""How long a fuzzer goes on."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def numbers(first: int, count: int | None, minutes: float | None) -> Iterator[int]:
    """Give numbers from the first on: as many as `count`, and for as many minutes; None for no end."""
    end = None if minutes is None else time.monotonic() + minutes * 60
    for number in itertools.count(first):
        if (end is not None and time.monotonic() > end) or (count is not None and number >= first + count):
            return
        yield number
