from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.streams import STDERR_STREAM, STDOUT_STREAM, Connection, attach_pipes

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The socket of infer, and the socket of the engine that it is connected to."""
    ours, engines = socket.socketpair()
    with ours, engines:
        yield ours, engines


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def test_output_and_errors_arrive_apart(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, engines = pair
    seen: list[tuple[int, bytes]] = []
    engines.sendall(frame(STDOUT_STREAM, b"out") + frame(STDERR_STREAM, b"err") + frame(STDOUT_STREAM, b""))
    engines.shutdown(socket.SHUT_WR)

    attach_pipes(Connection(ours), lambda *data: seen.append(data), b"")

    assert seen == [(STDOUT_STREAM, b"out"), (STDERR_STREAM, b"err"), (STDOUT_STREAM, b"")]


def test_a_frame_that_arrives_in_pieces_is_put_together(pair: tuple[socket.socket, socket.socket]) -> None:
    """The HTTP client had already read the first bytes of the frame."""
    ours, engines = pair
    seen: list[tuple[int, bytes]] = []
    whole = frame(STDOUT_STREAM, b"in pieces")
    connection = Connection(ours)
    connection._early = whole[:3]
    engines.sendall(whole[3:])
    engines.shutdown(socket.SHUT_WR)

    attach_pipes(connection, lambda *data: seen.append(data), b"")

    assert seen == [(STDOUT_STREAM, b"in pieces")]


def test_the_program_gets_the_whole_input_and_its_end(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, engines = pair
    received = bytearray()

    def run_program() -> None:
        while data := engines.recv(65_536):
            received.extend(data)
        engines.shutdown(socket.SHUT_WR)

    program = threading.Thread(target=run_program)
    program.start()
    attach_pipes(Connection(ours), lambda *_: pytest.fail("the program wrote nothing"), b"x" * 200_000)
    program.join()

    assert bytes(received) == b"x" * 200_000


def test_input_for_a_program_that_has_ended_is_dropped(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, engines = pair
    connection = Connection(ours)
    engines.close()

    connection.send(b"x")
    connection.end_input()

    assert connection.receive() == b""
