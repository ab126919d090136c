"""Runs a command in a running container, with a real terminal if there is one.

With a terminal, its keys go to the program inside unchanged (raw mode), so Ctrl-C reaches that program,
and the window's size is passed on. Without one, standard input is piped in, and output and errors come
back apart.
"""

from __future__ import annotations

import os
import re
import select
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.streams import CHUNK, STDOUT_STREAM, Connection, attach_pipes, write_through
from infer_cli.errors import ProgramNotRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.engine.streams import Sink

# What the engine writes where the program would, if it cannot start one.
_NOT_STARTED = b"OCI runtime exec failed"
_NO_PROGRAM = re.compile(r"not found in \$PATH|no such file or directory", re.IGNORECASE)
_REASON = re.compile(r'.*exec: "[^"]*": (?P<reason>.*?)(?:: unknown)?', re.DOTALL)
# The engine's exit codes then; a program may have the same.
_NOT_STARTED_CODES = (126, 127)


def exec_in_service(
    engine: Engine,
    service: Service,
    command: Sequence[str],
    *,
    user: str | None = None,
    sink: Sink | None = None,
    given: bytes | None = None,
) -> int:
    """Run `command` in the service's container and give its exit code; raises `ProgramNotRun`.

    It has a terminal if both our input and output are one; not if a `sink` takes what it writes. `given` is
    its standard input, if that is not to be ours.
    """
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    is_terminal = sink is None and sys.stdin.isatty() and sys.stdout.isatty()
    gate = _Gate(sink or write_through)
    with translated(f"run {command[0]} in {service.name}"):
        created = engine.api.exec_create(
            service.container_id,
            list(command),
            stdin=True,
            tty=is_terminal,
            user=user or "",
            environment={"TERM": os.environ.get("TERM", "xterm")} if is_terminal else None,
        )
        try:
            stream = engine.api.exec_start(created["Id"], tty=is_terminal, socket=True)
        except APIError as error:
            # Podman looks for the program before it answers.
            if _NO_PROGRAM.search(explanation(error)):
                raise _not_run(command[0], service, explanation(error)) from error
            raise
        connection = Connection(stream)
        if is_terminal:
            _attach_terminal(engine, created["Id"], connection, gate)
        else:
            attach_pipes(connection, gate, given)
        exit_code = int(engine.api.exec_inspect(created["Id"])["ExitCode"] or 0)
    if gate.held and exit_code in _NOT_STARTED_CODES:
        raise _not_run(command[0], service, gate.held.decode(errors="replace"))
    gate.open()
    return exit_code


class _Gate:
    """Passes on what a program writes, but holds back what seems to be the engine's own words instead.

    The engine writes them at once, and nothing else.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._kind = STDOUT_STREAM
        self._is_open = False
        self.held = b""

    def __call__(self, kind: int, data: bytes) -> None:
        if not self._is_open and not self.held and data.startswith(_NOT_STARTED):
            self._kind, self.held = kind, data
            return
        self.open()
        self._sink(kind, data)

    def open(self) -> None:
        """Pass everything on, also what was held back."""
        if self.held:
            self._sink(self._kind, self.held)
        self._is_open, self.held = True, b""


def _not_run(program: str, service: Service, said: str) -> ProgramNotRun:
    if _NO_PROGRAM.search(said):
        hint = f"look around in a shell: `infer exec {service.name}`"
        return ProgramNotRun(f"there is no program {program!r} in the service {service.name}", hint=hint)
    match = _REASON.fullmatch(said.strip())
    reason = match["reason"] if match else said.strip()
    return ProgramNotRun(f"cannot run {program!r} in the service {service.name}: {reason}", exists=True)


def _attach_terminal(engine: Engine, exec_id: str, connection: Connection, sink: Sink) -> None:
    keys = sys.stdin.fileno()
    with _raw_mode(keys), _window_changes() as changes:
        _resize(engine, exec_id)
        sources = [connection.socket, keys, changes]
        while True:
            ready = [connection.socket] if connection.has_buffered else select.select(sources, [], [])[0]
            if changes in ready:
                os.read(changes, CHUNK)
                _resize(engine, exec_id)
            if connection.socket in ready:
                data = connection.receive()
                if not data:
                    return
                sink(STDOUT_STREAM, data)
            if keys in ready:
                data = os.read(keys, CHUNK)
                if data:
                    connection.send(data)
                else:
                    sources.remove(keys)
                    connection.end_input()


@contextmanager
def _raw_mode(terminal: int) -> Iterator[None]:
    import termios  # noqa: PLC0415 (not on every system)
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(terminal)
    try:
        tty.setraw(terminal)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _window_changes() -> Iterator[int]:
    """A file descriptor that becomes readable when the window's size changes."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)

    def note(*_: object) -> None:
        with suppress(BlockingIOError):
            os.write(writer, b"\0")

    before = signal.signal(signal.SIGWINCH, note)
    try:
        yield reader
    finally:
        signal.signal(signal.SIGWINCH, before)
        os.close(reader)
        os.close(writer)


def _resize(engine: Engine, exec_id: str) -> None:
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    size = os.get_terminal_size(sys.stdout.fileno())
    # The program may have ended, or not begun, at this moment.
    with suppress(APIError):
        engine.api.exec_resize(exec_id, height=size.lines, width=size.columns)
