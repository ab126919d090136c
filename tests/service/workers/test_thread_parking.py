"""Of the server's threads one is active at a time, and no request waits for a parked thread."""

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
from typing import TYPE_CHECKING

import pytest

from service.workers.thread_parking import ThreadParking
from tests.service.conftest import needs_newer_granian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from _typeshed.wsgi import WSGIEnvironment
    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Service

    Start = Callable[..., Service]

PATH = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"
ROW = b'{"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}'
SOON_S = 20.0


class Server:
    """As the real server: each thread takes its next request from one queue."""

    def __init__(self, parking: ThreadParking, threads: int) -> None:
        self._parking = parking
        self._requests: queue.Queue[tuple[WSGIEnvironment, queue.Queue[bytes]]] = queue.Queue()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def ask(self, **environ: object) -> queue.Queue[bytes]:
        """Send a request; give the queue in which its answer will be."""
        answer: queue.Queue[bytes] = queue.Queue()
        self._requests.put((environ, answer))
        return answer

    def _work(self) -> None:
        while True:
            environ, answer = self._requests.get()
            parts = self._parking(environ, lambda *_: lambda _: None)
            answer.put(b"".join(parts))
            close = getattr(parts, "close", None)
            if close:
                close()


def application(environ: WSGIEnvironment, _start: object) -> Iterable[bytes]:
    if "wait" in environ:
        environ["began"].set()
        environ["wait"].wait(SOON_S)
    return [environ["name"]]


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_all_threads_but_one_are_parked() -> None:
    parking = ThreadParking(application)
    server = Server(parking, 8)
    releases = [threading.Event() for _ in range(8)]
    began = [threading.Event() for _ in range(8)]
    for number, (release, start) in enumerate(zip(releases, began)):
        server.ask(name=b"%d" % number, wait=release, began=start)
    for start in began:
        assert start.wait(SOON_S)
    for release in releases:
        release.set()

    answers = [server.ask(name=b"%d" % number) for number in range(200)]

    assert [answer.get(timeout=SOON_S) for answer in answers] == [b"%d" % number for number in range(200)]
    wait_until(lambda: len(parking._parked) == 7)
    assert len(parking._active) == 1


def test_another_thread_is_unparked_for_each_thread_that_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    # Parking is never paused in this test.
    monkeypatch.setattr("service.workers.thread_parking.SLOW_CLIENT_TICKS", -1)
    parking = ThreadParking(application)
    server = Server(parking, 4)
    for _ in range(3):
        releases = [threading.Event() for _ in range(3)]
        for release in releases:
            start = threading.Event()
            server.ask(name=b"slow", wait=release, began=start)
            assert start.wait(SOON_S)
        assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
        for release in releases:
            release.set()
        for _ in range(50):
            assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
        wait_until(lambda: len(parking._parked) == 3)


def test_another_thread_is_unparked_at_once_for_a_long_body(monkeypatch: pytest.MonkeyPatch) -> None:
    # Parking is never paused in this test, however busy the machine is.
    monkeypatch.setattr("service.workers.thread_parking.SLOW_CLIENT_TICKS", -1)
    parking = ThreadParking(application)
    server = Server(parking, 4)
    releases = [threading.Event() for _ in range(3)]
    for release in releases:
        start = threading.Event()
        server.ask(name=b"long", wait=release, began=start, CONTENT_LENGTH="10000")
        assert start.wait(SOON_S)
        assert not parking._active
    for release in releases:
        release.set()

    def answers_with_one_thread() -> bool:
        assert server.ask(name=b"quick", CONTENT_LENGTH="9999").get(timeout=SOON_S) == b"quick"
        return len(parking._parked) == 3

    # While no request comes, no thread stays parked.
    wait_until(answers_with_one_thread)


def test_all_threads_are_unparked_when_no_requests_come() -> None:
    parking = ThreadParking(application)
    server = Server(parking, 4)
    answers = [server.ask(name=b"a") for _ in range(500)]
    for answer in answers:
        answer.get(timeout=SOON_S)

    wait_until(lambda: not parking._is_watched)

    assert parking._parked == []
    assert server.ask(name=b"again").get(timeout=SOON_S) == b"again"


def test_threads_that_end_are_forgotten() -> None:
    """The only thread that is left must not be parked."""
    parking = ThreadParking(application)

    def ask_while_watched() -> None:
        for _ in range(20):
            assert b"".join(parking({"name": b"a"}, lambda *_: lambda _: None)) == b"a"
            time.sleep(0.005)

    for _ in range(3):
        thread = threading.Thread(target=ask_while_watched)
        thread.start()
        thread.join()

    wait_until(lambda: len(parking._active) == 0)
    server = Server(parking, 1)
    for _ in range(100):
        assert server.ask(name=b"again").get(timeout=SOON_S) == b"again"
    assert parking._parked == []


def stall(server: Server, count: int) -> list[threading.Event]:
    releases = [threading.Event() for _ in range(count)]
    for release in releases:
        start = threading.Event()
        server.ask(name=b"slow", wait=release, began=start)
        assert start.wait(SOON_S)
    return releases


def test_no_thread_is_parked_for_a_while_after_many_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.workers.thread_parking.PAUSE_TICKS", 50)
    parking = ThreadParking(application)
    server = Server(parking, 12)

    def one_is_active() -> bool:
        server.ask(name=b"quick").get(timeout=SOON_S)
        return len(parking._parked) == 11

    for release in stall(server, 12):
        release.set()
    wait_until(one_is_active)
    # Each of these requests begins when the stall before it was noticed.
    releases = stall(server, 8)
    wait_until(lambda: parking._tick < parking._paused_until_tick)
    for _ in range(50):
        assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
    assert parking._parked == []
    for release in releases:
        release.set()

    wait_until(one_is_active)


def test_stalls_in_the_same_tick_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.workers.thread_parking.TICK_S", 1.0)
    parking = ThreadParking(application)
    server = Server(parking, 12)

    releases = stall(server, 8)
    wait_until(lambda: not parking._active)

    assert len(parking._stalls) == 1
    assert parking._paused_until_tick == 0
    for release in releases:
        release.set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the state of a thread")
def test_a_thread_that_uses_a_cpu_counts_as_stalled_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.workers.thread_parking.RUNNING_TICKS", 10_000)
    began, is_over = threading.Event(), threading.Event()

    def work(_environ: object, _start: object) -> Iterable[bytes]:
        began.set()
        while not is_over.is_set():
            # Without the interpreter lock, as the compiled code of a model works.
            hashlib.pbkdf2_hmac("sha256", b"", b"", 1_000_000)
        return [b"done"]

    parking = ThreadParking(work)
    answer = Server(parking, 1).ask()
    assert began.wait(SOON_S)
    (thread,) = parking._active
    before = parking._tick
    wait_until(lambda: parking._tick > before + 5)
    was_stalled, was_running = thread.is_stalled, thread.is_running()
    monkeypatch.setattr("service.workers.thread_parking.RUNNING_TICKS", 4)
    wait_until(lambda: thread.is_stalled)
    is_over.set()

    assert answer.get(timeout=SOON_S) == b"done"
    assert (was_stalled, was_running) == (False, True)


def test_without_a_watcher_no_thread_is_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    parking = ThreadParking(application)
    server = Server(parking, 4)

    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr("service.workers.thread_parking.threading.Thread.start", fail)
        for _ in range(50):
            assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
        assert parking._parked == []

    assert server.ask(name=b"quick").get(timeout=SOON_S) == b"quick"
    assert parking._is_watched


def test_a_thread_is_not_busy_after_an_error_of_the_application() -> None:
    def failing(_environ: object, _start: object) -> Iterable[bytes]:
        raise LookupError

    parking = ThreadParking(failing)
    for _ in range(3):
        with pytest.raises(LookupError):
            parking({}, lambda *_: lambda _: None)

    (thread,) = parking._active
    assert not thread.is_busy


@contextmanager
def half_a_request(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        lines = ("POST /prediction HTTP/1.1", "Host: a", "Content-Type: application/json")
        head = "\r\n".join((*lines, f"Content-Length: {len(ROW)}", "", ""))
        connection.sendall(head.encode() + ROW[:10])
        yield connection


@needs_newer_granian
def test_clients_that_send_slowly_do_not_delay_other_clients(
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
