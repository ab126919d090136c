"""What is said to a request that is not let in."""

from __future__ import annotations

from typing import NamedTuple

LONGEST_NAME = 100


class Refusal(NamedTuple):
    """A refusal: the status of HTTP, a code for programs, a text for people, and headers."""

    status: int
    code: str
    message: str
    headers: tuple[tuple[str, str], ...] = ()


def shown(text: str) -> str:
    """Write what a client sent on one line that is not too long."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text[:LONGEST_NAME])
