"""The streams of a program in a container: its input, and its output and errors apart."""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    # Receives the number of the stream, which is one of the two below, and the bytes written to it.
    OutputCallback = Callable[[int, bytes], None]

CHUNK = 65_536
# The numbers of the output streams in a frame.
STDOUT_STREAM, STDERR_STREAM = 1, 2
# The header of a frame, as the engine API defines it for "attach to a container": the number of the stream,
# three unused bytes, and the length of the data that follows.
_FRAME_HEADER = struct.Struct(">BxxxL")


class Connection:
    """The two-way stream of a program in a container."""

    def __init__(self, stream: object) -> None:
        """Take over the stream that the SDK returned: a socket, or an object around one."""
        # The SDK has no public access to the socket, whose class depends on how the engine is reached.
        self.socket = cast("socket.socket", getattr(stream, "_sock", stream))
        self.socket.settimeout(None)
        self._early = _already_buffered(stream, self.socket)

    @property
    def has_buffered(self) -> bool:
        """Whether data can be read at once that `select` does not see: it is in a buffer of this process."""
        pending = getattr(self.socket, "pending", None)
        return bool(self._early) or bool(pending and pending())

    def receive(self) -> bytes:
        """The next data; empty at the end of the stream."""
        if self._early:
            early, self._early = self._early, b""
            return early
        try:
            return self.socket.recv(CHUNK)
        except ConnectionResetError:
            return b""

    def send(self, data: bytes) -> None:
        """Send all of `data`; does nothing if the program has ended."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def end_input(self) -> None:
        """Close the program's standard input."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)


def _already_buffered(stream: object, raw: socket.socket) -> bytes:
    """The data after the headers of the response that the HTTP client has already taken from the socket."""
    response = getattr(stream, "_response", None)
    # Private attributes of urllib3 and http.client, which have no types.
    buffer: Any = getattr(getattr(getattr(response, "raw", None), "_fp", None), "fp", None)
    if not hasattr(buffer, "peek"):
        return b""
    raw.settimeout(0)
    try:
        data = bytes(buffer.peek(1))
        return bytes(buffer.read1(len(data))) if data else b""
    finally:
        raw.settimeout(None)


def attach_pipes(connection: Connection, on_output: OutputCallback, stdin: bytes | None) -> None:
    """Send input to a program and pass its output to `on_output`, until the program ends.

    The input is `stdin`, or this process's own standard input if `stdin` is None.
    """
    with _input_of(stdin) as source:
        _pump(connection, on_output, source)


@contextmanager
def _input_of(stdin: bytes | None) -> Iterator[int]:
    """A file descriptor to read `stdin` from, or this process's own standard input."""
    if stdin is None:
        yield sys.stdin.fileno()
        return
    with tempfile.TemporaryFile() as file:
        file.write(stdin)
        file.flush()
        file.seek(0)
        yield file.fileno()


def _pump(connection: Connection, on_output: OutputCallback, source: int) -> None:
    sources: list[socket.socket | int] = [connection.socket, source]
    pending = b""
    while True:
        ready = [connection.socket] if connection.has_buffered else select.select(sources, [], [])[0]
        if connection.socket in ready:
            data = connection.receive()
            if not data:
                return
            pending = _split_frames(pending + data, on_output)
        if source in ready:
            data = os.read(source, CHUNK)
            if data:
                connection.send(data)
            else:
                sources.remove(source)
                connection.end_input()


def _split_frames(data: bytes, on_output: OutputCallback) -> bytes:
    """Pass the complete frames in `data` to `on_output`, and return the rest."""
    while len(data) >= _FRAME_HEADER.size:
        stream, length = _FRAME_HEADER.unpack_from(data)
        end = _FRAME_HEADER.size + length
        if len(data) < end:
            break
        on_output(stream, data[_FRAME_HEADER.size : end])
        data = data[end:]
    return data


def write_through(stream: int, data: bytes) -> None:
    """Write the data to this process's own standard output or standard error."""
    target = sys.stderr if stream == STDERR_STREAM else sys.stdout
    _write_all(target.fileno(), data)


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]
