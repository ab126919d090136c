"""A replacement leaves one of the two services: the new one if it becomes ready, else the old one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.images import ImageFacts
from infer_cli.errors import ContainerFailed
from infer_cli.plan.run import RunPlan
from infer_cli.running import replace as replacing
from infer_cli.running import start
from infer_cli.running.replace import replace_service
from infer_cli.running.start import PreparedRun
from infer_cli.terminal.progress import SilentProgress
from tests.running.conftest import HERE, make_engine, make_service

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

ENGINE = make_engine(HERE)
RUN = PreparedRun(
    RunPlan(image="iris:v1", name="iris", host_port=5000, restart="always"),
    "iris:v1",
    ImageFacts("sha256:0", (), 0, "amd64", {}, {}),
    is_port_chosen=True,
)


@dataclass
class Containers:
    """Stands for the engine: what is done to containers, in order; `fails_at` says what goes wrong."""

    fails_at: str = ""
    error: BaseException = field(default_factory=lambda: ContainerFailed("the service x is broken"))
    done: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        self.done.append(what)
        if what == self.fails_at:
            raise self.error

    def create(self, _: Engine, plan: RunPlan) -> Service:
        kind = "trial" if plan.is_temporary else "new"
        assert plan.is_temporary == (plan.host_port is None) == (plan.restart == "no")
        self.note(f"create {kind}")
        return replace(make_service("127.0.0.1", plan.host_port), name=plan.name, container_id=kind)

    def wait(self, _: Engine, service: Service, *, timeout_s: float) -> None:
        assert timeout_s == 5
        self.note(f"wait for {service.container_id}")

    def remove(self, _: Engine, service: Service) -> None:
        self.note(f"remove {service.container_id}")

    def set_aside(self, _: Engine, service: Service, name: str) -> None:
        assert name.startswith(f"{service.name}-replaced-")
        self.note("set old aside")

    def keep_running(self, _: Engine, service: Service, policy: str) -> None:
        assert policy == "always"
        self.note(f"keep {service.container_id} running")

    def put_back(self, *_: object) -> None:
        self.note("put old back")


def replaced(
    monkeypatch: pytest.MonkeyPatch, containers: Containers, state: str = "running"
) -> tuple[Service, list[str]]:
    monkeypatch.setattr(replacing, "create_service", containers.create)
    monkeypatch.setattr(replacing, "wait_until_ready", containers.wait)
    monkeypatch.setattr(replacing, "remove_service", containers.remove)
    monkeypatch.setattr(replacing, "set_aside", containers.set_aside)
    monkeypatch.setattr(replacing, "keep_running", containers.keep_running)
    monkeypatch.setattr(replacing, "put_back", containers.put_back)
    monkeypatch.setattr(start, "create_service", containers.create)
    monkeypatch.setattr(start, "remove_service", containers.remove)
    old = replace(make_service("127.0.0.1", 5000, state), container_id="old")
    notes: list[str] = []
    progress = SilentProgress(verbose=False)
    try:
        return (
            replace_service(ENGINE, RUN, old, timeout_s=5, progress=progress, note=notes.append),
            notes,
        )
    finally:
        containers.done += notes


TRIAL = ["create trial", "wait for trial", "remove trial"]
SWAP = ["set old aside", "create new", "wait for new", "keep new running"]


def test_the_old_service_goes_last(monkeypatch: pytest.MonkeyPatch) -> None:
    containers = Containers()

    service, notes = replaced(monkeypatch, containers)

    assert (service.container_id, notes) == ("new", [])
    assert containers.done == [*TRIAL, *SWAP, "remove old"]


def test_a_service_that_does_not_run_is_replaced_without_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    containers = Containers()

    replaced(monkeypatch, containers, state="exited")

    assert containers.done == [*SWAP, "remove old"]


@pytest.mark.parametrize(
    ("fails_at", "rest"),
    [
        pytest.param("wait for trial", ["remove trial"], id="trial"),
        pytest.param("set old aside", ["put old back"], id="stop"),
        pytest.param("create new", ["put old back"], id="start"),
        pytest.param("wait for new", ["remove new", "put old back"], id="readiness"),
        pytest.param("keep new running", ["remove new", "put old back"], id="restart policy"),
    ],
)
@pytest.mark.parametrize("is_interrupt", [False, True], ids=["failure", "interrupt"])
def test_the_old_service_stays_if_anything_fails(
    monkeypatch: pytest.MonkeyPatch, *, fails_at: str, rest: list[str], is_interrupt: bool
) -> None:
    error = KeyboardInterrupt() if is_interrupt else ContainerFailed("the service x is broken")
    containers = Containers(fails_at, error)

    with pytest.raises(type(error)):
        replaced(monkeypatch, containers)

    expected = [*TRIAL, *SWAP]
    before = expected[: expected.index(fails_at) + 1]
    assert containers.done == [*before, *rest, *([] if is_interrupt else ["iris stays as it was"])]
