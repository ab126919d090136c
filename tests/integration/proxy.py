"""Proxies for the engine's Unix socket: one stands for an engine on another machine, one for an empty one."""

from __future__ import annotations

import contextlib
import json
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine


@contextlib.contextmanager
def engine_proxy(engine: Engine, on_request: Callable[[bytes], None] | None = None) -> Iterator[int]:
    """Run a proxy for the engine until the end of the block; yields its port on 127.0.0.1.

    The callback `on_request` receives the data for the engine before the proxy passes it on.
    """

    def look(data: bytes) -> bytes:
        if on_request is not None:
            on_request(data)
        return data

    server = socket.create_server(("127.0.0.1", 0))
    with _forwarding(engine, server, look):
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
        with _forwarding(engine, server, narrow):
            yield f"unix://{path}"


@contextlib.contextmanager
def _forwarding(engine: Engine, server: socket.socket, change: Callable[[bytes], bytes]) -> Iterator[None]:
    """Forward connections of `server` to the engine; `change` gives what is sent for what was received."""
    path = engine.endpoint.url.removeprefix("unix://")

    def pump(source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes] | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data if change is None else change(data))
            target.shutdown(socket.SHUT_WR)

    def forward(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(path)
            back = threading.Thread(target=pump, args=(upstream, client, None))
            back.start()
            pump(client, upstream, change)
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
