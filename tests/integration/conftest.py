"""Fixtures with a real engine: an image built once, services that are always removed, and registries."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.images import find_image, pull_image, remove_image
from infer_cli.errors import ImageNotFound
from infer_cli.image.base import BASE_IMAGE_VARIABLE, official_base
from infer_cli.plan import labels
from tests.engine_turns import locked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

LOCAL_BASE = "infer-base:3.11"


# Where several processes share the files, they begin with these, so that all end at about the same time.
SLOW_FILES = (
    "test_examples",
    "test_build",
    "test_documented_commands",
    "test_compile",
    "test_boosters",
    "test_verify",
    "test_up",
    "test_ci_files",
    "test_formats",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test in this folder: it needs the engine. The slowest files come first."""
    ranks = {name: rank for rank, name in enumerate(SLOW_FILES)}

    def rank(item: pytest.Item) -> int:
        is_here = "integration" in item.path.parts
        return ranks.get(item.path.stem, len(ranks)) if is_here else len(ranks)

    for item in items:
        if "integration" in item.path.parts:
            item.add_marker(pytest.mark.docker)
    items.sort(key=rank)


@pytest.fixture(scope="session")
def base_image(
    engine: Engine, infer: Callable[..., Finished], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A base image with Python 3.11: the user's choice, the official one, or one of Debian packages."""
    if chosen := os.environ.get(BASE_IMAGE_VARIABLE):
        return chosen
    with locked(tmp_path_factory.getbasetemp(), "base"):
        return _local_base(engine, infer)


def _local_base(engine: Engine, infer: Callable[..., Finished]) -> str:
    if find_image(engine, LOCAL_BASE):
        return LOCAL_BASE
    try:
        pull_image(engine, official_base("3.11"), platform=None, on_event=lambda _: None)
    except ImageNotFound:
        made = infer("base")
        assert made.exit_code == 0, made.stderr
        return LOCAL_BASE
    return official_base("3.11")


@pytest.fixture(scope="session")
def tag(engine: Engine) -> Iterator[Callable[[], str]]:
    """Make unique names for images; the images are removed at the end of the session."""
    made: list[str] = []

    def name() -> str:
        made.append(f"infer-test/{uuid.uuid4().hex[:8]}:v1")
        return made[-1]

    yield name
    for reference in made:
        with contextlib.suppress(Exception):
            remove_image(engine, reference)


@pytest.fixture(scope="session")
def iris_image(
    infer: Callable[..., Finished],
    iris_folder: Path,
    base_image: str,
    tag: Callable[[], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """An image for the iris model, without the model inside."""
    name = tag()
    # The second process that builds it takes all layers from the first.
    with locked(tmp_path_factory.getbasetemp(), "iris"):
        built = infer("build", "--tag", name, "--model-dir", str(iris_folder), "--base-image", base_image)
    assert built.exit_code == 0, built.stderr
    return name


@pytest.fixture
def service_name(engine: Engine) -> Iterator[str]:
    """A unique name for one service; its container and volumes are removed after the test."""
    with unique_name(engine) as name:
        yield name


@pytest.fixture
def iris_service(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str, free_port: int
) -> str:
    """A running service of the iris model."""
    return start_iris(infer, iris_image, iris_folder, service_name, free_port)


@pytest.fixture(scope="module")
def lasting_service(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path
) -> Iterator[str]:
    """A running service of the iris model that all tests of a file share; no test may change it."""
    with unique_name(engine) as name:
        yield start_iris(infer, iris_image, iris_folder, name, find_free_port())


@contextlib.contextmanager
def unique_name(engine: Engine) -> Iterator[str]:
    """A unique name for a service, whose container and volumes are removed after the block."""
    name = f"infer-test-{uuid.uuid4().hex[:8]}"
    try:
        yield name
    finally:
        for container in engine.api.containers(all=True, filters={"name": name}):
            engine.api.remove_container(container["Id"], force=True, v=True)
        found = engine.api.volumes(filters={"label": f"{labels.VOLUME_OF}={name}"})
        for volume in found.get("Volumes") or ():
            engine.api.remove_volume(volume["Name"], force=True)


def start_iris(infer: Callable[..., Finished], image: str, folder: Path, name: str, port: int) -> str:
    """Start a service of the iris model, and return its name."""
    options = ("--model-dir", str(folder), "-d", "--name", name, "--port", str(port))
    started = infer("run", image, *options)
    assert started.exit_code == 0, started.stderr
    return name


@pytest.fixture
def free_port() -> int:
    """A port on which no program listens."""
    return find_free_port()


def find_free_port() -> int:
    """Find a port on which no program listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Registry:
    """A running registry: its host and port, and the folder of its files."""

    host: str
    folder: Path


@pytest.fixture(scope="session")
def start_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Registry]]:
    """Start Debian's docker-registry on a free port; with a line of `htpasswd`, it asks for a password."""
    processes: list[subprocess.Popen[bytes]] = []

    def start(*, htpasswd: str | None = None) -> Registry:
        program = shutil.which("docker-registry")
        assert program, "the package docker-registry is needed: .ci/engine installs it"
        folder = tmp_path_factory.mktemp("registry")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            host = f"127.0.0.1:{probe.getsockname()[1]}"
        lines = [
            "version: 0.1",
            "log: {level: error}",
            f"storage: {{filesystem: {{rootdirectory: {folder}/storage}}}}",
            f'http: {{addr: "{host}"}}',
        ]
        if htpasswd:
            (folder / "htpasswd").write_text(f"{htpasswd}\n")
            lines.append(f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}")
        (folder / "config.yml").write_text("\n".join(lines) + "\n")
        with (folder / "log").open("wb") as log:
            processes.append(
                subprocess.Popen(
                    [program, "serve", folder / "config.yml"], stdout=log, stderr=subprocess.STDOUT
                )
            )
        _wait_for_registry(host)
        return Registry(host, folder)

    yield start
    for process in processes:
        process.terminate()
        process.wait()


def _wait_for_registry(host: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://{host}/v2/", timeout=1).close()
        except urllib.error.HTTPError as error:
            error.close()
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"no registry answers at {host}")
