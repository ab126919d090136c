"""Ctrl-C at the moment when the engine is asked to make something."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from infer_cli.plan import labels
from tests.integration.doors import tcp_door

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine

# Longer than what is left of a command that does not wait for the engine's answer.
_SLOWNESS_S = 1.5


def _made(engine: Engine, name: str) -> set[str]:
    """The containers and volumes of services or tasks called like `name`, and what carries models."""
    containers = engine.api.containers(all=True, filters={"name": name})
    carriers = engine.api.containers(all=True, filters={"label": labels.TEMPORARY})
    volumes = engine.api.volumes(filters={"name": name}).get("Volumes") or ()
    return {container["Id"] for container in (*containers, *carriers)} | {each["Name"] for each in volumes}


@pytest.mark.parametrize(
    ("command", "request_line"),
    [
        pytest.param("run", b"/volumes/create", id="run-volume"),
        pytest.param("run", b"/containers/create HTTP", id="run-carrier"),
        pytest.param("run", b"/containers/create?name=", id="run-container"),
        pytest.param("run", b"/start HTTP", id="run-start"),
        pytest.param("compile", b"/containers/create?name=", id="compile-container"),
    ],
)
def test_what_a_slow_engine_makes_is_removed(
    engine: Engine,
    infer_program: tuple[str, ...],
    iris_image: str,
    iris_folder: Path,
    base_image: str,
    service_name: str,
    tmp_path: Path,
    command: str,
    request_line: bytes,
) -> None:
    model = str(iris_folder / "model.pkl")
    arguments = {
        "run": [iris_image, "--model-dir", str(iris_folder), "-d", "--name", service_name],
        "compile": [model, "--output", str(tmp_path / "model.lean"), "--base-image", base_image],
    }[command]
    name = {"run": service_name, "compile": "infer-compile-"}[command]
    before = _made(engine, name)
    running: list[subprocess.Popen[str]] = []
    interrupted: list[bytes] = []

    def interrupt(sent: bytes) -> None:
        if request_line in sent.partition(b"\r\n")[0] and not interrupted:
            interrupted.append(sent)
            running[0].send_signal(signal.SIGINT)
            time.sleep(_SLOWNESS_S)

    with tcp_door(engine, interrupt) as door:
        process = subprocess.Popen(
            [*infer_program, command, *arguments],
            env={**os.environ, "DOCKER_HOST": f"tcp://127.0.0.1:{door}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        _, said = process.communicate(timeout=120)
        time.sleep(_SLOWNESS_S)

    assert interrupted
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert _made(engine, name) == before
    assert not (tmp_path / "model.lean").exists()
