"""Ctrl-C at the moment when infer asks the engine to create something."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

import pexpect
import pytest

from infer_cli.engine.services import container_names
from infer_cli.plan import labels
from tests.engine_turns import left_behind
from tests.integration.proxy import engine_proxy

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine

# The delay of the engine's answer: longer than infer needs to end if it does not wait for the answer.
_DELAY_S = 1.5
_DEADLINE_S = 120


def created(engine: Engine, name: str) -> set[str]:
    """The containers and volumes with `name` in their name, and all temporary containers."""
    containers = engine.api.containers(all=True, filters={"name": name})
    temporary = engine.api.containers(all=True, filters={"label": labels.TEMPORARY})
    volumes = engine.api.volumes(filters={"name": name}).get("Volumes") or ()
    return {container["Id"] for container in (*containers, *temporary)} | {
        volume["Name"] for volume in volumes
    }


@pytest.mark.parametrize(
    ("command", "request_line"),
    [
        pytest.param("run", b"/volumes/create", id="run-volume"),
        pytest.param("run", b"/containers/create HTTP", id="run-temporary-container"),
        pytest.param("run", b"DELETE ", id="run-removal"),
        pytest.param("run", b"/containers/create?name=", id="run-container"),
        pytest.param("run", b"/start HTTP", id="run-start"),
        pytest.param("compile", b"/containers/create?name=", id="compile-container"),
    ],
)
def test_objects_that_a_slow_engine_creates_are_removed(
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
    before = created(engine, name)
    running: list[subprocess.Popen[str]] = []
    interrupted: list[bytes] = []

    def interrupt(data: bytes) -> None:
        if request_line in data.partition(b"\r\n")[0] and not interrupted:
            interrupted.append(data)
            running[0].send_signal(signal.SIGINT)
            time.sleep(_DELAY_S)

    with engine_proxy(engine, interrupt) as port:
        process = subprocess.Popen(
            [*infer_program, command, *arguments],
            env={**os.environ, "DOCKER_HOST": f"tcp://127.0.0.1:{port}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        _, stderr = process.communicate(timeout=120)
        time.sleep(_DELAY_S)

    assert interrupted
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert left_behind(partial(created, engine, name), before) == set()
    assert not (tmp_path / "model.lean").exists()


def test_a_closed_terminal_removes_the_service_in_the_foreground(
    engine: Engine, infer_program: tuple[str, ...], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    command = [*infer_program, "run", iris_image, "--model-dir", str(iris_folder), "--name", service_name]
    process = pexpect.spawn(command[0], command[1:], timeout=_DEADLINE_S)
    process.expect("is ready")

    os.close(process.child_fd)
    assert process.pid
    _, status = os.waitpid(process.pid, 0)

    assert os.waitstatus_to_exitcode(status) == 130
    assert service_name not in container_names(engine)
