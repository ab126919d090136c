"""Prints results, notes and errors, for a person or for a script.

Results go to stdout, as text or as one JSON object. Everything else goes to stderr.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from infer_cli.errors import InferError, Interrupted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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
    record = {"message": error.message, "detail": error.detail, "hint": error.hint}
    print(json.dumps({"error": record}, ensure_ascii=False), flush=True)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The rows below the header, with each column as wide as its widest cell."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
