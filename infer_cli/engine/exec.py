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
import socket
import struct
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from infer_cli.engine.connection import explanation, translated
from infer_cli.errors import ProgramNotRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

    # Takes the kind of stream and what was written to it.
    Sink = Callable[[int, bytes], None]

_CHUNK = 65_536
# Kinds of stream in a frame.
STDOUT_STREAM, STDERR_STREAM = 1, 2
# Kind of stream, three bytes of nothing, length of what follows, as the engine API's "attach" has it.
_FRAME_HEADER = struct.Struct(">BxxxL")
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
    gate = _Gate(sink or _write_through)
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
    return ProgramNotRun(f"cannot run {program!r} in the service {service.name}: {reason}", is_there=True)


class Connection:
    """The two-way stream of a program in a container."""

    def __init__(self, stream: Any) -> None:  # noqa: ANN401 (the SDK gives one of several kinds of socket)
        self._stream = stream
        self.socket: socket.socket = getattr(stream, "_sock", stream)
        self.socket.settimeout(None)
        self._early = _already_buffered(stream, self.socket)

    @property
    def has_buffered(self) -> bool:
        """Whether something can be read without waiting that `select` does not see."""
        pending = getattr(self.socket, "pending", None)
        return bool(self._early) or bool(pending and pending())

    def receive(self) -> bytes:
        """What has come; nothing at the end."""
        if self._early:
            early, self._early = self._early, b""
            return early
        try:
            return self.socket.recv(_CHUNK)
        except ConnectionResetError:
            return b""

    def send(self, data: bytes) -> None:
        """Send all of `data`; a program that ended does not matter."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def end_input(self) -> None:
        """Say that no more input comes."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)


def _already_buffered(stream: Any, raw: socket.socket) -> bytes:  # noqa: ANN401 (see above)
    """What the HTTP client has read beyond the answer's headers, which the SDK's socket would lose."""
    response = getattr(stream, "_response", None)
    buffer: Any = getattr(getattr(getattr(response, "raw", None), "_fp", None), "fp", None)
    if not hasattr(buffer, "peek"):
        return b""
    raw.settimeout(0)
    try:
        data = bytes(buffer.peek(1))
        return bytes(buffer.read1(len(data))) if data else b""
    finally:
        raw.settimeout(None)


def _attach_terminal(engine: Engine, exec_id: str, connection: Connection, sink: Sink) -> None:
    keys = sys.stdin.fileno()
    with _raw_mode(keys), _window_changes() as changes:
        _resize(engine, exec_id)
        sources = [connection.socket, keys, changes]
        while True:
            ready = [connection.socket] if connection.has_buffered else select.select(sources, [], [])[0]
            if changes in ready:
                os.read(changes, _CHUNK)
                _resize(engine, exec_id)
            if connection.socket in ready:
                data = connection.receive()
                if not data:
                    return
                sink(STDOUT_STREAM, data)
            if keys in ready:
                data = os.read(keys, _CHUNK)
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


def attach_pipes(connection: Connection, sink: Sink, given: bytes | None) -> None:
    """Give a program its input, ours or what is `given`, and pass on what it writes until it ends."""
    with _input_of(given) as source:
        _pump(connection, sink, source)


@contextmanager
def _input_of(given: bytes | None) -> Iterator[int]:
    """A file descriptor from which `given` is read, or our own standard input."""
    if given is None:
        yield sys.stdin.fileno()
        return
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.flush()
        file.seek(0)
        yield file.fileno()


def _pump(connection: Connection, sink: Sink, source: int) -> None:
    sources: list[Any] = [connection.socket, source]
    pending = b""
    while True:
        ready = [connection.socket] if connection.has_buffered else select.select(sources, [], [])[0]
        if connection.socket in ready:
            data = connection.receive()
            if not data:
                return
            pending = _split_frames(pending + data, sink)
        if source in ready:
            data = os.read(source, _CHUNK)
            if data:
                connection.send(data)
            else:
                sources.remove(source)
                connection.end_input()


def _split_frames(data: bytes, sink: Sink) -> bytes:
    """Give the complete frames of `data` to `sink`; gives what is left."""
    while len(data) >= _FRAME_HEADER.size:
        kind, length = _FRAME_HEADER.unpack_from(data)
        end = _FRAME_HEADER.size + length
        if len(data) < end:
            break
        sink(kind, data[_FRAME_HEADER.size : end])
        data = data[end:]
    return data


def _write_through(kind: int, data: bytes) -> None:
    target = sys.stderr if kind == STDERR_STREAM else sys.stdout
    _write_all(target.fileno(), data)


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
