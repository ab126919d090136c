from __future__ import annotations

import json
import threading
import uuid
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine import builder
from infer_cli.engine.builder import build_image, name_image
from infer_cli.engine.events import Layer, Step
from infer_cli.engine.images import find_image
from infer_cli.errors import BuildFailed
from infer_cli.plan.context import Context, ContextFile
from infer_cli.plan.dockerfile import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.events import Event
    from infer_cli.plan.build import BuildPlan
    from tests.engine.fake_engine import FakeEngine

FAILING_RUN = 'RUN ["/no-such-program"]'

only_fake = pytest.mark.parametrize("engine", ["fake"], indirect=True)
only_real = pytest.mark.parametrize("engine", [pytest.param("real", marks=pytest.mark.docker)], indirect=True)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "_QUIET_S", 0.1)
    monkeypatch.setattr(builder, "_POLL_S", 0.02)


@pytest.fixture
def mark() -> str:
    """A label that no other build has, so that no image comes from the cache."""
    return f"infer.test={uuid.uuid4().hex}"


def unnamed_images(engine: Engine, mark: str) -> list[str]:
    return [image["Id"] for image in engine.api.images(filters={"dangling": True, "label": mark})]


def build_named(
    engine: Engine, build: BuildPlan, *, on_event: Callable[[Event], None] = lambda _: None
) -> str:
    """Build an image, give it the name of its plan, and return the name."""
    built = build_image(engine, build, on_event=on_event)
    name_image(engine, built, build.name)
    return str(build.name)


def test_a_build_makes_an_image_with_its_tag(
    engine: Engine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    build = plan("FROM scratch", f"LABEL {mark}")

    built = build_image(engine, build, on_event=lambda _: None)
    name_image(engine, built, build.name)

    found = find_image(engine, str(build.name))
    assert found is not None
    assert found.image_id == built.image_id
    assert found.labels == dict([mark.split("=")])


def test_each_instruction_is_an_event(engine: Engine, plan: Callable[..., BuildPlan], mark: str) -> None:
    seen: list[Event] = []

    build_named(engine, plan("FROM scratch", f"LABEL {mark}"), on_event=seen.append)

    steps = [event for event in seen if isinstance(event, Step)]
    assert steps == [Step(1, 2, "FROM scratch"), Step(2, 2, f"LABEL {mark}")]


def test_sending_a_large_context_shows_progress(
    engine: Engine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    build = plan("FROM scratch", f"LABEL {mark}")
    large = ContextFile(PurePosixPath("large"), "x" * 9_000_000)
    object.__setattr__(build, "context", Context((*build.context.files, large)))
    seen: list[Event] = []

    build_named(engine, build, on_event=seen.append)

    sent = [event for event in seen if isinstance(event, Layer)]
    assert {event.layer for event in sent} == {"context"}
    assert len(sent) > 1
    assert sent[-1].current_bytes == sent[-1].total_bytes > 9_000_000


def test_a_failing_run_shows_the_end_of_the_log(
    engine: Engine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    build = plan("FROM scratch", f"LABEL {mark}", FAILING_RUN)

    with pytest.raises(BuildFailed, match=f"^building {build.name} failed: .*no such file") as raised:
        build_image(engine, build, on_event=lambda _: None)

    lines = str(raised.value.detail).splitlines()
    assert "  Step 1/3 : FROM scratch" in lines
    assert f"  Step 3/3 : {FAILING_RUN}" in lines
    assert raised.value.hint == "the engine's full log: run the build again with --verbose"
    assert find_image(engine, str(build.name)) is None


def test_a_failed_build_leaves_no_image_behind(
    engine: Engine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    with pytest.raises(BuildFailed):
        build_image(engine, plan("FROM scratch", f"LABEL {mark}", FAILING_RUN), on_event=lambda _: None)

    assert unnamed_images(engine, mark) == []


def test_a_failed_build_keeps_its_base_image(
    engine: Engine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    base = plan("FROM scratch", f"LABEL {mark}", tag="base")
    build_named(engine, base)
    before = find_image(engine, str(base.name))

    with pytest.raises(BuildFailed):
        build_image(engine, plan(f"FROM {base.name}", FAILING_RUN), on_event=lambda _: None)

    assert before is not None
    assert find_image(engine, str(base.name)) == before


def test_an_interrupted_build_leaves_no_image_behind(
    engine: Engine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Step) and event.number == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_image(engine, plan("FROM scratch", f"LABEL {mark}", FAILING_RUN), on_event=interrupt)

    assert unnamed_images(engine, mark) == []


def test_a_build_interrupted_before_its_first_image_ends_at_once(
    engine: Engine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    def interrupt(_: Event) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_image(engine, plan("FROM scratch", f"LABEL {mark}"), on_event=interrupt)

    assert unnamed_images(engine, mark) == []


@only_real
def test_an_invalid_dockerfile_is_an_error(engine: Engine, plan: Callable[..., BuildPlan]) -> None:
    with pytest.raises(BuildFailed, match="unknown instruction: FORM"):
        build_image(engine, plan("FORM scratch"), on_event=lambda _: None)


@only_real
@pytest.mark.parametrize(
    "value",
    [
        pytest.param("plain", id="a word"),
        pytest.param("two  words", id="spaces"),
        pytest.param('say "hello"', id="quotes"),
        pytest.param("it's", id="an apostrophe"),
        pytest.param("$HOME and ${HOME}", id="variables"),
        pytest.param("C:\\models\\", id="backslashes"),
        pytest.param("\\$HOME", id="an escaped variable"),
        pytest.param("# no comment", id="a hash sign"),
        pytest.param("größe=3", id="not ASCII"),
    ],
)
def test_a_quoted_value_reaches_the_image_unchanged(
    engine: Engine, plan: Callable[..., BuildPlan], value: str
) -> None:
    build = plan("FROM scratch", f"ENV MODEL_FILE={quote(value)}", f"LABEL label={quote(value)}")

    name = build_named(engine, build)

    found = find_image(engine, name)
    assert found is not None
    assert found.environment["MODEL_FILE"] == value
    assert found.labels["label"] == value


@only_fake
def test_the_hint_for_a_full_disk_says_how_to_free_it(
    engine: Engine, fake_engine: FakeEngine, plan: Callable[..., BuildPlan]
) -> None:
    reason = "Error processing tar file: write /model.pkl: no space left on device"
    fake_engine.script("build", {"stream": "Step 1/1 : ADD packages.tar /"}, {"error": reason})

    with pytest.raises(BuildFailed, match="no space left on device") as raised:
        build_image(engine, plan("FROM scratch"), on_event=lambda _: None)

    assert "docker system prune" in str(raised.value.hint)
    assert raised.value.detail == "  Step 1/1 : ADD packages.tar /"


@only_fake
def test_a_build_survives_that_other_images_go_away_meanwhile(
    engine: Engine, fake_engine: FakeEngine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    lost = 'unable to find image "sha256:d0d6f9ae523ff6aa2ed6cb21276ac631d611a28d1d3a73b0b724db6628126b6d"'
    fake_engine.script("build", {"stream": "Step 1/2 : FROM scratch"}, {"error": lost})

    build_image(engine, plan("FROM scratch", f"LABEL {mark}"), on_event=lambda _: None)

    assert len(fake_engine.asked("build")) == 2


@only_real
def test_a_build_survives_that_other_images_go_away_on_a_real_engine(
    engine: Engine, plan: Callable[..., BuildPlan], root_archive: Path
) -> None:
    ended = threading.Event()

    def make_and_remove() -> None:
        while not ended.is_set():
            made = engine.api.import_image(str(root_archive), repository="infer-test/passing")
            engine.api.remove_image(json.loads(made)["status"])

    other = threading.Thread(target=make_and_remove)
    other.start()
    try:
        for _ in range(20):
            build = plan("FROM scratch", *(f"LABEL mark={uuid.uuid4().hex}" for _ in range(3)))
            build_named(engine, build)
    finally:
        ended.set()
        other.join()


@only_fake
def test_only_the_end_of_a_long_log_is_shown(
    engine: Engine, fake_engine: FakeEngine, plan: Callable[..., BuildPlan]
) -> None:
    lines = [{"stream": f"line {number}\n"} for number in range(100)]
    fake_engine.script("build", *lines, {"error": "it failed"})

    with pytest.raises(BuildFailed) as raised:
        build_image(engine, plan("FROM scratch"), on_event=lambda _: None)

    assert str(raised.value.detail).splitlines() == [f"  line {number}" for number in range(80, 100)]


@only_fake
def test_the_message_of_an_engine_that_refuses_a_build_is_shown(
    engine: Engine, fake_engine: FakeEngine, plan: Callable[..., BuildPlan]
) -> None:
    fake_engine.answer("build", {"message": "the daemon is shutting down"}, status=503)

    with pytest.raises(BuildFailed, match=r"failed: the daemon is shutting down$") as raised:
        build_image(engine, plan("FROM scratch"), on_event=lambda _: None)

    assert raised.value.detail is None


@only_fake
def test_a_build_without_error_and_without_image_has_failed(
    engine: Engine, fake_engine: FakeEngine, plan: Callable[..., BuildPlan]
) -> None:
    fake_engine.script("build", {"stream": "done\n"})

    with pytest.raises(BuildFailed, match="reported no error, and no image") as raised:
        build_image(engine, plan("FROM scratch"), on_event=lambda _: None)

    assert raised.value.detail == "  done"


@only_fake
def test_a_build_has_no_network_and_pulls_nothing(
    engine: Engine, fake_engine: FakeEngine, plan: Callable[..., BuildPlan], mark: str
) -> None:
    build_image(engine, plan("FROM scratch", f"LABEL {mark}"), on_event=lambda _: None)

    [request] = fake_engine.asked("build")
    assert request.query["networkmode"] == "none"
    assert "pull" not in request.query or request.query["pull"] == "False"
