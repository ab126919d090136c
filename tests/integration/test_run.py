"""`infer run`, `ps`, `stop` and `logs` with real containers."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shlex
import shutil
import signal
import socket
import subprocess
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest

from infer_cli.engine.services import container_names
from tests.integration.doors import tcp_door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

_QUERY = "slength=1.5&swidth=0.7&plength=1.3&pwidth=0.3"


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def test_model_answers_at_the_url_of_the_tutorial(iris_service: str, free_port: int) -> None:
    answer = _get(f"http://localhost:{free_port}/prediction?{_QUERY}")

    assert answer["prediction"] == "setosa"
    assert answer["inputs"] == {"slength": 1.5, "swidth": 0.7, "plength": 1.3, "pwidth": 0.3}
    assert sum(answer["probabilities"].values()) == pytest.approx(1)
    assert iris_service


def test_printed_curl_line_works_when_pasted(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    started = infer("run", iris_image, "--model-dir", str(iris_folder), "-d", "--name", service_name)
    assert started.exit_code == 0, started.stderr
    line = next(line for line in started.stdout.splitlines() if line.startswith("Try it: "))

    pasted = subprocess.run(
        ["bash", "-c", line.removeprefix("Try it: ")], capture_output=True, text=True, check=True
    )

    assert "prediction" in json.loads(pasted.stdout)


def test_container_is_locked_down(engine: Engine, iris_service: str) -> None:
    raw = engine.api.inspect_container(iris_service)
    host = raw["HostConfig"]

    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert host["PidsLimit"] == 2048
    assert host["PortBindings"]["5000/tcp"][0]["HostIp"] == "127.0.0.1"
    assert [mount["RW"] for mount in raw["Mounts"]] == [False]


def test_limits_and_relaxations_reach_the_engine(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    options = "-d --memory 512m --cpus 0.5 --workers 1 --env LOG_FORMAT=json --restart on-failure --writable"
    more = "--writable-model --cap-add NET_BIND_SERVICE --new-privileges --processes -1 --user 4711:0"

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


def test_baked_model_needs_no_folder(
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


def test_image_without_model_asks_for_the_folder(infer: Callable[..., Finished], iris_image: str) -> None:
    refused = infer("run", iris_image, "-d")

    assert refused.exit_code == 2
    assert "--model-dir" in refused.stderr


def test_unknown_image_offers_those_that_exist(infer: Callable[..., Finished], iris_image: str) -> None:
    refused = infer("run", "no-such-image:v1", "-d")

    assert refused.exit_code == 1
    assert "no image no-such-image:v1" in refused.stderr
    assert iris_image in refused.stderr


def test_image_of_somebody_else_is_refused(infer: Callable[..., Finished], base_image: str) -> None:
    refused = infer("run", base_image, "-d")

    assert refused.exit_code == 2
    assert "not made by infer" in refused.stderr


@contextlib.contextmanager
def _listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_taken_port_names_the_process_that_holds_it(
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


def test_taken_port_names_the_container_that_holds_it(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path, iris_service: str, free_port: int
) -> None:
    refused = infer("run", iris_image, "--model-dir", str(iris_folder), "-d", "--port", str(free_port))

    assert refused.exit_code == 1
    assert f"port {free_port} is taken by the container {iris_service}" in refused.stderr


def test_taken_default_port_gives_the_next_free_one(
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


def test_name_in_use_is_refused_and_keeps_the_other(
    infer: Callable[..., Finished], iris_image: str, iris_folder: Path, iris_service: str
) -> None:
    refused = infer("run", iris_image, "--model-dir", str(iris_folder), "-d", "--name", iris_service)

    assert refused.exit_code == 1
    assert "exists already" in refused.stderr
    assert infer("exec", iris_service, "--", "true").exit_code == 0


def test_service_that_dies_while_starting_shows_its_log_and_is_removed(
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


def test_service_that_restarts_for_ever_counts_as_dead(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    options = ("-d", "--name", service_name, "--env", "WORKERS=many", "--restart", "always")

    failed = infer("run", iris_image, "--model-dir", str(iris_folder), *options)

    assert failed.exit_code == 1
    assert service_name not in container_names(engine)


def test_service_without_enough_memory_says_so(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    failed = infer(
        "run", iris_image, "--model-dir", str(iris_folder), "-d", "--name", service_name, "--memory", "24m"
    )

    assert failed.exit_code == 1
    assert "memory" in failed.stderr
    assert service_name not in container_names(engine)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can make files of another owner")
def test_private_model_is_served_as_its_owner(
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


@pytest.mark.parametrize(
    ("prepare", "reason"),
    [
        pytest.param(None, "there is no folder", id="no-folder"),
        pytest.param((), "no model in", id="no-model"),
        pytest.param(("a.pkl", "b.joblib"), "--model-file", id="several"),
    ],
)
def test_folder_without_one_model_is_refused(
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


def test_foreground_shows_the_log_and_ctrl_c_removes_the_service(
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


def test_foreground_ends_when_the_service_does(
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
    assert "ended by itself (exit code 137)" in rest
    assert service_name not in container_names(engine)


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


def test_ps_tells_url_health_model_and_age(
    infer: Callable[..., Finished], iris_service: str, free_port: int
) -> None:
    listed = infer("ps", "--json").record["services"]

    found = next(service for service in listed if service["name"] == iris_service)
    assert found["url"] == f"http://localhost:{free_port}"
    assert found["state"] == "running"
    assert found["health"] in {"starting", "healthy"}
    assert found["model"] == "model.pkl"
    assert found["age_s"] >= 0
    assert iris_service in infer("ps").stdout


def test_stop_removes_the_service(engine: Engine, infer: Callable[..., Finished], iris_service: str) -> None:
    stopped = infer("stop", iris_service, "--json")

    assert stopped.exit_code == 0
    assert stopped.record["name"] == iris_service
    assert iris_service not in container_names(engine)


def test_unknown_service_lists_those_that_exist(infer: Callable[..., Finished], iris_service: str) -> None:
    refused = infer("logs", "no-such-service")

    assert refused.exit_code == 1
    assert "no service called 'no-such-service'" in refused.stderr
    assert iris_service in refused.stderr


def test_logs_show_the_tail(infer: Callable[..., Finished], iris_service: str) -> None:
    whole = infer("logs", iris_service)

    assert "serving model.pkl" in whole.stdout
    assert infer("logs", iris_service, "--tail", "0").stdout == ""
    assert infer("logs", iris_service, "--since", "1h").stdout == whole.stdout
    assert infer("logs", iris_service, "--json").record["lines"] == whole.stdout.splitlines()


def test_following_logs_ends_with_the_container(
    infer: Callable[..., Finished], infer_program: tuple[str, ...], iris_service: str
) -> None:
    follower = subprocess.Popen(
        [*infer_program, "logs", iris_service, "-f"], stdout=subprocess.PIPE, text=True
    )
    assert follower.stdout
    assert "serving" in follower.stdout.readline()

    infer("stop", iris_service)

    follower.communicate(timeout=20)
    assert follower.returncode == 0


def test_ctrl_c_ends_following_and_not_the_service(
    infer: Callable[..., Finished], infer_program: tuple[str, ...], iris_service: str
) -> None:
    follower = subprocess.Popen(
        [*infer_program, "logs", iris_service, "-f"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert follower.stdout
    follower.stdout.readline()

    follower.send_signal(signal.SIGINT)
    follower.communicate(timeout=20)

    assert follower.returncode == 130
    assert infer("exec", iris_service, "--", "true").exit_code == 0


def test_engine_elsewhere_gets_a_copy_of_the_model(
    engine: Engine, infer: Callable[..., Finished], iris_image: str, iris_folder: Path, service_name: str
) -> None:
    with tcp_door(engine) as door:
        remote = {"DOCKER_HOST": f"tcp://127.0.0.1:{door}"}
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


def test_names_complete_in_the_shell(infer_program: tuple[str, ...], iris_service: str) -> None:
    def complete(*words: str) -> list[str]:
        script = "import sys; from infer_cli.cli import app; sys.argv = ['infer']; app(prog_name='infer')"
        line = " ".join(words)
        found = subprocess.run(
            [infer_program[0], "-c", script],
            env={
                **os.environ,
                "_INFER_COMPLETE": "complete_bash",
                "COMP_WORDS": line,
                "COMP_CWORD": str(len(words) - 1),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        return found.stdout.split()

    assert complete("infer", "stop", iris_service[:14]) == [iris_service]
    assert complete("infer", "exec", iris_service[:14]) == [iris_service]
    assert "predict" in complete("infer", "pre")


def test_ps_notices_a_model_that_was_trained_again(
    infer: Callable[..., Finished],
    iris_image: str,
    iris_folder: Path,
    service_name: str,
    free_port: int,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    shutil.copytree(iris_folder, folder)
    file = folder / "model.pkl"
    first = file.read_bytes()
    infer(
        *("run", iris_image, "--model-dir", str(folder), "-d"),
        *("--name", service_name, "--port", str(free_port)),
    )

    def on_disk() -> str:
        listed = infer("ps", "--json").record["services"]
        return str(next(one for one in listed if one["name"] == service_name)["model_on_disk"])

    assert on_disk() == "same"
    file.write_bytes(first)
    assert on_disk() == "same"
    other = pickle.loads(first)
    other[-1].intercept_ += 1
    file.write_bytes(pickle.dumps(other))
    assert on_disk() == "changed"
    said = infer("ps").stdout
    command = next(line.strip() for line in said.splitlines() if "infer stop" in line)
    assert f"{service_name}: {file} changed on disk; restart to serve it:" in said
    stop, run = (shlex.split(part)[1:] for part in command.split(" && "))
    assert infer(*stop).exit_code == 0
    assert infer(*run).exit_code == 0
    assert on_disk() == "same"
    file.unlink()
    assert on_disk() == "missing"
    assert "is gone" in infer("ps").stdout


def test_image_of_one_letter_gives_a_name_that_a_container_may_have(
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
