"""Clients that ask a service all the time, while its model or its certificate is exchanged."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROW = {"slength": 6.1, "swidth": 2.8, "plength": 4.9, "pwidth": 1.5}
QUERY = "/prediction?" + "&".join(f"{name}={value}" for name, value in ROW.items())


class Load:
    """Clients that ask all the time, and compare each answer with that of the model that it names."""

    def __init__(
        self, connect: Callable[[], http.client.HTTPConnection], known: dict[str, list[float]]
    ) -> None:
        self._connect = connect
        self.known = known
        self.problems: list[str] = []
        self.digests: set[str] = set()
        self.answers = 0
        self._ends = threading.Event()

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        # Whether a connection is kept, and the longest pause between two requests.
        kinds = [(True, 0.0), (True, 0.01), (False, 0.0), (False, 0.01), (True, 0.5), (True, 1.5)]
        clients = [threading.Thread(target=self._ask, args=kind) for kind in kinds]
        for client in clients:
            client.start()
        yield
        self._ends.set()
        for client in clients:
            client.join()

    def _ask(self, is_kept: bool, pause_s: float) -> None:  # noqa: FBT001 (the arguments of a thread)
        while not self._ends.is_set():
            with contextlib.closing(self._connect()) as connection:
                try:
                    self._ask_on(connection, pause_s, is_kept=is_kept)
                except (OSError, http.client.HTTPException, ValueError) as error:
                    self.problems.append(repr(error))

    def _ask_on(self, connection: http.client.HTTPConnection, pause_s: float, *, is_kept: bool) -> None:
        connection.connect()
        # Otherwise the client would itself ask again where a connection was closed.
        connection.auto_open = 0
        is_last = False
        while not is_last and not self._ends.wait(random.uniform(0, pause_s)):  # noqa: S311 (no secret)
            connection.request("GET", QUERY)
            response = connection.getresponse()
            self._check(response, json.loads(response.read()))
            is_last = not is_kept or response.getheader("Connection") == "close"

    def _check(self, response: http.client.HTTPResponse, answer: dict[str, Any]) -> None:
        self.answers += 1
        digest = response.getheader("X-Model-Digest", "")
        self.digests.add(digest)
        if response.status != 200 or list(answer["probabilities"].values()) != self.known[digest]:
            self.problems.append(f"{response.status} {digest} {answer}")
