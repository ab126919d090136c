"""Sizes, ages and differences, written for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta

_SECONDS_A_MINUTE, _SECONDS_AN_HOUR, _SECONDS_A_DAY = 60, 3600, 86400


def size_text(size_bytes: float) -> str:
    """A size in the unit that reads best, such as 56.5 MB; as for the engine, 1 kB has 1000 bytes."""
    unit = "B"
    for larger in ("kB", "MB", "GB"):
        # 999.5 would be rounded to 1000, which is 1 in the next unit.
        if size_bytes < 999.5:  # noqa: PLR2004
            break
        size_bytes, unit = size_bytes / 1000, larger
    return f"{size_bytes:.0f} {unit}" if unit == "B" or size_bytes >= 100 else f"{size_bytes:.3g} {unit}"  # noqa: PLR2004


def difference_text(difference: float) -> str:
    """A difference between numbers, with the two digits that show its order of magnitude."""
    return f"{difference:.1e}" if difference else "0"


def age_text(age: timedelta | None) -> str:
    """An age in its largest unit, such as 3 min; - without an age."""
    if age is None:
        return "-"
    # The engine may be on another machine, whose clock is ahead.
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("d", _SECONDS_A_DAY), ("h", _SECONDS_AN_HOUR), ("min", _SECONDS_A_MINUTE)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
