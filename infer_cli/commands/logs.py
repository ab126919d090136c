"""`infer logs`: the log of a service."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from infer_cli.errors import UsageError
from infer_cli.terminal import output
from infer_cli.terminal.options import AnyService, AsJson
from infer_cli.terminal.progress import show_progress

_AGE = re.compile(r"(?P<number>\d+)(?P<unit>[smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def logs(
    name: AnyService = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Show new lines until the service ends, or until Ctrl-C.")
    ] = False,
    tail: Annotated[int | None, typer.Option(metavar="N", min=0, help="Only the last N lines.")] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="T", help="Only lines that are newer: 10m, 2h, or 2026-01-31T12:00."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the log of a service.

    Ctrl-C ends --follow, and leaves the service running.
    """
    if as_json and follow:
        raise UsageError("--json gives one object at the end, which --follow does not reach")
    start = parse_since(since, now=datetime.now(UTC)) if since else None
    with show_progress(in_pipe=False) as progress:
        progress.stage(f"Looking for {name or 'the service'}")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.engine.services import find_service, stream_logs  # noqa: PLC0415

        engine = connect()
        service = find_service(engine, name)
    chunks = stream_logs(engine, service, follow=follow, tail=tail, since=start)
    if as_json:
        lines = b"".join(chunks).decode(errors="replace").splitlines()
        output.show("", {"name": service.name, "lines": lines}, as_json=True)
        return
    for chunk in chunks:
        sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def parse_since(text: str, *, now: datetime) -> datetime:
    """Read an age (`10m`) or a time (ISO 8601, local unless it has a zone); raises `UsageError`."""
    try:
        if age := _AGE.fullmatch(text):
            return now - timedelta(**{_UNITS[age["unit"]]: int(age["number"])})
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        message = f"--since {text} is neither an age nor a time"
        raise UsageError(message, hint="write 30s, 10m, 2h, 1d, or a time such as 2026-01-31T12:00") from None
