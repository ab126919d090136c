"""Runs a command in a running container, on a terminal or with pipes.

On a terminal, every key goes to the program unchanged (raw mode), so that Ctrl-C reaches the program, and the
program learns the size of the window. Without a terminal, standard input is piped to the program, and its
standard output and standard error stay apart.
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
    from infer_cli.engine.streams import OutputCallback

# If the engine cannot start the program, it writes its error into the program's output. The error begins so.
_NOT_STARTED = b"OCI runtime exec failed"
_NO_PROGRAM = re.compile(r"not found in \$PATH|no such file or directory", re.IGNORECASE)
_REASON = re.compile(r'.*exec: "[^"]*": (?P<reason>.*?)(?:: unknown)?', re.DOTALL)
# The exit codes with which the engine reports such an error. A program may end with the same codes.
_NOT_STARTED_CODES = (126, 127)


def exec_in_service(
    engine: Engine,
    service: Service,
    command: Sequence[str],
    *,
    user: str | None = None,
    on_output: OutputCallback | None = None,
    stdin: bytes | None = None,
) -> int:
    """Run `command` in the container of a service, and return its exit code.

    The command runs on a terminal if standard input and output of this process are one, and no `on_output`
    is given. `on_output` receives the output of the command; without it, the output goes to this process's
    own. `stdin` replaces this process's standard input. `user` is `UID[:GID]`. Raises `ProgramNotRun` if the
    container has no such program, or cannot run it.
    """
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    is_terminal = on_output is None and sys.stdin.isatty() and sys.stdout.isatty()
    output = _StartErrorFilter(on_output or write_through)
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
            # Podman looks for the program before it answers the request.
            if _NO_PROGRAM.search(explanation(error)):
                raise _not_run(command[0], service, explanation(error)) from error
            raise
        connection = Connection(stream)
        if is_terminal:
            _attach_terminal(engine, created["Id"], connection, output)
        else:
            attach_pipes(connection, output, stdin)
        exit_code = int(engine.api.exec_inspect(created["Id"])["ExitCode"] or 0)
    if output.held and exit_code in _NOT_STARTED_CODES:
        raise _not_run(command[0], service, output.held.decode(errors="replace"))
    output.release()
    return exit_code


class _StartErrorFilter:
    """Passes on the output of a program, but holds back output that looks like a start error of the engine.

    A start error is the first and only output. So anything that follows proves that the program itself wrote
    the output held back.
    """

    def __init__(self, on_output: OutputCallback) -> None:
        self._on_output = on_output
        self._stream = STDOUT_STREAM
        self._is_released = False
        self.held = b""

    def __call__(self, stream: int, data: bytes) -> None:
        if not self._is_released and not self.held and data.startswith(_NOT_STARTED):
            self._stream, self.held = stream, data
            return
        self.release()
        self._on_output(stream, data)

    def release(self) -> None:
        """Pass on the output held back, and hold back nothing from now on."""
        if self.held:
            self._on_output(self._stream, self.held)
        self._is_released, self.held = True, b""


def _not_run(program: str, service: Service, engine_error: str) -> ProgramNotRun:
    if _NO_PROGRAM.search(engine_error):
        hint = f"look around in a shell: `infer exec {service.name}`"
        return ProgramNotRun(f"there is no program {program!r} in the service {service.name}", hint=hint)
    match = _REASON.fullmatch(engine_error.strip())
    reason = match["reason"] if match else engine_error.strip()
    return ProgramNotRun(f"cannot run {program!r} in the service {service.name}: {reason}", exists=True)


def _attach_terminal(engine: Engine, exec_id: str, connection: Connection, on_output: OutputCallback) -> None:
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
                on_output(STDOUT_STREAM, data)
            if keys in ready:
                data = os.read(keys, CHUNK)
                if data:
                    connection.send(data)
                else:
                    sources.remove(keys)
                    connection.end_input()


@contextmanager
def _raw_mode(terminal: int) -> Iterator[None]:
    import termios  # noqa: PLC0415 (Windows lacks it)
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(terminal)
    try:
        # What the user typed while the shell was starting is kept.
        tty.setraw(terminal, when=termios.TCSADRAIN)
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _window_changes() -> Iterator[int]:
    """A file descriptor that becomes readable when the size of the window changes."""
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
    # The engine refuses this before the program has started and after it has ended.
    with suppress(APIError):
        engine.api.exec_resize(exec_id, height=size.lines, width=size.columns)
