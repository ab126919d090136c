"""Clients that would keep others from being served: on a running service, and one rule at a time."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import resource
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from service.admission import Admission
from service.workers.guard import ANSWER_GRACE_S, Guard
from service.workers.tcp_sockets import Connection, TcpSockets
from tests.service.conftest import SLOW, needs_newer_granian

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Service

    Start = Callable[..., Service]
    Pair = tuple[socket.socket, socket.socket]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of its connections")

ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
HEAD = b"POST /prediction HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: "
DEADLINE_S = 60
# More than the places for bodies, and more than the connections that a worker keeps.
SLOW_BODIES = 300
IDLE = 5000


@pytest.fixture
def many_files() -> Iterator[int]:
    """Let this process open many connections, and tell how many."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = IDLE + 500 if before[1] == resource.RLIM_INFINITY else min(IDLE + 500, before[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(most, before[0]), before[1]))
    yield most - 500
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def status_of(service: Service, method: str, path: str, body: object = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        sent = None if body is None else json.dumps(body)
        connection.request(method, path, sent, {"Content-Type": "application/json"})
        return connection.getresponse().status


@needs_newer_granian
def test_bodies_that_come_byte_by_byte_make_room(
    classifier: LogisticRegression, save: Callable[..., Path], start_service: Start
) -> None:
    service = start_service(save(classifier), WORKERS="1")
    with contextlib.ExitStack() as stack:
        slow = []
        for _ in range(SLOW_BODIES):
            slow.append(stack.enter_context(socket.create_connection(("127.0.0.1", service.port))))
            slow[-1].sendall(HEAD + b"99999\r\n\r\n{")
        answers = []
        deadline = time.monotonic() + DEADLINE_S
        while slow and time.monotonic() < deadline:
            assert status_of(service, "GET", "/readyz") == 200
            assert status_of(service, "GET", "/metrics") == 200
            for one in list(slow):
                one.settimeout(0)
                with contextlib.suppress(BlockingIOError):
                    with contextlib.suppress(ConnectionError):
                        one.send(b" ")
                        answers.append(one.recv(100)[9:12])
                    slow.remove(one)
            time.sleep(0.2)

        assert not slow
        assert {b"408", b"503"} >= set(answers) - {b""}
        assert b"408" in answers
        assert status_of(service, "POST", "/prediction", ROW) == 200


@needs_newer_granian
def test_idle_connections_make_room_and_no_prediction_is_lost(
    many_files: int,
    save: Callable[..., Path],
    make_instance: Callable[[str, str], object],
    start_service: Start,
) -> None:
    service = start_service(save(make_instance("Slow", SLOW), "slow.pkl"), WORKERS="1")
    long: list[int] = []
    asking = [
        threading.Thread(target=lambda: long.append(status_of(service, "GET", "/prediction?x0=5"))),
        threading.Thread(target=lambda: long.append(status_of(service, "POST", "/prediction", {"x0": 5.0}))),
    ]
    for thread in asking:
        thread.start()
    with contextlib.ExitStack() as stack:
        for _ in range(many_files):
            idle = stack.enter_context(socket.socket())
            idle.settimeout(0)
            with contextlib.suppress(BlockingIOError):
                idle.connect(("127.0.0.1", service.port))

        answers = [status_of(service, "GET", path) for path in ("/readyz", "/prediction?x0=0") * 5]

        for thread in asking:
            thread.join()
    assert answers == [200] * 10
    assert long == [200, 200]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        yield listener


@pytest.fixture
def connect(listener: socket.socket) -> Iterator[Callable[[], Pair]]:
    """Make a connection: the client's end, and the server's, which the guard sees."""
    with contextlib.ExitStack() as stack:

        def make() -> Pair:
            client = stack.enter_context(socket.create_connection(listener.getsockname()))
            server, _ = listener.accept()
            server.settimeout(DEADLINE_S)
            return client, stack.enter_context(server)

        yield make


@pytest.fixture
def admission() -> Admission:
    return Admission()


@pytest.fixture
def guard(listener: socket.socket, admission: Admission) -> Guard:
    return Guard(TcpSockets(listener.getsockname()[1]), admission, most=10)


def send(pair: Pair, data: bytes) -> None:
    client, server = pair
    client.sendall(data)
    server.recv(len(data))


def is_open(server: socket.socket) -> bool:
    server.settimeout(0)
    try:
        return bool(server.recv(1))
    except BlockingIOError:
        return True
    except OSError:
        return False


def drain(client: socket.socket) -> None:
    while client.recv(1_000_000):
        pass


def test_what_the_kernel_tells(listener: socket.socket, connect: Callable[[], Pair]) -> None:
    pair = connect()
    sockets = TcpSockets(listener.getsockname()[1])
    send(pair, b"x" * 1000)

    [found] = sockets.look()

    assert found.descriptor == pair[1].fileno()
    assert (found.received, found.unsent) == (1000, 0)
    pair[1].close()
    assert list(sockets.look()) == []


def test_a_body_below_the_least_rate_is_ended_and_can_be_answered(
    guard: Guard, connect: Callable[[], Pair]
) -> None:
    slow, fast = connect(), connect()
    now = time.monotonic()
    send(slow, b"POST")
    send(fast, b"POST")
    guard.look(now)
    send(slow, b"x")
    send(fast, b"x" * 10_000)

    guard.look(now + 10)

    assert not is_open(slow[1])
    slow[1].sendall(b"408")
    assert slow[0].recv(3) == b"408"
    assert is_open(fast[1])


def ask_each_second(guard: Guard, pair: Pair, seconds: int) -> None:
    """Let a client ask, and have its answer, before each of as many looks of the guard."""
    client, server = pair
    now = time.monotonic()
    for second in range(seconds):
        send(pair, b"GET")
        server.sendall(b"200")
        client.recv(3)
        guard.look(now + second)


def test_short_requests_that_are_answered_at_once_are_no_slow_body(
    guard: Guard, connect: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel's clock ticks every few milliseconds: a request and its answer may have the same time."""
    pair = connect()
    look = guard._sockets.look

    def in_one_tick() -> Iterator[Connection]:
        return (one._replace(received_ms_ago=one.sent_ms_ago) for one in look())

    monkeypatch.setattr(guard._sockets, "look", in_one_tick)

    ask_each_second(guard, pair, 12)

    assert is_open(pair[1])


def test_short_answers_that_are_read_are_no_answer_that_is_not(
    guard: Guard, connect: Callable[[], Pair], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's kernel may take 40 ms to tell that an answer has come, and a look may be within them."""
    pair = connect()
    look = guard._sockets.look

    def before_the_news() -> Iterator[Connection]:
        return (one._replace(acknowledged=one.acknowledged + one.unsent - 3, unsent=3) for one in look())

    monkeypatch.setattr(guard._sockets, "look", before_the_news)

    ask_each_second(guard, pair, 2 * ANSWER_GRACE_S)

    assert is_open(pair[1])


def test_a_request_that_may_be_predicted_is_let_alone(
    guard: Guard, connect: Callable[[], Pair], admission: Admission, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("BODY_GRACE_S", "STALLED_BODY_S", "IDLE_S"):
        monkeypatch.setattr(f"service.workers.guard.{name}", 0.1)
    pair = connect()
    send(pair, b"GET")
    place = admission.predictions.take()
    assert place is not None
    for _ in range(3):
        time.sleep(0.2)
        guard.look(time.monotonic())
        assert is_open(pair[1])

    # Once nothing is predicted, nothing explains that no answer comes.
    admission.predictions.give_back(place)
    guard.look(time.monotonic())

    assert not is_open(pair[1])


def test_the_oldest_idle_connections_make_room(guard: Guard, connect: Callable[[], Pair]) -> None:
    asking = connect()
    send(asking, b"GET")
    idle = []
    for _ in range(10):
        idle.append(connect()[1])
        # The kernel's times are as exact as its ticks.
        time.sleep(0.02)

    guard.look(time.monotonic())

    assert [is_open(one) for one in idle] == [False] * 2 + [True] * 8
    assert is_open(asking[1])


def fill(server: socket.socket) -> None:
    """Send until neither kernel takes any more."""
    server.settimeout(0)
    with contextlib.suppress(BlockingIOError):
        while True:
            server.send(b"x" * 100_000)


def test_looking_leaves_no_descriptor_open(guard: Guard, connect: Callable[[], Pair], tmp_path: Path) -> None:
    pair = connect()
    reader, writer = os.pipe()
    with (tmp_path / "file").open("wb"), socket.socket(socket.AF_UNIX), socket.socket(type=socket.SOCK_DGRAM):
        before = os.listdir("/proc/self/fd")  # noqa: PTH208 (names are enough)

        for look in range(5):
            guard.look(time.monotonic() + look)

        assert os.listdir("/proc/self/fd") == before  # noqa: PTH208 (see above)
    for descriptor in (reader, writer):
        os.close(descriptor)
    assert is_open(pair[1])


def test_an_answer_that_is_not_read_is_forgotten(guard: Guard, connect: Callable[[], Pair]) -> None:
    client, server = connect()
    fill(server)
    now = time.monotonic()

    # At first, the kernel of the client still takes some.
    for look in range(4):
        guard.look(now + look * (ANSWER_GRACE_S + 1))

    assert not is_open(server)
    server.close()
    client.settimeout(DEADLINE_S)
    with pytest.raises(ConnectionResetError):
        drain(client)


def test_an_answer_that_is_read_goes_on(guard: Guard, connect: Callable[[], Pair]) -> None:
    client, server = connect()
    fill(server)
    now = time.monotonic()
    guard.look(now)
    client.settimeout(DEADLINE_S)
    left = 500_000
    while left:
        left -= len(client.recv(left))

    guard.look(now + ANSWER_GRACE_S + 1)

    assert is_open(server)


def test_a_body_that_breaks_off_is_no_prediction(
    classifier: LogisticRegression, save: Callable[..., Path], start_service: Start
) -> None:
    service = start_service(save(classifier), WORKERS="1")
    line = json.dumps(ROW).encode()
    head = HEAD.replace(b"/prediction", b"/invocations").replace(
        b"application/json", b"application/jsonlines"
    )

    with socket.create_connection(("127.0.0.1", service.port), timeout=DEADLINE_S) as connection:
        # The second line is announced, and does not come.
        connection.sendall(head + b"%d\r\n\r\n%s\n" % (2 * len(line) + 2, line))
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(10_000)

    assert b" 200 " not in answer
