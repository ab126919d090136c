from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.plan.labels import SERVICE
from infer_cli.terminal.completion import (
    complete_image,
    complete_model_or_image,
    complete_running_service,
    complete_service,
    complete_service_or_image,
)
from tests.engine.fake_engine import running_fake_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.engine.fake_engine import FakeEngine

    Complete = Callable[[str], list[str]]


@pytest.fixture
def current_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEngine]:
    """A fake engine that the user of the shell has chosen."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    with running_fake_engine() as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.url)
        yield engine


@pytest.mark.parametrize(
    ("complete", "incomplete", "expected"),
    [
        pytest.param(complete_service, "", ["iris", "iris-old", "wine"], id="all services"),
        pytest.param(complete_service, "iris", ["iris", "iris-old"], id="services with this prefix"),
        pytest.param(complete_service, "x", [], id="no service with this prefix"),
        pytest.param(complete_running_service, "", ["iris", "wine"], id="running services"),
        pytest.param(complete_image, "", ["iris:v1", "iris:v2", "wine:v1"], id="all images"),
        pytest.param(
            complete_service_or_image,
            "iris",
            ["iris", "iris:v1", "iris:v2"],
            id="running services, then images",
        ),
        pytest.param(complete_image, "iris:", ["iris:v1", "iris:v2"], id="images with this prefix"),
    ],
)
def test_names_are_completed(
    current_engine: FakeEngine, complete: Complete, incomplete: str, expected: list[str]
) -> None:
    for name, state in (("wine", "running"), ("iris-old", "exited"), ("iris", "running")):
        current_engine.add_service(name, state=state)
    for tag in ("wine:v1", "iris:v2", "iris:v1"):
        current_engine.add_image(tag, {SERVICE: "1.2.3"})
    current_engine.add_image("python:3.11-slim", {})

    assert complete(incomplete) == expected


@pytest.mark.parametrize(
    "complete",
    [
        pytest.param(complete_service, id="services"),
        pytest.param(complete_running_service, id="running services"),
        pytest.param(complete_image, id="images"),
    ],
)
def test_without_an_engine_nothing_is_completed_or_printed(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], complete: Complete
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/engine.sock")

    assert complete("") == []
    assert capfd.readouterr() == ("", "")


def test_models_and_folders_are_completed_beside_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere/engine.sock")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").mkdir()
    (tmp_path / "iris.pkl").touch()
    (tmp_path / "iris.csv").touch()
    (tmp_path / "iris" / "model.pkl").touch()

    assert complete_model_or_image("ir") == ["iris.pkl", "iris/"]
    assert complete_model_or_image("iris/") == ["iris/model.pkl"]
    assert complete_model_or_image("gone/") == []
