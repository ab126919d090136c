"""The command that the user gave, for hints that are complete commands."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_given: list[str] = []


def remember(arguments: Sequence[str]) -> None:
    """Keep the arguments of this run of infer."""
    _given[:] = arguments


def given_command(*more: str) -> str:
    """The command as it was given, with `more` arguments at its end, quoted for a shell."""
    return shlex.join(["infer", *_given, *more])
