"""`infer ps`, `infer stop` and `infer logs` with real services, and the completion of their names."""

from __future__ import annotations

import hashlib
import os
import pickle
import shlex
import shutil
import signal
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from infer_cli.engine.services import container_names

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

ROW = ("slength=1.5", "swidth=0.7", "plength=1.3", "pwidth=0.3")
DEADLINE_S = 60


def test_ps_shows_url_health_model_and_age(
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


def test_the_error_of_an_unknown_service_lists_the_existing_ones(
    infer: Callable[..., Finished], iris_service: str
) -> None:
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


def test_logs_that_follow_end_with_the_container(
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


def test_ctrl_c_ends_the_logs_and_not_the_service(
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


def test_names_of_services_complete_in_the_shell(infer_program: tuple[str, ...], iris_service: str) -> None:
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


def test_a_model_that_was_trained_again_is_served_and_taken_back(
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
    other = pickle.loads(first)
    other[-1].intercept_ += 1
    second = pickle.dumps(other)
    infer(
        *("run", iris_image, "--model-dir", str(folder), "-d"),
        *("--name", service_name, "--port", str(free_port)),
    )

    listed = partial(wait_for_file, infer, service_name)
    listed("same")
    file.write_bytes(second)
    taken = listed("same")
    # The container is the same, and now says what it did.
    back = infer("rollback", service_name, "--json").record
    assert (back["outcome"], back["digest"]) == ("rolled_back", digest_of(first))
    assert listed("changed")["id"] == taken["id"]
    shown = infer("ps").stdout
    command = next(line.strip() for line in shown.splitlines() if "infer reload" in line)
    assert f"{service_name}: {file} changed on disk; to serve it now:" in shown
    again = infer(*shlex.split(command)[1:], "--json").record
    assert (again["outcome"], again["digest"]) == ("served", digest_of(second))
    assert again["digest_before"] == digest_of(first)
    assert (
        infer("reload", service_name).stdout
        == f"{service_name} serves this model already: {digest_of(second)[:19]}\n"
    )

    file.write_bytes(second[:-100])
    refused = infer("reload", service_name)
    assert refused.exit_code == 1
    assert f"{service_name} does not serve this model: cannot load /data/model.pkl: it " in refused.stderr
    assert "the model that was served is served on" in refused.stderr
    assert listed("changed")["model_refused"].startswith("cannot load /data/model.pkl")
    assert f"{file} changed on disk, and is not served: cannot load" in infer("ps").stdout
    assert infer("predict", service_name, *ROW).exit_code == 0

    file.write_bytes(second)
    assert infer("restart", service_name).exit_code == 0
    listed("same")
    file.unlink()
    listed("missing")
    assert "is gone" in infer("ps").stdout


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def wait_for_file(infer: Callable[..., Finished], name: str, on_disk: str) -> dict[str, Any]:
    """Give what `infer ps` tells of a service once it tells this of the model file."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        services = infer("ps", "--json").record["services"]
        found: dict[str, Any] = next(one for one in services if one["name"] == name)
        if found["model_on_disk"] == on_disk:
            return found
        assert time.monotonic() < deadline, found


def test_a_service_in_the_background_that_fails_is_started_again(
    engine: Engine, infer: Callable[..., Finished], iris_service: str
) -> None:
    pid = engine.api.inspect_container(iris_service)["State"]["Pid"]

    # The first process of a container cannot be killed from inside; it ends because the others have.
    kill = "import os, signal; os.kill(-1, signal.SIGKILL)"
    infer("exec", iris_service, "--", "python3", "-c", kill)

    deadline = time.monotonic() + DEADLINE_S
    while (now := engine.api.inspect_container(iris_service)["State"])["Pid"] in (0, pid):
        assert time.monotonic() < deadline, now
        time.sleep(0.1)
