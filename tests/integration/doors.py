"""Ways to the engine."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine


@contextlib.contextmanager
def tcp_door(engine: Engine, before: Callable[[bytes], None] | None = None) -> Iterator[int]:
    """The port of the engine's socket, reached over TCP as one on another host would be.

    `before` is given what is sent to the engine before it is passed on.
    """
    path = engine.endpoint.url.removeprefix("unix://")
    server = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, target: socket.socket, look: Callable[[bytes], None] | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if look is not None:
                    look(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def carry(client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as upstream:
            upstream.connect(path)
            back = threading.Thread(target=pump, args=(upstream, client, None))
            back.start()
            pump(client, upstream, before)
            back.join()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=carry, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield int(server.getsockname()[1])
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
