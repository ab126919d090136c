"""The text of `infer top`: a table for a terminal, lines for a pipe, and a record for scripts."""

from __future__ import annotations

import math
from operator import attrgetter
from typing import TYPE_CHECKING

from infer_cli.load.quantities import duration_text
from infer_cli.terminal.output import shortened
from infer_cli.terminal.units import age_text, size_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from rich.text import Text

    from infer_cli.monitoring.figures import Figures
    from infer_cli.monitoring.watch import View

_HEADER = (
    *("NAME", "HEALTH", "REQ/S", "ROWS/S", "4XX", "5XX", "503", "P50", "P99"),
    *("CPU", "MEM", "UP", "MODEL"),
)
_NAME, _HEALTH, _FIRST_FIGURE, _LAST_FIGURE, _MODEL = 0, 1, 2, 8, 12
_LEFT = {_NAME, _HEALTH, _MODEL}
# What is cut further says nothing.
_LEAST_MODEL = 7
_LEAST_NAME = 5
_NONE = "-"
NO_SERVICES = "No services."
# The columns of the lines of a pipe are at least so wide, for the lines to come may be longer.
_LINE_WIDTHS = (12, 9, 6, 6, 5, 5, 5, 6, 6, 5, 6, 5, 10)
_LAST_END_MS = 10_000
_TEN, _THOUSAND, _MILLION = 10, 1e3, 1e6


def _most(value: Callable[[Figures], float | None]) -> Callable[[View], float]:
    return lambda view: -(value(view.figures) or 0) if view.figures else 1


# What --sort takes; the largest comes first, and what has no figures last.
ORDERS: dict[str, Callable[[View], float]] = {
    "name": lambda _: 0,
    "requests": _most(attrgetter("requests")),
    "rows": _most(attrgetter("rows")),
    "errors": _most(attrgetter("errors")),
    "p99": _most(attrgetter("p99_s")),
    "cpu": lambda view: -(view.cpu_share or 0),
    "memory": lambda view: -(view.memory_bytes or 0),
}


def in_order(views: Sequence[View], order: str) -> list[View]:
    """The services in one of the `ORDERS`, and those that are alike by name."""
    return sorted(views, key=lambda view: (ORDERS[order](view), view.name))


def table_lines(views: Sequence[View], width: int | None) -> list[str]:
    """The header and a line for each service; with a width, no line is longer.

    The reason for which a service has no figures stands in their place. Where there is little room, the
    columns stand closer, then the model gives way, and the names last.
    """
    rows = [_cells(view) for view in views]
    widths = [max(map(len, column)) for column in zip(_HEADER, *rows, strict=True)]
    widths, gap = _fitted(widths, width)
    room = _total(widths[_FIRST_FIGURE : _LAST_FIGURE + 1], gap)
    reasons = [f"{_NONE} {view.reason}" if view.reason else "" for view in views]
    wanted = max(map(len, reasons), default=0)
    if width is not None:
        wanted = min(wanted, room + max(0, width - _total(widths, gap)))
    widths[_LAST_FIGURE] += max(0, wanted - room)
    room = max(room, wanted)
    start = _total(widths[:_FIRST_FIGURE], gap) + gap
    lines = [_line(_HEADER, widths, gap)]
    for row, reason in zip(rows, reasons, strict=True):
        line = _line(row, widths, gap)
        if reason:
            line = f"{line[:start]}{shortened(reason, room):<{room}}{line[start + room :]}"
        lines.append(line)
    return [line[:width].rstrip() for line in lines]


def _fitted(widths: list[int], width: int | None) -> tuple[list[int], int]:
    """The widths of the columns that fit, and the gap between two of them."""
    if width is None or _total(widths, 2) <= width:
        return widths, 2
    over = _total(widths, 1) - width
    if over > 0 and widths[_MODEL] - over >= _LEAST_MODEL:
        return [*widths[:_MODEL], widths[_MODEL] - over], 1
    if over > 0:
        widths = widths[:_MODEL]
        widths[_NAME] = max(_LEAST_NAME, widths[_NAME] - max(0, _total(widths, 1) - width))
    return widths, 1


def screen(views: Sequence[View], seconds: float, note: str, *, width: int, height: int) -> Text:
    """The table below a title, with a line for the services that do not fit the height."""
    from rich.text import Text  # noqa: PLC0415 (slow to import)

    count = f"{len(views)} {'service' if len(views) == 1 else 'services'}" if views else NO_SERVICES
    title = f"{count}; counts a second, over {seconds:g} s; q ends" if views else f"{count} q ends"
    text = Text(no_wrap=True, overflow="crop")
    text.append(f"{shortened(f'{title}; {note}' if note else title, width)}\n", style="dim")
    if not views:
        text.rstrip()
        return text
    header, *rows = table_lines(views, width)
    text.append(f"{header}\n", style="bold")
    fits = max(1, height - 3) if len(rows) > height - 2 else len(rows)
    for view, row in zip(views[:fits], rows[:fits], strict=True):
        text.append(f"{row}\n", style=_style(view))
    if fits < len(rows):
        text.append(shortened(f"… and {len(rows) - fits} more: make the window higher", width), style="dim")
    text.rstrip()
    return text


def _style(view: View) -> str:
    if view.health == "unhealthy" or (view.figures and view.figures.server_errors + view.figures.busy):
        return "red"
    if view.figures is None:
        return "dim"
    return "yellow" if view.figures.client_errors else ""


def header_line() -> str:
    """The names of the columns of `service_line`."""
    return " ".join(["TIME".ljust(8), *_padded(_HEADER), "REASON"])


def service_line(view: View, now: datetime) -> str:
    """A service in an interval, as one line of as many words as the header, but for the reason at its end."""
    return " ".join([f"{now:%H:%M:%S}", *_padded(_cells(view)), view.reason or ""]).rstrip()


def record_of(view: View) -> dict[str, object]:
    """A service in an interval, for scripts; null for what is not known."""
    record: dict[str, object] = {"name": view.name, "url": view.url, "health": view.health}
    return {
        **record,
        "reason": view.reason,
        **_figures_record(view.figures),
        "cpu_percent": None if view.cpu_share is None else round(100 * view.cpu_share, 1),
        "memory_bytes": None if view.memory_bytes is None else round(view.memory_bytes),
        "age_s": round(view.age.total_seconds()) if view.age else None,
        "model": view.model,
        "id": view.container_id,
    }


def _figures_record(figures: Figures | None) -> dict[str, object]:
    if figures is None:
        names = ("interval_s", "requests_per_s", "rows_per_s", "errors_per_s", "p50_ms", "p99_ms")
        return dict.fromkeys(names)
    return {
        "interval_s": round(figures.seconds, 3),
        "requests_per_s": round(figures.requests, 3),
        "rows_per_s": round(figures.rows, 3),
        "errors_per_s": {
            "4xx": round(figures.client_errors, 3),
            "5xx": round(figures.server_errors, 3),
            "503": round(figures.busy, 3),
        },
        "p50_ms": _milliseconds(figures.p50_s),
        "p99_ms": _milliseconds(figures.p99_s),
    }


def _cells(view: View) -> tuple[str, ...]:
    figures = view.figures
    done = [_NONE] * (_LAST_FIGURE - _FIRST_FIGURE + 1)
    if figures is not None:
        rates = (figures.requests, figures.rows, figures.client_errors, figures.server_errors, figures.busy)
        done = [*map(rate_cell, rates), duration_cell(figures.p50_s), duration_cell(figures.p99_s)]
    return (
        view.name,
        view.health,
        *done,
        _NONE if view.cpu_share is None else f"{view.cpu_share:.0%}",
        _NONE if view.memory_bytes is None else size_text(view.memory_bytes).replace(" ", ""),
        age_text(view.age).replace(" ", ""),
        view.model or _NONE,
    )


def rate_cell(rate: float) -> str:
    """A number a second in at most five characters, such as 0.5, 250, 12.3k or 1.2M."""
    if rate == 0:
        return "0"
    if rate < _TEN - 0.05:
        return f"{rate:.1f}" if rate >= 0.05 else "<0.1"  # noqa: PLR2004 (what rounds to 0.1)
    if rate < _THOUSAND - 0.5:
        return f"{rate:.0f}"
    return f"{rate / _THOUSAND:.1f}k" if rate < _MILLION - 50 else f"{rate / _MILLION:.1f}M"


def duration_cell(seconds: float | None) -> str:
    """A percentile without blanks; the last bucket of the service's histogram has no end."""
    if seconds is None:
        return _NONE
    return f">{_LAST_END_MS // 1000}s" if math.isinf(seconds) else duration_text(seconds).replace(" ", "")


def _milliseconds(seconds: float | None) -> float | None:
    if seconds is None:
        return None
    return _LAST_END_MS if math.isinf(seconds) else round(seconds * 1000, 4)


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _line(cells: Sequence[str], widths: Sequence[int], gap: int) -> str:
    return (gap * " ").join(
        shortened(cell, width).ljust(width) if column in _LEFT else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=False))
    )


def _padded(cells: Sequence[str]) -> list[str]:
    return [
        cell.ljust(width) if column in _LEFT else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, _LINE_WIDTHS, strict=True))
    ]
