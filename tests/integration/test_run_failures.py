"""`infer run` when no service can start: each failure names its reason, and no container is left."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.services import container_names, inspect_service
from infer_cli.running.endings import ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished


def test_an_image_without_a_model_needs_the_folder_option(
    infer: Callable[..., Finished], iris_image: str
) -> None:
    refused = infer("run", iris_image, "-d")

    assert refused.exit_code == 2
    assert "--model-dir" in refused.stderr


def test_the_error_of_a_missing_image_lists_the_existing_ones(
    infer: Callable[..., Finished], iris_image: str
) -> None:
    refused = infer("run", "no-such-image:v1", "-d")

    assert refused.exit_code == 1
    assert "no image no-such-image:v1" in refused.stderr
    assert iris_image in refused.stderr


def test_an_image_that_infer_did_not_make_is_refused(infer: Callable[..., Finished], base_image: str) -> None:
    refused = infer("run", base_image, "-d")

    assert refused.exit_code == 2
    assert "not made by infer" in refused.stderr


@contextlib.contextmanager
def _listening() -> Iterator[int]:
    """The port of a socket of this process that listens until the end of the block."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_the_error_of_a_taken_port_names_the_process_on_it(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    with _listening() as port:
        refused = infer(
            "run",
            iris_image,
            "--model-dir",
            str(iris_folder),
            "-d",
            "--name",
            service_name,
            "--port",
            str(port),
        )

    assert refused.exit_code == 1
    assert f"port {port} is taken by the process" in refused.stderr
    assert f"pid {os.getpid()}" in refused.stderr
    assert service_name not in container_names(engine)


def test_the_error_of_a_taken_port_names_the_container_on_it(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path, iris_service: str, free_port: int
) -> None:
    refused = infer("run", iris_image, "--model-dir", str(iris_folder), "-d", "--port", str(free_port))

    assert refused.exit_code == 1
    assert f"port {free_port} is taken by the container {iris_service}" in refused.stderr


def test_a_name_in_use_is_refused_and_its_service_stays(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path, iris_service: str
) -> None:
    refused = infer("run", iris_image, "--model-dir", str(iris_folder), "-d", "--name", iris_service)

    assert refused.exit_code == 1
    assert "exists already" in refused.stderr
    assert infer("exec", iris_service, "--", "true").exit_code == 0


def test_a_service_that_ends_while_starting_shows_its_log_and_is_removed(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    failed = infer(
        "run",
        iris_image,
        "--model-dir",
        str(iris_folder),
        "-d",
        "--name",
        service_name,
        "--env",
        "WORKERS=many",
    )

    assert failed.exit_code == 1
    assert "ended while starting" in failed.stderr
    assert "WORKERS" in failed.stderr
    assert service_name not in container_names(engine)


def test_a_service_that_restarts_again_and_again_is_removed(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    options = ("-d", "--name", service_name, "--env", "WORKERS=many", "--restart", "always")

    failed = infer("run", iris_image, "--model-dir", str(iris_folder), *options)

    assert failed.exit_code == 1
    assert service_name not in container_names(engine)


def test_a_service_without_enough_memory_names_the_memory(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    failed = infer(
        "run", iris_image, "--model-dir", str(iris_folder), "-d", "--name", service_name, "--memory", "24m"
    )

    assert failed.exit_code == 1
    assert "memory" in failed.stderr
    assert service_name not in container_names(engine)


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        pytest.param(None, "there is no folder", id="no-folder"),
        pytest.param((), "no model in", id="no-model"),
        pytest.param(("a.pkl", "b.joblib"), "--model-file", id="several"),
    ],
)
def test_a_folder_without_exactly_one_model_is_refused(
    infer: Callable[..., Finished], tmp_path: Path, prepare: tuple[str, ...] | None, reason: str
) -> None:
    folder = tmp_path / "data"
    if prepare is not None:
        folder.mkdir()
        for name in prepare:
            (folder / name).write_bytes(pickle.dumps({}))

    refused = infer("run", "x:v1", "--model-dir", str(folder), "-d")

    assert refused.exit_code == 1
    assert reason in refused.stderr.lower()
    for name in prepare or ():
        assert name in refused.stderr


def test_ctrl_c_while_starting_leaves_no_container(
    engine: Engine, infer_program: tuple[str, ...], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    command = [
        *infer_program,
        "run",
        iris_image,
        "--model-dir",
        str(iris_folder),
        "--name",
        service_name,
        "-d",
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if "Waiting" in line:
            break

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)

    assert process.returncode == 130
    assert service_name not in container_names(engine)


def test_the_first_words_of_a_service_that_ends_at_once_are_told(engine: Engine, base_image: str) -> None:
    program = ["/bin/sh", "-c", "echo error: no such file; exit 1"]
    # Five: most of them write before the time that the engine notes as their start.
    for _ in range(5):
        container = str(engine.api.create_container(base_image, entrypoint=program)["Id"])
        try:
            engine.api.start(container)
            engine.api.wait(container)
            told = ended(engine, inspect_service(engine, container), "while starting")
        finally:
            engine.api.remove_container(container, force=True)

        assert told.message.endswith("ended while starting: no such file")
