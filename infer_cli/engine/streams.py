"""The streams of a program in a container: its input, and its output and errors apart."""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    # Takes the kind of stream and what was written to it.
    Sink = Callable[[int, bytes], None]

CHUNK = 65_536
# Kinds of stream in a frame.
STDOUT_STREAM, STDERR_STREAM = 1, 2
# Kind of stream, three bytes of nothing, length of what follows, as the engine API's "attach" has it.
_FRAME_HEADER = struct.Struct(">BxxxL")


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
            return self.socket.recv(CHUNK)
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
            data = os.read(source, CHUNK)
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


def write_through(kind: int, data: bytes) -> None:
    """Write the data to this process's own standard output or standard error."""
    target = sys.stderr if kind == STDERR_STREAM else sys.stdout
    _write_all(target.fileno(), data)


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
