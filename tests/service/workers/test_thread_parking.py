"""Of the server's threads one works at a time, and no request waits for a thread that does not come."""

from __future__ import annotations

import hashlib
import http.client
import json
import queue
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from service.workers.thread_parking import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Service

    Start = Callable[..., Service]

PATH = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"
ROW = b'{"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}'
SOON_S = 20.0


class Server:
    """What the real server does with its threads: all take requests from one queue."""

    def __init__(self, turns: Turns, threads: int) -> None:
        self._turns = turns
        self._requests: queue.Queue[tuple[dict[str, Any], queue.Queue[bytes]]] = queue.Queue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def ask(self, **environ: Any) -> queue.Queue[bytes]:
        """Where the answer will be."""
        answer: queue.Queue[bytes] = queue.Queue()
        self._requests.put((environ, answer))
        return answer

    def _work(self) -> None:
        while True:
            environ, answer = self._requests.get()
            parts: Any = self._turns(environ, lambda *_: lambda _: None)
            answer.put(b"".join(parts))
            if hasattr(parts, "close"):
                parts.close()


def application(environ: dict[str, Any], _start: object) -> Iterable[bytes]:
    if "wait" in environ:
        environ["began"].set()
        environ["wait"].wait(SOON_S)
    return [environ["name"]]


def wait_until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_all_but_one_thread_go_to_sleep() -> None:
    turns = Turns(application)
    server = Server(turns, 8)
    holds = [threading.Event() for _ in range(8)]
    began = [threading.Event() for _ in range(8)]
    for number, (hold, start) in enumerate(zip(holds, began, strict=True)):
        server.ask(name=b"%d" % number, wait=hold, began=start)
    for start in began:
        assert start.wait(SOON_S)
    for hold in holds:
        hold.set()

    answers = [server.ask(name=b"%d" % number) for number in range(200)]

    assert [answer.get(timeout=SOON_S) for answer in answers] == [b"%d" % number for number in range(200)]
    wait_until(lambda: len(turns._asleep) == 7)
    assert len(turns._awake) == 1


def test_another_one_is_woken_for_each_that_is_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    # However many there are, here.
    monkeypatch.setattr("service.workers.thread_parking.FEW_TICKS", -1)
    turns = Turns(application)
    server = Server(turns, 4)
    for _ in range(3):
        holds = [threading.Event() for _ in range(3)]
        for hold in holds:
            start = threading.Event()
            server.ask(name=b"slow", wait=hold, began=start)
            assert start.wait(SOON_S)
        assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
        for hold in holds:
            hold.set()
        for _ in range(50):
            assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
        wait_until(lambda: len(turns._asleep) == 3)


def test_another_one_is_woken_at_once_for_a_long_body() -> None:
    turns = Turns(application)
    server = Server(turns, 4)
    holds = [threading.Event() for _ in range(3)]
    for hold in holds:
        start = threading.Event()
        server.ask(name=b"long", wait=hold, began=start, CONTENT_LENGTH="10000")
        assert start.wait(SOON_S)
        assert not turns._awake
    for hold in holds:
        hold.set()

    for _ in range(50):
        assert server.ask(name=b"quick", CONTENT_LENGTH="9999").get(timeout=SOON_S) == b"quick"

    wait_until(lambda: len(turns._asleep) == 3)


def test_all_are_let_go_when_there_is_nothing_to_do() -> None:
    turns = Turns(application)
    server = Server(turns, 4)
    answers = [server.ask(name=b"a") for _ in range(500)]
    for answer in answers:
        answer.get(timeout=SOON_S)

    wait_until(lambda: not turns._is_watched)

    assert turns._asleep == []
    assert server.ask(name=b"again").get(timeout=SOON_S) == b"again"


def test_threads_that_end_are_forgotten() -> None:
    """The one that is left must not go to sleep."""
    turns = Turns(application)

    def ask_while_watched() -> None:
        for _ in range(20):
            assert b"".join(turns({"name": b"a"}, lambda *_: lambda _: None)) == b"a"
            time.sleep(0.005)

    for _ in range(3):
        thread = threading.Thread(target=ask_while_watched)
        thread.start()
        thread.join()

    wait_until(lambda: len(turns._awake) == 0)
    server = Server(turns, 1)
    for _ in range(100):
        assert server.ask(name=b"again").get(timeout=SOON_S) == b"again"
    assert turns._asleep == []


def hold_up(server: Server, count: int) -> list[threading.Event]:
    holds = [threading.Event() for _ in range(count)]
    for hold in holds:
        start = threading.Event()
        server.ask(name=b"slow", wait=hold, began=start)
        assert start.wait(SOON_S)
    return holds


def test_nobody_sleeps_while_many_are_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.workers.thread_parking.OPEN_TICKS", 50)
    turns = Turns(application)
    server = Server(turns, 12)

    def one_is_awake() -> bool:
        server.ask(name=b"quick").get(timeout=SOON_S)
        return len(turns._asleep) == 11

    for hold in hold_up(server, 12):
        hold.set()
    wait_until(one_is_awake)
    # Each begins when the one before it was noticed.
    holds = hold_up(server, 8)
    wait_until(lambda: turns._tick < turns._open_until)
    for _ in range(50):
        assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
    assert turns._asleep == []
    for hold in holds:
        hold.set()

    wait_until(one_is_awake)


def test_many_that_are_held_up_at_once_happened_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.workers.thread_parking.TICK_S", 1.0)
    turns = Turns(application)
    server = Server(turns, 12)

    holds = hold_up(server, 8)
    wait_until(lambda: not turns._awake)

    assert len(turns._hold_ups) == 1
    assert turns._open_until == 0
    for hold in holds:
        hold.set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a thread")
def test_a_thread_that_waits_for_a_processor_is_not_held_up_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.workers.thread_parking.RUNNING_TICKS", 10_000)
    began, is_over = threading.Event(), threading.Event()

    def work(_environ: object, _start: object) -> Iterable[bytes]:
        began.set()
        while not is_over.is_set():
            # Without the interpreter, as a model's own code works.
            hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000)
        return [b"done"]

    turns = Turns(work)
    answer = Server(turns, 1).ask()
    assert began.wait(SOON_S)
    (seat,) = turns._awake
    before = turns._tick
    wait_until(lambda: turns._tick > before + 5)
    was_held_up, was_running = seat.is_held_up, seat.is_running()
    monkeypatch.setattr("service.workers.thread_parking.RUNNING_TICKS", 4)
    wait_until(lambda: seat.is_held_up)
    is_over.set()

    assert answer.get(timeout=SOON_S) == b"done"
    assert (was_held_up, was_running) == (False, True)


def test_without_another_thread_nobody_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns(application)
    server = Server(turns, 4)

    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr("service.workers.thread_parking.threading.Thread.start", fail)
        for _ in range(50):
            assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
        assert turns._asleep == []

    assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
    assert turns._is_watched


def test_an_error_of_the_application_holds_nothing() -> None:
    def failing(_environ: object, _start: object) -> Iterable[bytes]:
        raise LookupError

    turns = Turns(failing)
    for _ in range(3):
        with pytest.raises(LookupError):
            turns({}, lambda *_: lambda _: None)

    (seat,) = turns._awake
    assert not seat.is_busy


@contextmanager
def half_a_request(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        lines = ("POST /prediction HTTP/1.1", "Host: a", "Content-Type: application/json")
        head = "\r\n".join((*lines, f"Content-Length: {len(ROW)}", "", ""))
        connection.sendall(head.encode() + ROW[:10])
        yield connection


def test_clients_that_send_slowly_keep_nobody_waiting(
    classifier: LogisticRegression, save: Callable[..., Path], start_service: Start
) -> None:
    service = start_service(save(classifier), WORKERS="1")
    with ExitStack() as stack:
        slow = [stack.enter_context(half_a_request(service.port)) for _ in range(40)]

        def ask(_: int) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=SOON_S)
            statuses = []
            for _ in range(25):
                connection.request("GET", PATH)
                response = connection.getresponse()
                assert json.loads(response.read())["prediction"] == "setosa"
                statuses.append(response.status)
            connection.close()
            return sum(statuses)

        with ThreadPoolExecutor(16) as pool:
            assert list(pool.map(ask, range(16))) == [25 * 200] * 16
        assert service.request("GET", "/readyz")[0] == 200
        for connection in slow:
            connection.sendall(ROW[10:])
        for connection in slow:
            connection.settimeout(SOON_S)
            assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK")
