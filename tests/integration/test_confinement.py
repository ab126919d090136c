"""A model with own code, served on this machine and in a container, tries what a service must not do."""

from __future__ import annotations

import importlib
import json
import os
import pickle
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

import pytest

from service.confinement import kernel, landlock
from tests.service.confinement import probes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.conftest import Finished

pytestmark = pytest.mark.skipif(not kernel.machine(), reason="the numbers of the system calls are not known")
REFUSED = ("PermissionError: ", "OSError: Function not implemented")
NAMES = (
    *probes.ALWAYS,
    *probes.PROGRAMS,
    *(name for name in probes.CONNECTIONS if name != "name"),
    *probes.FILES,
    *probes.ALLOWED,
)
DEADLINE_S = 240


class Attacker(NamedTuple):
    """A model in a folder with a secret, its code, and the options that tell it what to try to reach."""

    model: Path
    code: Path
    variables: tuple[str, ...]


@pytest.fixture
def attacker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Attacker]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "secret").write_text("a secret")
    code = tmp_path / "code" / "own_prober.py"
    code.parent.mkdir()
    code.write_text(probes.module(NAMES))
    monkeypatch.syspath_prepend(code.parent)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(home / "socket"))
        local.listen()
        probed = {"HOME": str(home), "PORT": str(server.getsockname()[1]), "PARENT": str(os.getpid())}
        for name, value in probed.items():
            monkeypatch.setenv(f"PROBE_{name}", value)
        model = home / "model.pkl"
        model.write_bytes(pickle.dumps(importlib.import_module("own_prober").Prober()))
        variables = [word for name, value in probed.items() for word in ("--env", f"PROBE_{name}={value}")]
        yield Attacker(model, code, tuple(variables))


def outcomes(port: int, *, is_alive: Callable[[], bool] = lambda: True) -> Mapping[str, tuple[str, str]]:
    """What came of each attempt: while the model was loaded, and in a prediction."""
    body = json.dumps({"rows": [{"x0": number} for number in range(len(NAMES))]}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/prediction", body, {"Content-Type": "application/json"}
    )
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and is_alive():
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                told = json.load(answer)["predictions"]
        except urllib.error.HTTPError as error:
            pytest.fail(error.read().decode())
        except OSError:
            time.sleep(0.2)
        else:
            return {name: tuple(text.split(" | ")) for name, text in zip(NAMES, told, strict=True)}
    pytest.fail("the service never answered")


def allowed(found: Mapping[str, tuple[str, str]]) -> set[str]:
    """The attempts that were not refused, while loading or later."""
    return {name for name, both in found.items() if not all(one.startswith(REFUSED) for one in both)}


@pytest.mark.skipif(
    kernel.landlock_version() < landlock.SCOPES_VERSION, reason="Landlock is older here, or missing"
)
def test_serve_gives_a_model_nothing_of_this_machine(
    infer_program: tuple[str, ...], attacker: Attacker, free_port: int
) -> None:
    options = ("--code", str(attacker.code), "--features", "x0", "--port", str(free_port), "--workers", "1")
    command = [*infer_program, "serve", str(attacker.model), *options, *attacker.variables]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        found = outcomes(free_port, is_alive=lambda: process.poll() is None)
    finally:
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=60)

    assert allowed(found) == set(probes.ALLOWED)
    assert {both for name, both in found.items() if name in probes.ALLOWED} == {("done", "done")}
    assert sorted(file.name for file in attacker.model.parent.iterdir()) == ["model.pkl", "secret", "socket"]
    assert (attacker.model.parent / "secret").read_text() == "a secret"
    assert "INFO confined: it starts no program, makes no connection, writes only to its" in log


def test_a_container_starts_no_program_and_makes_no_connection(
    infer: Callable[..., Finished],
    attacker: Attacker,
    tag: Callable[[], str],
    service_name: str,
    free_port: int,
    base_image: str,
) -> None:
    image = tag()
    options = ("--code", str(attacker.code), "--features", "x0", "--no-verify")
    built = infer("build", str(attacker.model), *options, "--tag", image, "--base-image", base_image)
    assert built.exit_code == 0, built.stderr
    started = infer(
        *("run", image, "--model-dir", str(attacker.model.parent), "--name", service_name, "--detach"),
        *("--port", str(free_port), *attacker.variables),
    )
    assert started.exit_code == 0, started.stderr

    found = outcomes(free_port)

    refused = {*probes.ALWAYS, *probes.PROGRAMS, *probes.CONNECTIONS}
    assert allowed(found) & refused == set()
    assert {both for name, both in found.items() if name in probes.ALLOWED} == {("done", "done")}
    # What starts from outside of the service is not confined with it.
    inside = infer("exec", service_name, "--", "sh", "-c", "python3 -m service.health && echo well")
    assert inside.stdout.endswith("well\n"), inside.stderr
