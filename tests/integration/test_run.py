"""`infer run` with real containers: the container that it starts, and the restrictions of that container."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import urllib.request
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.services import container_names
from tests.integration.proxy import engine_proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.untyped import Json

_QUERY = "slength=1.5&swidth=0.7&plength=1.3&pwidth=0.3"


def _get(url: str) -> Json:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_the_model_answers_at_the_url_of_the_tutorial(iris_service: str, free_port: int) -> None:
    answer = _get(f"http://localhost:{free_port}/prediction?{_QUERY}")

    assert answer["prediction"] == "setosa"
    assert answer["inputs"] == {"slength": 1.5, "swidth": 0.7, "plength": 1.3, "pwidth": 0.3}
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert iris_service


def test_the_printed_curl_command_works_in_a_shell(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    started = infer("run", iris_image, "--model-dir", str(iris_folder), "-d", "--name", service_name)
    assert started.exit_code == 0, started.stderr
    line = next(line for line in started.stdout.splitlines() if line.startswith("Try it: "))

    pasted = subprocess.run(
        ["bash", "-c", line.removeprefix("Try it: ")], capture_output=True, text=True, check=True
    )

    assert "prediction" in json.loads(pasted.stdout)


def test_the_container_is_locked_down(engine: Engine, iris_service: str) -> None:
    raw = engine.api.inspect_container(iris_service)
    host = raw["HostConfig"]

    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] == 2048
    assert host["PortBindings"]["5000/tcp"][0]["HostIp"] == "127.0.0.1"
    assert [mount["RW"] for mount in raw["Mounts"]] == [False]


def test_limits_and_relaxed_restrictions_reach_the_engine(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    options = "-d --memory 512m --cpus 0.5 --workers 1 --env LOG_FORMAT=json --restart on-failure --writable"
    more = (
        "--writable-model --cap-add NET_BIND_SERVICE --new-privileges --egress --processes -1 --user 4711:0"
    )

    started = infer(
        "run",
        iris_image,
        "--model-dir",
        str(iris_folder),
        "--name",
        service_name,
        *shlex.split(f"{options} {more}"),
    )

    assert started.exit_code == 0, started.stderr
    raw = engine.api.inspect_container(service_name)
    host = raw["HostConfig"]
    assert (host["Memory"], host["NanoCpus"]) == (512 * 1024 * 1024, 500_000_000)
    assert host["RestartPolicy"]["Name"] == "on-failure"
    assert host["ReadonlyRootfs"] is False
    assert host["CapAdd"] == ["NET_BIND_SERVICE"]
    assert not host["SecurityOpt"]
    assert raw["Config"]["User"] == "4711:0"
    assert {"WORKERS=1", "LOG_FORMAT=json", "MODEL_FILE=/data/model.pkl"} <= set(raw["Config"]["Env"])
    assert [mount["RW"] for mount in raw["Mounts"]] == [True]


def test_a_baked_model_needs_no_folder(
    infer: Callable[..., Finished],
    iris_folder: Path,
    base_image: str,
    tag: Callable[[], str],
    service_name: str,
) -> None:
    name = tag()
    options = ("--model-dir", str(iris_folder), "--base-image", base_image, "--bake")
    assert infer("build", "--tag", name, *options).exit_code == 0

    started = infer("run", name, "-d", "--name", service_name, "--json")

    assert started.exit_code == 0, started.stderr
    assert _get(f"{started.record['url']}/prediction?{_QUERY}")["prediction"] == "setosa"


def test_a_taken_default_port_is_replaced_by_the_next_free_one(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    try:
        holder = socket.create_server(("127.0.0.1", 5000))
    except OSError:
        holder = None

    started = infer("run", iris_image, "--model-dir", str(iris_folder), "-d", "--name", service_name)
    if holder:
        holder.close()

    assert started.exit_code == 0, started.stderr
    assert "port 5000 is taken; using 50" in started.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make files of another owner")
def test_a_private_model_is_served_as_its_owner(
    engine: Engine,
    infer: Callable[..., Finished],
    iris_image: str,
    iris_folder: Path,
    service_name: str,
    tmp_path: Path,
) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (private / "model.pkl").write_bytes((iris_folder / "model.pkl").read_bytes())
    (private / "model.pkl").chmod(0o600)
    for path in (private, private / "model.pkl"):
        os.chown(path, 4321, 4321)

    started = infer("run", iris_image, "--model-dir", str(private), "-d", "--name", service_name)

    assert started.exit_code == 0, started.stderr
    assert engine.api.inspect_container(service_name)["Config"]["User"] == "4321:4321"


def test_in_the_foreground_the_log_is_shown_and_ctrl_c_removes_the_service(
    engine: Engine, infer_program: tuple[str, ...], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    command = [*infer_program, "run", iris_image, "--model-dir", str(iris_folder), "--name", service_name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    seen = []
    for line in process.stderr:
        seen.append(line)
        if "serving model.pkl" in line:
            break

    process.send_signal(signal.SIGINT)
    stdout, rest = process.communicate(timeout=30)

    assert process.returncode == 130, rest
    assert "is ready at http://localhost:" in stdout
    assert any("serving model.pkl" in line for line in seen)
    assert service_name not in container_names(engine)


def test_in_the_foreground_infer_ends_when_the_service_ends(
    engine: Engine, infer_program: tuple[str, ...], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    command = [*infer_program, "run", iris_image, "--model-dir", str(iris_folder), "--name", service_name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    for line in process.stderr:
        if "serving model.pkl" in line:
            break

    engine.api.kill(service_name)
    _, rest = process.communicate(timeout=30)

    assert process.returncode == 1
    assert "ended by itself (exit code 137" in rest
    assert service_name not in container_names(engine)


def test_an_engine_on_another_machine_gets_a_copy_of_the_model(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    with engine_proxy(engine) as port:
        remote = {"DOCKER_HOST": f"tcp://127.0.0.1:{port}"}
        started = infer(
            "run",
            iris_image,
            "--model-dir",
            str(iris_folder),
            "-d",
            "--name",
            service_name,
            "--json",
            **remote,
        )
        assert started.exit_code == 0, started.stderr
        mounts = engine.api.inspect_container(service_name)["Mounts"]
        answer = _get(f"{started.record['url']}/prediction?{_QUERY}")
        stopped = infer("stop", service_name, **remote)

    assert [(mount["Type"], mount["RW"]) for mount in mounts] == [("volume", False)]
    assert answer["prediction"] == "setosa"
    assert stopped.exit_code == 0
    assert not engine.api.volumes(filters={"name": service_name}).get("Volumes")


def test_an_image_name_of_one_letter_gives_a_valid_container_name(
    infer: Callable[..., Finished], engine: Engine, iris_image: str, iris_folder: Path
) -> None:
    engine.api.tag(iris_image, "q", "v1")
    try:
        started = infer("run", "q:v1", "--model-dir", str(iris_folder), "-d", "--json")
        assert started.exit_code == 0, started.stderr
        assert infer("stop", started.record["name"]).exit_code == 0
    finally:
        engine.api.remove_image("q:v1")
    assert started.record["name"].startswith("q-")
