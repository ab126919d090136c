"""Clients that ask a service while its workers are replaced."""

from __future__ import annotations

import contextlib
import http.client
import threading
from typing import TYPE_CHECKING

from tests.service.workers.test_supervisor import QUERY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Clients:
    """Clients that ask until they are told to stop, on connections that they keep, or on new ones."""

    def __init__(self, connect: Callable[[], http.client.HTTPConnection]) -> None:
        self._connect = connect
        self.is_over = threading.Event()
        self.answers = 0
        self.problems: list[str] = []

    def ask(self, pause_s: float, *, keeps: bool) -> None:
        """Ask again and again, and note what has no answer."""
        while not self.is_over.is_set():
            connection = self._connect()
            with contextlib.closing(connection):
                try:
                    self._ask_on(connection, pause_s, keeps=keeps)
                except (OSError, http.client.HTTPException) as error:
                    self.problems.append(repr(error))

    def _ask_on(self, connection: http.client.HTTPConnection, pause_s: float, *, keeps: bool) -> None:
        connection.connect()
        # Otherwise the client would itself ask again where a connection was closed.
        connection.auto_open = 0
        is_last = False
        while not is_last and not self.is_over.wait(pause_s):
            connection.request("GET", QUERY)
            response = connection.getresponse()
            response.read()
            if response.status == 200:
                self.answers += 1
            else:
                self.problems.append(str(response.status))
            is_last = not keeps or response.getheader("Connection") == "close"


@contextlib.contextmanager
def asking(connect: Callable[[], http.client.HTTPConnection]) -> Iterator[Clients]:
    """Let clients ask during the block."""
    clients = Clients(connect)
    threads = [
        threading.Thread(target=clients.ask, args=(pause_s,), kwargs={"keeps": keeps}, daemon=True)
        for pause_s, keeps in ((0, True), (0, True), (0.01, True), (0.2, True), (0, False), (0.01, False))
    ]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.is_over.set()
        for thread in threads:
            thread.join()
