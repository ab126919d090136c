from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from infer_cli.errors import EngineError
from infer_cli.monitoring.watch import View, Watch
from tests.engine.conftest import docker_config, fake, fake_engine
from tests.monitoring.conftest import TEXT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine
    from tests.engine.fake_engine import FakeEngine, Json
    from tests.monitoring.conftest import Told

__all__ = ["docker_config", "fake", "fake_engine"]


def add(fake_engine: FakeEngine, name: str, told: Told, **state: object) -> Json:
    """A service that answers where the program does."""
    bindings = {"5000/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(told.port)}]}
    container = fake_engine.add_service(name, HostConfig={"PortBindings": bindings})
    container["State"] |= {"Health": {"Status": "healthy"}, **state}
    return container


def reasons(views: tuple[View, ...]) -> dict[str, str | None]:
    return {view.name: view.reason for view in views}


def test_figures_are_those_between_two_looks(
    fake: Engine, fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    told = start_told()
    add(fake_engine, "iris", told)
    watch = Watch(fake, timeout_s=10)
    [first] = watch.look()

    told.text = TEXT.replace("1.068275e+06", "1.068375e+06")
    [view] = watch.look()

    assert (first.reason, first.figures) == ("measuring", None)
    assert (view.health, view.reason) == ("healthy", None)
    assert view.figures
    assert round(view.figures.requests * view.figures.seconds) == 100
    assert view.url == f"http://localhost:{told.port}"


def test_the_engine_tells_what_a_service_uses(
    fake: Engine, fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    told = start_told()
    container = add(fake_engine, "iris", told)
    watch = Watch(fake, timeout_s=10)
    may_go_on = threading.Event()

    def readings() -> Iterator[Json]:
        for second in (1, 3):
            cpu = {"cpu_usage": {"total_usage": second * 400_000_000}}
            yield {"read": f"2026-01-31T12:00:0{second}Z", "cpu_stats": cpu, "memory_stats": {"usage": 1000}}
            assert may_go_on.wait(30)
        # The stream does not end before the test.
        assert is_done.wait(30)

    is_done = threading.Event()
    fake_engine.scripts[f"containers/{container['Id']}/stats"] = readings()  # type: ignore[assignment]  # it comes bit by bit
    seen: list[View] = []
    deadline_s = time.monotonic() + 30
    while time.monotonic() < deadline_s and not (seen and seen[-1].cpu_share):
        seen += watch.look()
        if seen[-1].memory_bytes == 1000:
            may_go_on.set()
    is_done.set()

    assert seen[-1].cpu_share == pytest.approx(0.4)
    assert seen[-1].memory_bytes == 1000


def test_an_engine_without_figures_leaves_those_of_the_service(
    fake: Engine, fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    told = start_told()
    add(fake_engine, "iris", told)
    watch = Watch(fake, timeout_s=10)
    watch.look()

    told.text = TEXT.replace("55.22", "99.99").replace("1.068275e+06", "1.068375e+06")
    [view] = watch.look()

    assert view.figures
    assert round(view.figures.requests * view.figures.seconds) == 100
    assert view.cpu_share == pytest.approx((99.99 - 55.22) / view.figures.seconds)
    assert view.memory_bytes == 151561216


def test_a_service_without_figures_has_a_reason(
    fake: Engine, fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    told = start_told()
    told.status = 404
    add(fake_engine, "old", told)
    add(fake_engine, "new", told, Health={"Status": "starting"})
    add(fake_engine, "ended", told, Status="exited", ExitCode=137)
    add(fake_engine, "held", told, Status="paused")
    fake_engine.add_service("hidden")

    views = Watch(fake, timeout_s=10).look()

    assert reasons(views) == {
        "ended": "exit code 137: it was killed, most likely for lack of memory",
        "held": "its processes are paused",
        "hidden": "not published to this machine",
        "new": "it is starting",
        "old": "it has no /metrics",
    }
    assert [view.health for view in views] == ["exited", "paused", "unknown", "starting", "healthy"]
    assert all(view.figures is None for view in views)


def test_a_slow_service_does_not_hold_up_the_others(
    fake: Engine, fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    quick, slow = start_told(), start_told()
    add(fake_engine, "quick", quick)
    add(fake_engine, "slow", slow)
    slow.may_answer.clear()
    watch = Watch(fake, timeout_s=1)

    first, second = watch.look(), watch.look()
    slow.may_answer.set()
    # Its late answer is taken at one of the next looks, which do not wait for it.
    deadline_s = time.monotonic() + 30
    while (reason := reasons(watch.look())["slow"]) and time.monotonic() < deadline_s:
        time.sleep(0.01)

    assert reasons(first) == {"quick": "measuring", "slow": "no answer within 1 s"}
    assert reasons(second) == {"quick": None, "slow": "no answer within 1 s"}
    assert reason is None


def test_services_appear_restart_and_end(
    fake: Engine, fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    told = start_told()
    iris = add(fake_engine, "iris", told)
    watch = Watch(fake, timeout_s=10)
    watch.look()

    wine = add(fake_engine, "wine", told)
    appeared = reasons(watch.look())
    told.text = TEXT.replace("1.7957580791637971e+09", "1.8e+09")
    restarted = reasons(watch.look())
    fake_engine.containers.remove(iris)
    wine["State"] |= {"Status": "exited", "ExitCode": 3}
    ended = reasons(watch.look())
    fake_engine.containers.clear()

    assert appeared == {"iris": None, "wine": "measuring"}
    assert restarted == {"iris": "measuring", "wine": "measuring"}
    assert ended == {"wine": "exit code 3"}
    assert watch.look() == ()


def test_one_service_is_looked_for_by_its_name(
    fake: Engine, fake_engine: FakeEngine, start_told: Callable[[], Told]
) -> None:
    told = start_told()
    add(fake_engine, "iris", told)
    add(fake_engine, "wine", told)
    watch = Watch(fake, "iris", timeout_s=10)

    assert reasons(watch.look()) == {"iris": "measuring"}
    fake_engine.containers.clear()
    assert watch.look() == (View("iris", "removed", "its container was removed"),)
    add(fake_engine, "iris", told)
    assert reasons(watch.look()) == {"iris": "measuring"}


def test_an_engine_that_refuses_is_an_error(fake: Engine, fake_engine: FakeEngine) -> None:
    fake_engine.answer("containers/json", {"message": "no"}, status=500)

    with pytest.raises(EngineError, match="cannot list the services"):
        Watch(fake, timeout_s=10).look()
