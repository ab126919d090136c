from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.images import ImageFacts
from infer_cli.errors import ContainerFailed, PortTaken
from infer_cli.image.name import ImageName
from infer_cli.plan.run import RunPlan
from infer_cli.running import start
from infer_cli.running.start import PreparedRun, free_name, remove_for_sure, started_service
from tests.running.conftest import HERE, make_engine, make_service

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

NAME = ImageName.parse("iris:v1")
ENGINE = make_engine(HERE)


def run_on(port: int, *, is_port_chosen: bool, architecture: str = "amd64") -> PreparedRun:
    image = ImageFacts("sha256:0", (), 0, architecture, {}, {})
    plan = RunPlan(image=str(NAME), name="iris", host_port=port)
    return PreparedRun(plan, str(NAME), image, is_port_chosen=is_port_chosen)


@dataclass
class Containers:
    """Stands for the engine's containers: which ports are taken, and what was started and removed."""

    taken: set[int] = field(default_factory=set)
    holder: str | None = None
    interrupted_removals: int = 0
    started: list[int | None] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def create(self, _: Engine, plan: RunPlan) -> Service:
        if plan.host_port in self.taken:
            raise PortTaken(f"port {plan.host_port} is taken")
        self.started.append(plan.host_port)
        return make_service("127.0.0.1", plan.host_port)

    def remove(self, _: Engine, service: Service) -> None:
        if self.interrupted_removals:
            self.interrupted_removals -= 1
            raise KeyboardInterrupt
        self.removed.append(service.name)

    def holder_of(self, *_: object) -> str | None:
        return self.holder


@pytest.fixture
def containers(monkeypatch: pytest.MonkeyPatch) -> Containers:
    found = Containers()
    monkeypatch.setattr(start, "create_service", found.create)
    monkeypatch.setattr(start, "remove_service", found.remove)
    monkeypatch.setattr(start, "holder_of_port", found.holder_of)
    return found


@pytest.mark.parametrize(
    ("preferred", "taken", "expected"),
    [
        pytest.param("iris", set(), "iris", id="free"),
        pytest.param("iris", {"iris"}, "iris-2", id="taken"),
        pytest.param("iris", {"iris", "iris-2", "iris-4"}, "iris-3", id="taken with its next"),
        pytest.param("x", set(), "x-2", id="one character"),
    ],
)
def test_a_taken_name_gets_a_number(preferred: str, taken: set[str], expected: str) -> None:
    assert free_name(preferred, taken) == expected


def test_without_a_chosen_port_the_next_free_one_is_taken_and_noted(containers: Containers) -> None:
    containers.taken = {5000, 5001}
    notes: list[str] = []

    with started_service(ENGINE, run_on(5000, is_port_chosen=False), note=notes.append) as service:
        pass

    assert service.host_port == 5002
    assert notes == ["port 5000 is taken; using 5002"]
    assert containers.removed == []


def test_a_chosen_port_that_is_taken_is_an_error_that_names_the_holder(containers: Containers) -> None:
    containers.taken, containers.holder = {5000}, "the container other (other:v1)"

    with (
        pytest.raises(PortTaken) as raised,
        started_service(ENGINE, run_on(5000, is_port_chosen=True), note=pytest.fail),
    ):
        pytest.fail("nothing was started")

    assert raised.value.message == "port 5000 is taken by the container other (other:v1)"
    assert raised.value.hint == "choose another --port, or leave it out to get a free one"


@pytest.mark.parametrize("first", [5000, 65_530], ids=["fifty ports", "the last ports"])
def test_where_every_port_is_taken_is_an_error(containers: Containers, first: int) -> None:
    containers.taken = set(range(first, 65_536))

    with (
        pytest.raises(PortTaken, match=f"^the ports {first} to {first + 49} are all taken$"),
        started_service(ENGINE, run_on(first, is_port_chosen=False), note=pytest.fail),
    ):
        pytest.fail("nothing was started")


@pytest.mark.parametrize("error", [ContainerFailed("it ended"), KeyboardInterrupt(), ZeroDivisionError()])
def test_a_service_that_does_not_become_ready_is_removed(
    containers: Containers, error: BaseException
) -> None:
    with (
        pytest.raises(type(error)) as raised,
        started_service(ENGINE, run_on(5000, is_port_chosen=True), note=pytest.fail),
    ):
        raise error

    assert raised.value is error
    assert containers.removed == ["iris"]


@pytest.mark.parametrize(
    ("architecture", "said", "message"),
    [
        pytest.param("arm64", "exec format error", "the image iris:v1 is for arm64", id="its processor"),
        pytest.param("arm64", "it ran out of memory", "it ended", id="another reason"),
        pytest.param("amd64", "exec format error", "it ended", id="the right processor"),
    ],
)
def test_a_wrong_processor_is_explained(
    containers: Containers, architecture: str, said: str, message: str
) -> None:
    run = run_on(5000, is_port_chosen=True, architecture=architecture)

    with (
        pytest.raises(ContainerFailed, match=f"^{message}"),
        started_service(ENGINE, run, note=pytest.fail),
    ):
        raise ContainerFailed("it ended", detail=said)

    assert containers.removed == ["iris"]


def test_a_second_interrupt_does_not_stop_the_removal(containers: Containers) -> None:
    containers.interrupted_removals = 1
    notes: list[str] = []

    remove_for_sure(ENGINE, make_service(None, 5000), note=notes.append)

    assert containers.removed == ["iris"]
    assert notes == ["one moment: still removing it"]
