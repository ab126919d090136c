"""Panels of a help text: a frame with a title around rows of two columns, in colour where colours are wanted.

Rich draws the same, and takes half a second to be imported: the help is to be there at once.
"""

from __future__ import annotations

import os
import shutil
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

# Longer lines are hard to read.
_WIDEST = 100
_NARROWEST = 40
_GAP = 2
_DIM, _BOLD_CYAN, _BOLD_YELLOW, _END = "\x1b[2m", "\x1b[1;36m", "\x1b[1;33m", "\x1b[0m"


def panel_width() -> int:
    """The width of the panels on this terminal."""
    return max(min(shutil.get_terminal_size().columns, _WIDEST), _NARROWEST)


def usage_prefix() -> str:
    """The word before the usage of a command."""
    return _coloured("Usage: ", _BOLD_YELLOW)


def panel(title: str, rows: Sequence[tuple[str, str]], width: int) -> str:
    """The rows in a frame of this width; a first column that is very long stands on a line of its own."""
    inner = width - 4
    first = min(max(len(name.rstrip()) for name, _ in rows), inner * 2 // 5)
    lines = [line for name, text in rows for line in _row_lines(name.rstrip(), text, first, inner)]
    bar = _coloured("│", _DIM)
    top = _coloured(f"╭─ {title} {'─' * (width - len(title) - 5)}╮", _DIM)
    bottom = _coloured(f"╰{'─' * (width - 2)}╯", _DIM)
    framed = [f"{bar} {_coloured(left, _BOLD_CYAN)}{rest} {bar}" for left, rest in lines]
    return "\n".join([top, *framed, bottom, ""])


def _row_lines(name: str, text: str, first: int, inner: int) -> Iterable[tuple[str, str]]:
    """The lines of one row, each in two parts that are together `inner` wide: the name, and the rest."""
    texts = textwrap.wrap(text, inner - first - _GAP) or [""]
    names = [name]
    if len(name) > first:
        names = textwrap.wrap(name, inner, subsequent_indent="  ")
        for part in names:
            yield part, " " * (inner - len(part))
        names = []
    for number, line in enumerate(texts):
        left = names[number] if number < len(names) else ""
        yield left, f"{' ' * (first + _GAP - len(left))}{line}".ljust(inner - len(left))


def _coloured(text: str, colour: str) -> str:
    """The text in a colour, unless the user wants none: see no-color.org."""
    return f"{colour}{text}{_END}" if text and not os.environ.get("NO_COLOR") else text
