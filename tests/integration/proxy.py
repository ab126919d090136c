"""A TCP proxy for the engine's Unix socket: it stands for an engine on another machine."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine


@contextlib.contextmanager
def engine_proxy(engine: Engine, on_request: Callable[[bytes], None] | None = None) -> Iterator[int]:
    """Run a proxy for the engine until the end of the block; yields its port on 127.0.0.1.

    The callback `on_request` receives the data for the engine before the proxy passes it on.
    """
    path = engine.endpoint.url.removeprefix("unix://")
    server = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket, callback: Callable[[bytes], None] | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if callback is not None:
                    callback(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def forward(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(path)
            back = threading.Thread(target=pump, args=(upstream, client, None))
            back.start()
            pump(client, upstream, on_request)
            back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=forward, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
