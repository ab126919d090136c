"""`infer top`: a live view of what the services do."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import UsageError
from infer_cli.terminal import output
from infer_cli.terminal.completion import complete_service
from infer_cli.terminal.help import has_panels
from infer_cli.terminal.options import AsJson
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.monitoring.watch import View, Watch

# A service is waited for half an interval, and not longer than this.
_LONGEST_WAIT_S = 2.0
_SHORTEST_INTERVAL_S = 0.2
# How often the size of the terminal is looked at.
_GLANCE_S = 0.2
# How often it is looked whether the services have answered.
_LEAST_WAIT_S = 0.02
_ENDS = {"q", "Q", "\x04"}


def top(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="The service; without a name, all of them.",
            autocompletion=complete_service,
        ),
    ] = None,
    *,
    interval: Annotated[
        str, typer.Option(metavar="TIME", help="How long to count, and how often to show it.")
    ] = "2s",
    sort: Annotated[
        str,
        typer.Option(
            metavar="BY", help="name, requests, rows, errors, p99, cpu or memory; the largest first."
        ),
    ] = "name",
    once: Annotated[bool, typer.Option("--once", help="Show one interval, and end.")] = False,
    as_json: AsJson = False,
) -> None:
    """Watch the services: requests, errors, latency, CPU and memory.

    On a terminal the view is live, and q or Ctrl-C ends it. In a pipe there is a line for each service and
    interval; with --json, one object for each interval.
    """
    seconds = _check_options(interval, sort)
    with show_progress(in_pipe=False) as progress:
        progress.stage("Looking for services")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.engine.services import find_service  # noqa: PLC0415
        from infer_cli.monitoring.watch import Watch  # noqa: PLC0415

        engine = connect()
        found = find_service(engine, name).name if name is not None else None
        watch = Watch(engine, found, timeout_s=min(seconds / 2, _LONGEST_WAIT_S))
        begun_s, first = time.monotonic(), watch.look()
        if once and first:
            progress.stage(f"Counting for {seconds:g} s")
            time.sleep(max(0.0, begun_s + seconds - time.monotonic()))
            first = watch.look()
    if once or not first:
        _show(first, sort, as_json=as_json)
        return
    # Ctrl-C is how a view without an end is meant to end.
    with suppress(KeyboardInterrupt):
        if not as_json and has_panels():
            _show_live(watch, first, seconds, sort)
        else:
            _print_lines(watch, begun_s, seconds, sort, as_json=as_json)


def _check_options(interval: str, sort: str) -> float:
    from infer_cli.commands.top_view import ORDERS  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.load.quantities import duration_text, parse_duration  # noqa: PLC0415

    if sort not in ORDERS:
        raise UsageError(f"--sort {sort} is not known", hint=f"sort by one of {', '.join(ORDERS)}")
    seconds = parse_duration("--interval", interval)
    if seconds < _SHORTEST_INTERVAL_S:
        least = duration_text(_SHORTEST_INTERVAL_S)
        raise UsageError(f"--interval {interval} is too short", hint=f"take {least} or more")
    return seconds


def _show(views: Sequence[View], sort: str, *, as_json: bool) -> None:
    from infer_cli.commands.top_view import NO_SERVICES, in_order, table_lines  # noqa: PLC0415 (keeps `infer --help` quick)

    views = in_order(views, sort)
    text = "\n".join(table_lines(views, output.terminal_width())) if views else NO_SERVICES
    output.show(text, _record(views), as_json=as_json)


def _record(views: Sequence[View]) -> dict[str, object]:
    from infer_cli.commands.top_view import record_of  # noqa: PLC0415 (keeps `infer --help` quick)

    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return {"time": now, "services": [record_of(view) for view in views]}


def _print_lines(watch: Watch, begun_s: float, seconds: float, sort: str, *, as_json: bool) -> None:
    """Print each interval, until Ctrl-C."""
    from infer_cli.commands.top_view import header_line, in_order, service_line  # noqa: PLC0415 (keeps `infer --help` quick)

    if not as_json:
        output.show(header_line(), {}, as_json=False)
    while True:
        begun_s = max(begun_s + seconds, time.monotonic())
        time.sleep(max(0.0, begun_s - time.monotonic()))
        views = in_order(watch.look(), sort)
        if as_json:
            output.show("", _record(views), as_json=True)
            continue
        now = datetime.now(UTC)
        for view in views:
            output.show(service_line(view, now), {}, as_json=False)


def _show_live(watch: Watch, views: Sequence[View], seconds: float, sort: str) -> None:
    """Show each interval in the place of the last one, until a key ends it; the screen is then as before."""
    from rich.console import Console  # noqa: PLC0415 (slow to import)
    from rich.live import Live  # noqa: PLC0415

    from infer_cli.commands.top_view import in_order, screen  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.monitoring.questions import Question  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.terminal.keys import pressed_keys  # noqa: PLC0415

    console = Console(highlight=False)
    with (
        pressed_keys() as pressed,
        Live(console=console, screen=True, auto_refresh=False, redirect_stdout=False) as live,
    ):
        due_s = time.monotonic() + seconds
        size = None
        # It is asked for in a thread, so that a key is heard meanwhile.
        look = Question(watch.look)
        while True:
            if size != console.size:
                size = console.size
                note = "the engine does not answer" if watch.is_engine_late else ""
                text = screen(in_order(views, sort), seconds, note, width=size.width, height=size.height)
                live.update(text, refresh=True)
            left_s = due_s - time.monotonic()
            if not _ENDS.isdisjoint(pressed(min(_GLANCE_S, max(_LEAST_WAIT_S, left_s)))):
                return
            if left_s <= 0:
                with suppress(TimeoutError):
                    views, size = look.take(0.0), None
                    due_s = max(due_s + seconds, time.monotonic())
