"""Proxies for the engine's Unix socket: one stands for an engine on another machine, one for an empty one."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine


class Cut(Exception):
    """Closes the connection: before the engine gets the data, or when its answer begins, which is lost."""

    def __init__(self, *, loses_answer: bool) -> None:
        self.loses_answer = loses_answer


@contextlib.contextmanager
def engine_proxy(engine: Engine, on_request: Callable[[bytes], None] | None = None) -> Iterator[int]:
    """Run a proxy for the engine until the end of the block; yields its port on 127.0.0.1.

    The callback `on_request` receives the data for the engine before the proxy passes it on, and may raise
    `Cut`.
    """

    def look(data: bytes) -> bytes:
        if on_request is not None:
            on_request(data)
        return data

    server = socket.create_server(("127.0.0.1", 0))
    with _forwarding(partial(_engine_socket, engine), server, look):
        yield int(server.getsockname()[1])


@contextlib.contextmanager
def private_engine(engine: Engine, name_part: str) -> Iterator[str]:
    """Run a proxy that lists only the containers with `name_part` in their names; yields its address.

    So the services of other tests, which share the engine, are not there for a command that uses the proxy.
    """

    def narrow(data: bytes) -> bytes:
        line, end, rest = data.partition(b"\r\n")
        method, _, target = line.decode("latin-1").partition(" ")
        url = urlsplit(target.partition(" ")[0])
        if method != "GET" or not url.path.endswith("/containers/json"):
            return data
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        query["filters"] = json.dumps({**json.loads(query.get("filters", "{}")), "name": [name_part]})
        return f"GET {url.path}?{urlencode(query)} HTTP/1.1".encode() + end + rest

    # Not in pytest's folder: the path of a socket has at most about 100 characters.
    with tempfile.TemporaryDirectory(prefix="infer-") as folder, socket.socket(socket.AF_UNIX) as server:
        path = Path(folder) / "engine.sock"
        server.bind(str(path))
        server.listen()
        with _forwarding(partial(_engine_socket, engine), server, narrow):
            yield f"unix://{path}"


@contextlib.contextmanager
def breaking_proxy(host: str, *, after_bytes: int) -> Iterator[tuple[str, list[int]]]:
    """Run a proxy for the TCP server at `host`; yields its own host with port, and a list of what it broke.

    It breaks the first connection on which the client sends more than `after_bytes`, once.
    """
    broken: list[int] = []
    sent: dict[int, int] = {}

    def look(data: bytes) -> bytes:
        thread = threading.get_ident()
        sent[thread] = sent.get(thread, 0) + len(data)
        if sent[thread] > after_bytes and not broken:
            broken.append(sent[thread])
            raise Cut(loses_answer=False)
        return data

    name, _, port = host.rpartition(":")
    server = socket.create_server((name, 0))
    with _forwarding(lambda: socket.create_connection((name, int(port))), server, look):
        yield f"{name}:{server.getsockname()[1]}", broken


@contextlib.contextmanager
def _forwarding(
    connect: Callable[[], socket.socket], server: socket.socket, change: Callable[[bytes], bytes]
) -> Iterator[None]:
    """Forward connections of `server`; `change` gives what is sent for what was received."""

    def forward(client: socket.socket) -> None:
        lost = threading.Event()
        with client, connect() as upstream:
            back = threading.Thread(target=_answer, args=(upstream, client, lost))
            back.start()
            _send(client, upstream, change, lost)
            back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=forward, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def _send(
    client: socket.socket, upstream: socket.socket, change: Callable[[bytes], bytes], lost: threading.Event
) -> None:
    with contextlib.suppress(OSError):
        while data := client.recv(65_536):
            try:
                changed = change(data)
            except Cut as cut:
                if not cut.loses_answer:
                    return _close(client, upstream)
                lost.set()
                changed = data
            upstream.sendall(changed)
        upstream.shutdown(socket.SHUT_WR)
    return None


def _answer(upstream: socket.socket, client: socket.socket, lost: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := upstream.recv(65_536):
            if lost.is_set():
                return _close(client, upstream)
            client.sendall(data)
        client.shutdown(socket.SHUT_WR)
    return None


def _engine_socket(engine: Engine) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(engine.endpoint.url.removeprefix("unix://"))
    return connection


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
