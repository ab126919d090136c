"""Prints results, notes and errors, for a person or for a script.

Results go to stdout, as text or as one JSON object. Everything else goes to stderr.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import TYPE_CHECKING

from infer_cli.errors import InferError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


# Between two columns of a table.
_GAP = 2
# No column gets narrower than this, even if the table is then wider than the terminal.
_LEAST_WIDTH = 5


def show(text: str, record: Mapping[str, object], *, as_json: bool) -> None:
    """Print a result: `text` for a person, `record` for a script."""
    print(json.dumps(record, ensure_ascii=False) if as_json else text, flush=True)


def note(text: str) -> None:
    """Print something that is not the result."""
    print(text, file=sys.stderr, flush=True)


def report(error: InferError, *, as_json: bool) -> None:
    """Print the message of an error, its details, and the hint; with `as_json`, also a record on stdout."""
    if isinstance(error, Interrupted):
        note(error.message)
        return
    note(f"error: {error.message}")
    if error.detail:
        note(error.detail)
    if error.hint:
        note(f"hint: {error.hint}")
    if as_json:
        print_record(error)


def print_record(error: InferError) -> None:
    """Print an error as one JSON object on stdout."""
    print(json.dumps({"error": error.as_dict()}, ensure_ascii=False), flush=True)


def terminal_width() -> int | None:
    """The width of the terminal in characters, `COLUMNS` if that is set; None if stdout is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, kept: Sequence[str] = ()) -> str:
    """The rows below the header, with each column as wide as its widest cell.

    On a terminal that is narrower, the widest columns are cut, with … in the place of what is left out;
    the columns `kept`, by their headers, only when the others cannot give way any more.
    """
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    limit = terminal_width()
    if limit is not None:
        room = limit - _GAP * (len(widths) - 1)
        others = [column for column, name in enumerate(header) if name not in kept]
        widths = _narrowed(_narrowed(widths, room, others), room, range(len(widths)))
    return "\n".join(
        (_GAP * " ")
        .join(shortened(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True))
        .rstrip()
        for line in lines
    )


def shortened(text: str, width: int | None) -> str:
    """The text, or as much of it as fits the width with … at the end; whole if there is no width."""
    return text if width is None or len(text) <= width else f"{text[: width - 1]}…"


def _narrowed(widths: Sequence[int], limit: int, columns: Sequence[int]) -> list[int]:
    """The widths that together fit the limit, if these columns can give way so far: the widest one first."""
    narrowed = list(widths)
    while columns and sum(narrowed) > limit:
        widest = max(columns, key=narrowed.__getitem__)
        if narrowed[widest] <= _LEAST_WIDTH:
            break
        narrowed[widest] -= 1
    return narrowed
