from __future__ import annotations

import os
from types import SimpleNamespace
from typing import TYPE_CHECKING

from service.workers import succession
from service.workers.succession import Succession, Worker

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest


class FakeProcess:
    """What the server has of a process, without one."""

    def __init__(self, tell: Callable[[], None] | None = None) -> None:
        self.inner = SimpleNamespace(pid=2**22 + 1, exitcode=1)
        self.interrupt_by_parent = False
        self.lives = True
        self.tell_serving = tell

    def is_alive(self) -> bool:
        return self.lives

    def join(self) -> None:
        assert not self.lives

    def kill(self) -> None:
        self.lives = False

    terminate = kill


class Server:
    """Two workers, and a succession that starts further ones."""

    def __init__(self) -> None:
        self.workers: list[Worker] = [FakeProcess(), FakeProcess()]
        self.started: list[FakeProcess] = []
        self.reasons: list[str] = []
        self.succession = Succession(lambda: self.workers, self.start, self.reasons.append)

    def start(self, _: int, load: Callable[[int], object]) -> FakeProcess:
        # The process has a descriptor of its own.
        pipe = os.dup(load.args[2])  # type: ignore[attr-defined]  # a partial of `load_and_tell`

        def tell() -> None:
            os.write(pipe, b"1")
            os.close(pipe)

        self.started.append(FakeProcess(tell))
        return self.started[-1]

    def look(self) -> None:
        self.succession.look(lambda _: None, 5000, lambda _: False)


def test_one_worker_at_a_time_and_only_once_the_new_one_serves() -> None:
    server = Server()
    first, second = server.workers
    server.succession.begin()

    server.look()
    server.look()
    assert server.workers == [first, second]
    assert server.succession.others == [server.started[0]]

    assert server.started[0].tell_serving is not None
    server.started[0].tell_serving()
    server.look()
    assert server.workers == [server.started[0], second]
    assert (first.interrupt_by_parent, server.started[0].interrupt_by_parent) == (True, False)
    assert server.succession.others == [first]

    server.look()
    assert len(server.started) == 1
    first.lives = False
    server.look()
    server.look()
    assert len(server.started) == 2
    assert server.succession.others == [server.started[1]]


def test_a_worker_that_is_away_is_not_replaced() -> None:
    server = Server()
    server.succession.begin()

    for _ in range(2):
        server.succession.look(lambda _: None, 5000, lambda _: True)

    assert server.started == []
    assert not server.succession.is_active


def test_a_new_worker_that_ends_leaves_all_as_it_was() -> None:
    server = Server()
    before = list(server.workers)
    server.succession.begin()
    server.look()

    server.started[0].lives = False
    server.look()

    assert server.reasons == ["a new worker 1 ended with exit code 1"]
    assert server.workers == before
    assert not server.succession.is_active


def test_a_new_worker_that_takes_no_connections_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "START_S", -1)
    server = Server()
    server.succession.begin()
    server.look()

    server.look()

    assert not server.started[0].lives
    assert server.reasons == ["a new worker 1 took no connections within -1 s"]


def test_a_worker_that_ends_meanwhile_has_its_successor_already() -> None:
    server = Server()
    server.succession.begin()
    server.look()

    server.workers[0].lives = False

    assert not server.succession.takes_place(1)
    assert server.succession.takes_place(0)
    assert server.workers[0] is server.started[0]
    assert not server.started[0].interrupt_by_parent


def test_a_worker_that_does_not_leave_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "LEAVE_S", -100)
    server = Server()
    first = server.workers[0]
    server.succession.begin()
    server.look()
    assert server.started[0].tell_serving is not None
    server.started[0].tell_serving()
    server.look()

    server.look()

    assert not first.lives
