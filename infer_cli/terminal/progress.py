"""The progress of a command: a live display on a terminal, plain lines without one."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from infer_cli.terminal.output import note
from infer_cli.terminal.pace import Pace
from infer_cli.terminal.units import size_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import TaskID, TextColumn

    from infer_cli.engine.events import Event, Layer, Step


_STEP_WIDTH = 90
_BETWEEN_LINES_S = 10.0
# What a build sends to the engine is reported as a layer of this name.
CONTEXT_LAYER = "context"
# The short states of a layer that is pushed or pulled; a line for each would hide the long ones.
_SHORT_STATES = {"Preparing", "Waiting", "Pulling fs layer", "Verifying Checksum", "Download complete"}

# The engine counts the seconds to its next attempt: "Retrying in 5 seconds", and so on.
_COUNTDOWN = "Retrying in "


class Progress(Protocol):
    """Shows the progress of a command."""

    def stage(self, text: str) -> None:
        """Show that a new stage begins."""

    def note(self, text: str) -> None:
        """Show something that the user should still see when the command has ended."""

    def on_event(self, event: Event) -> None:
        """Show an event of the engine."""

    def advance(self, text: str, done: int, total: int | None) -> None:
        """Show a count of `done`; `total` is None while it is not known."""

    def rows(self, done: int, fraction: float | None) -> None:
        """Show how many rows are done, how fast, and how long the rest takes, if `fraction` is known.

        The first call says where the counting begins.
        """


@contextmanager
def show_progress(*, verbose: bool = False, in_pipe: bool = True) -> Iterator[Progress]:
    """A live display on a terminal, plain lines elsewhere and with `verbose`.

    Without `in_pipe`, a command that takes half a second says nothing but on a terminal.
    """
    if not (in_pipe or sys.stderr.isatty()):
        yield SilentProgress(verbose=False)
        return
    if verbose or not sys.stderr.isatty():
        yield PlainProgress(verbose=verbose)
        return
    live = LiveProgress()
    try:
        yield live
    finally:
        live.close()


class PlainProgress:
    """Prints one line for each stage and layer; the steps of a build are the engine's own affair."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._seen: set[tuple[str, str]] = set()
        self._pace: Pace | None = None
        self._next_line_s = _BETWEEN_LINES_S

    def stage(self, text: str) -> None:
        """Print the stage."""
        note(text)

    def note(self, text: str) -> None:
        """Print the note."""
        note(text)

    def on_event(self, event: Event) -> None:
        """Print a new state of a layer, and with `verbose` each step and each line of the engine."""
        from infer_cli.engine.events import Layer, Line, Step  # noqa: PLC0415 (keeps `infer --help` quick)

        if isinstance(event, Step):
            if self._verbose:
                note(_step_text(event))
        elif isinstance(event, Line):
            if self._verbose:
                note(event.text)
        elif isinstance(event, Layer) and (self._verbose or event.layer != CONTEXT_LAYER):
            self._show(event)

    def _show(self, event: Layer) -> None:
        """Print a state of a layer once; after a new attempt, once more."""
        state = event.status
        if state.startswith(_COUNTDOWN):
            state = _COUNTDOWN
            others = {seen for seen in self._seen if seen[0] != event.layer}
            self._seen = others | (self._seen & {(event.layer, state)})
        elif state not in _SHORT_STATES:
            self._seen.discard((event.layer, _COUNTDOWN))
        if state in _SHORT_STATES or (event.layer, state) in self._seen:
            return
        self._seen.add((event.layer, state))
        total = f" ({size_text(event.total_bytes)})" if event.total_bytes else ""
        note(f"{event.layer}: {event.status}{total}")

    def advance(self, text: str, done: int, total: int | None) -> None:
        """Print the count at the end only; a line for each batch would hide the other lines."""
        if total is not None and done >= total:
            note(f"{text}: {done}")

    def rows(self, done: int, fraction: float | None) -> None:
        """Print a line every ten seconds."""
        self._pace = self._pace or Pace(done)
        text = self._pace.text(done, fraction)
        if self._pace.seconds >= self._next_line_s:
            self._next_line_s = self._pace.seconds + _BETWEEN_LINES_S
            note(text)


class SilentProgress(PlainProgress):
    """Prints the notes alone."""

    def stage(self, text: str) -> None:
        """Print nothing."""


class LiveProgress:
    """Shows the stage; from the second stage on with a spinner, and with a bar for each layer or count.

    The first stage is a plain line, since importing Rich takes longer than many a command. Of neither is
    anything left at the end.
    """

    def __init__(self) -> None:
        self._first: str | None = None
        self._display: _Display | None = None

    def stage(self, text: str) -> None:
        """Show the stage in place of the last one, and remove the bars of its layers."""
        if self._first is None and self._display is None:
            width = shutil.get_terminal_size().columns
            self._first = text if len(text) < width else f"{text[: width - 2]}…"
            sys.stderr.write(self._first)
            sys.stderr.flush()
        else:
            self._rich().stage(text)

    def note(self, text: str) -> None:
        """Print the note above the live display, which is gone at the end."""
        self._erase_first()
        note(text)

    def on_event(self, event: Event) -> None:
        """Show a step as the stage, a layer as a bar."""
        self._rich().on_event(event)

    def advance(self, text: str, done: int, total: int | None) -> None:
        """Show a count as a bar."""
        self._rich().advance(text, done, total)

    def rows(self, done: int, fraction: float | None) -> None:
        """Show the rows as a bar."""
        self._rich().rows(done, fraction)

    def close(self) -> None:
        """Remove what is shown."""
        self._erase_first()
        if self._display is not None:
            self._display.close()

    def _erase_first(self) -> None:
        if self._first:
            # Blanks, as not every terminal knows the sequence that erases a line.
            sys.stderr.write(f"\r{' ' * len(self._first)}\r")
            sys.stderr.flush()
            self._first = ""

    def _rich(self) -> _Display:
        """The display with a spinner and bars, begun when it is needed."""
        if self._display is None:
            display = _Display()
            first = self._first
            self._erase_first()
            if first:
                display.stage(first)
            display.open()
            self._display = display
        return self._display


class _Display:
    """A spinner with the stage, and a bar for each layer or count."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 (keeps `infer --help` quick)
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            DownloadColumn,
            MofNCompleteColumn,
            SpinnerColumn,
            TimeElapsedColumn,
        )
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        console = Console(stderr=True)
        self._stages = RichProgress(
            SpinnerColumn(), _plain_column("{task.description}"), TimeElapsedColumn(), console=console
        )
        self._bars = RichProgress(
            _plain_column("  {task.description}"), BarColumn(), DownloadColumn(), console=console
        )
        self._counts = RichProgress(
            _plain_column("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=console,
        )
        self._shares = RichProgress(_plain_column("{task.description}"), BarColumn(), console=console)
        self._stage: TaskID | None = None
        self._share: TaskID | None = None
        self._pace: Pace | None = None
        self._layers: dict[str, TaskID] = {}
        self._counted: dict[str, TaskID] = {}

    def open(self) -> None:
        """Begin to show."""
        from rich.console import Group  # noqa: PLC0415 (keeps `infer --help` quick)
        from rich.live import Live  # noqa: PLC0415

        self._live = Live(
            Group(self._stages, self._bars, self._counts, self._shares),
            console=self._stages.console,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=True,
        )
        self._live.start()

    def close(self) -> None:
        """Remove what is shown."""
        self._live.stop()

    def stage(self, text: str) -> None:
        """Show the stage in place of the last one, and remove the bars of its layers."""
        if self._stage is not None:
            self._stages.remove_task(self._stage)
        for task in self._layers.values():
            self._bars.remove_task(task)
        self._layers.clear()
        self._stage = self._stages.add_task(text, total=None)

    def on_event(self, event: Event) -> None:
        """Show a step as the stage, a layer as a bar."""
        from infer_cli.engine.events import Layer, Step  # noqa: PLC0415 (keeps `infer --help` quick)

        if isinstance(event, Step):
            self.stage(_step_text(event))
        elif isinstance(event, Layer) and event.total_bytes:
            self._bar(event.layer, f"{event.layer} {event.status}", event.current_bytes, event.total_bytes)
        elif isinstance(event, Layer) and event.layer in self._layers:
            self._bars.update(self._layers[event.layer], description=f"{event.layer} {event.status}")

    def advance(self, text: str, done: int, total: int | None) -> None:
        """Show a count as a bar."""
        if text not in self._counted:
            self._counted[text] = self._counts.add_task(text, total=total)
        self._counts.update(self._counted[text], completed=done, total=total)

    def rows(self, done: int, fraction: float | None) -> None:
        """Show the rows as a bar, which moves to and fro while their number is not known."""
        self._pace = self._pace or Pace(done)
        text = self._pace.text(done, fraction)
        if self._share is None:
            self._share = self._shares.add_task(text, total=None)
        total = None if fraction is None else 1.0
        self._shares.update(self._share, description=text, completed=fraction or 0.0, total=total)

    def _bar(self, key: str, description: str, done: int, total: int) -> None:
        if key not in self._layers:
            self._layers[key] = self._bars.add_task(description, total=total)
        self._bars.update(self._layers[key], description=description, completed=done, total=total)


def _plain_column(text: str) -> TextColumn:
    """A column without Rich's marks: a square bracket in a path or an instruction is a square bracket."""
    from rich.progress import TextColumn  # noqa: PLC0415 (keeps `infer --help` quick)

    return TextColumn(text, markup=False)


def _step_text(step: Step) -> str:
    """A step of a build in one line; a long instruction is cut, as it is whole in the Dockerfile."""
    instruction = " ".join(step.text.split())
    shown = instruction if len(instruction) <= _STEP_WIDTH else f"{instruction[:_STEP_WIDTH]}…"
    return f"Step {step.number}/{step.total}: {shown}"
