"""Fixtures for tests against the fake engine, the real engine, or both in turn."""

from __future__ import annotations

import io
import tarfile
import uuid
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.connection import Engine, connect
from infer_cli.image.base import BaseImage
from infer_cli.image.name import ImageName
from infer_cli.packages.lock import Lock
from infer_cli.plan.build import BuildPlan
from infer_cli.plan.context import Context, ContextFile
from tests.engine.fake_engine import FakeEngine, running_fake_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def fake_engine() -> Iterator[FakeEngine]:
    """A fake engine that listens on a socket of its own."""
    with running_fake_engine() as engine:
        yield engine


@pytest.fixture
def docker_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for Docker's configuration; no variable of the user chooses an engine."""
    folder = tmp_path / "docker-config"
    folder.mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture
def fake(fake_engine: FakeEngine, docker_config: Path) -> Iterator[Engine]:
    """A connection to the fake engine."""
    assert docker_config.is_dir()
    engine = connect({"DOCKER_HOST": fake_engine.url})
    yield engine
    engine.api.close()


@pytest.fixture
def real() -> Iterator[Engine]:
    """A connection to the real engine."""
    engine = connect()
    yield engine
    engine.api.close()


@pytest.fixture(params=[pytest.param("real", marks=pytest.mark.docker), "fake"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Both engines in turn: the test must hold for the fake and the real one."""
    found: Engine = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def repository(engine: Engine) -> Iterator[str]:
    """A unique name for images; all images of that name are removed after the test."""
    name = f"infer-test/{uuid.uuid4().hex[:12]}"
    yield name
    for image in engine.api.images(name=name):
        for tag in image["RepoTags"] or ():
            engine.api.remove_image(tag, force=True)


@pytest.fixture
def plan(repository: str) -> Callable[..., BuildPlan]:
    """Make a plan whose context holds only a Dockerfile."""

    def make(*lines: str, tag: str = "built") -> BuildPlan:
        dockerfile = "\n".join(lines) + "\n"
        return BuildPlan(
            name=ImageName.parse(f"{repository}:{tag}"),
            base=BaseImage("scratch", "3.11", "amd64"),
            lock=Lock(""),
            dockerfile=dockerfile,
            context=Context((ContextFile(PurePosixPath("Dockerfile"), dockerfile),)),
            labels={},
            sbom="",
        )

    return make


@pytest.fixture
def root_archive(tmp_path: Path) -> Path:
    """A root file system with one file, whose content no other test has."""
    archive = tmp_path / "root.tar"
    with tarfile.open(archive, "w") as tar:
        content = uuid.uuid4().bytes
        entry = tarfile.TarInfo("marker")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return archive
