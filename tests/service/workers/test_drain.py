"""The end of a service, seen by clients whose connections are open."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import threading
import time
from typing import TYPE_CHECKING

from tests.service.conftest import SLOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Service

    Start = Callable[..., Service]
    Save = Callable[..., Path]

QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"


def ask_on(port: int, problems: list[str], begun: threading.Barrier, ended: list[int]) -> None:
    """Ask on one connection as long as the service keeps it open; note what has no answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.auto_open = 0
    connection.connect()
    with contextlib.closing(connection):
        for number in range(10**9):
            if number == 1:
                begun.wait()
            try:
                connection.request("GET", QUERY)
                response = connection.getresponse()
                response.read()
            except (OSError, http.client.HTTPException) as error:
                problems.append(repr(error))
                return
            if response.status != 200:
                problems.append(str(response.status))
            if response.getheader("Connection") == "close":
                ended.append(number)
                return
            time.sleep(0.01)


def test_connections_that_are_in_use_end_with_an_answer(
    classifier: LogisticRegression, save: Save, start_service: Start
) -> None:
    service = start_service(save(classifier), WORKERS="2", DRAIN_SECONDS="40")
    problems: list[str] = []
    ended: list[int] = []
    begun = threading.Barrier(10)
    clients = [threading.Thread(target=ask_on, args=(service.port, problems, begun, ended)) for _ in range(9)]
    for client in clients:
        client.start()
    begun.wait()

    code, log = service.stop()

    for client in clients:
        client.join()
    assert (problems, len(ended), code) == ([], 9, 0)
    assert "Killing" not in log


def test_a_service_that_is_to_end_is_not_ready_and_answers_what_it_has(
    save: Save, make_instance: Callable[[str, str], object], start_service: Start
) -> None:
    service = start_service(save(make_instance("Slow", SLOW), "slow.pkl"), WORKERS="1", DRAIN_SECONDS="40")
    open_one = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    slow = http.client.HTTPConnection("127.0.0.1", service.port, timeout=60)
    with contextlib.closing(open_one), contextlib.closing(slow):
        slow.request("GET", "/prediction?x0=2")
        open_one.request("GET", "/livez")
        open_one.getresponse().read()

        service.process.send_signal(signal.SIGTERM)

        # The same connection is asked until an answer ends it: that one says that the service is not ready.
        statuses = []
        while "close" not in statuses:
            open_one.request("GET", "/readyz")
            response = open_one.getresponse()
            body = json.loads(response.read())
            statuses += [str(response.status), response.getheader("Connection", "")]
        assert (response.status, body) == (503, {"status": "stopping"})
        assert slow.getresponse().status == 200
    assert service.wait_for_end()[0] == 0
