"""Reads dates of ISO 8601."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from service.errors import InvalidValue

DATE = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)"
    r"([T ](?P<time>\d\d:\d\d(:\d\d)?)(?P<part>[.,]\d{1,9})?"
    r"(Z|(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))?)?",
    re.ASCII,
)
# The years that pandas can hold in each of its units, nanoseconds among them.
FIRST_YEAR, LAST_YEAR = 1678, 2261
# Of the part of a second, a date of Python holds so many digits.
MOST_PLACES = 6


def read_date(value: object) -> datetime:
    """Read a date, with or without a time, with blanks around it or none; one with a zone is put into UTC.

    Raises `InvalidValue` for anything else, and for a date that is not whole in microseconds.
    """
    match = DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise InvalidValue("not_a_date", "is not a date such as 2026-01-31 or 2026-01-31T12:30:00")
    places = (match["part"] or ".0")[1:].rstrip("0")
    if len(places) > MOST_PLACES:
        raise InvalidValue("not_a_date", "is not a date that is whole in microseconds")
    try:
        moment = datetime.fromisoformat(f"{match['day']}T{match['time'] or '00:00'}")
        moment = moment.replace(microsecond=int(places.ljust(MOST_PLACES, "0")))
        if match["sign"]:
            offset = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
            moment += -offset if match["sign"] == "+" else offset
    except (ValueError, OverflowError):
        raise InvalidValue("not_a_date", "is not a date that exists") from None
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise InvalidValue("not_a_date", f"is not a date from {FIRST_YEAR} to {LAST_YEAR}")
    return moment
