"""`infer serve`, `infer base` and `infer doctor`."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.base_images import base_image as describe_base

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.untyped import Json

# The whole image, on a base image of Debian packages; Swagger UI takes 1.9 MB of it.
_MOST_BYTES = 295_000_000


def test_serve_answers_like_a_container(
    infer_program: tuple[str, ...], iris_folder: Path, free_port: int, tmp_path: Path
) -> None:
    command = [*infer_program, "serve", "--model-dir", str(iris_folder), "--port", str(free_port)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    url = f"http://localhost:{free_port}/prediction?slength=1.5&swidth=0.7&plength=1.3&pwidth=0.3"
    try:
        answer = _ask(url, process)
    finally:
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=20)

    assert answer["prediction"] == "setosa"
    assert process.returncode == 130, log
    assert tmp_path


def _ask(url: str, process: subprocess.Popen[str]) -> dict[str, object]:
    """The answer at `url`, asked again and again until the service of `process` is ready."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                found: dict[str, object] = json.load(answer)
                return found
        except urllib.error.URLError:
            time.sleep(0.1)
    pytest.fail("the service never answered")


def test_serve_ends_when_the_port_is_taken(
    infer: Callable[..., Finished], iris_folder: Path, iris_service: str, free_port: int
) -> None:
    refused = infer("serve", "--model-dir", str(iris_folder), "--port", str(free_port))

    assert refused.exit_code == 1
    assert f"error: port {free_port} is taken" in refused.stderr
    assert refused.stderr.endswith("hint: choose another with --port\n")
    assert "PORT" not in refused.stderr
    assert iris_service


@pytest.fixture(scope="module")
def debian_base(infer: Callable[..., Finished], tag: Callable[[], str]) -> tuple[str, Json]:
    """A base image of Debian packages: its name, and what `infer base` says of it."""
    assert shutil.which("mmdebstrap"), "the package mmdebstrap is needed: .ci/engine installs it"
    name = tag()
    made = infer("base", "--tag", name, "--json")
    assert made.exit_code == 0, made.stderr
    return name, made.record


def test_a_base_image_has_python_bash_and_certificates(engine: Engine, debian_base: tuple[str, Json]) -> None:
    name, made = debian_base
    program = "import ssl; print(len(ssl.create_default_context().get_ca_certs()))"

    container = engine.api.create_container(name, ["bash", "-c", f"ls / && python3 -c '{program}'"])
    try:
        engine.api.start(container)
        status = engine.api.wait(container)["StatusCode"]
        output = engine.api.logs(container).decode()
    finally:
        engine.api.remove_container(container, force=True)

    assert status == 0, output
    assert int(output.split()[-1]) > 50
    assert made["size_bytes"] < 80_000_000
    assert describe_base(engine, name, platform=None, on_event=lambda _: None).python == "3.11"


def test_an_image_on_a_base_of_debian_packages_is_small(
    infer: Callable[..., Finished], iris_folder: Path, debian_base: tuple[str, Json], tag: Callable[[], str]
) -> None:
    options = ("--model-dir", str(iris_folder), "--base-image", debian_base[0], "--json")

    built = infer("build", "--tag", tag(), *options)

    assert built.exit_code == 0, built.stderr
    assert built.record["size_bytes"] <= _MOST_BYTES


def test_doctor_finds_no_problem(infer: Callable[..., Finished], base_image: str) -> None:
    found = infer("doctor", "--json", INFER_BASE_IMAGE=base_image)

    assert found.exit_code == 0, found.stdout
    checks = {check["check"]: check["is_well"] for check in found.record["checks"]}
    assert checks == dict.fromkeys(
        ["engine", "engine's disk", "base image", "package cache", "package index"], True
    )


def test_doctor_gives_advice_without_an_engine(infer: Callable[..., Finished]) -> None:
    found = infer("doctor", "--json", DOCKER_HOST="unix:///no/such/socket")

    assert found.exit_code == 1
    engine = found.record["checks"][0]
    assert not engine["is_well"]
    assert "DOCKER_HOST" in engine["advice"]
