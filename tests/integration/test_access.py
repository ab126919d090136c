"""A service that the network reaches asks for a token that nobody sees; and what a shell in it can do."""

from __future__ import annotations

import http.client
import json
import stat
import time
from typing import TYPE_CHECKING

from infer_cli import tokens
from infer_cli.engine.services import find_service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

ANYWHERE = "0.0.0.0"  # noqa: S104 (this machine is reached by any of its addresses)
ROW = ("slength=5.1", "swidth=3.5", "plength=1.4", "pwidth=0.2")
DEADLINE_S = 60
# What a program may write to: memory, in which no program can be started.
MEMORY = {"/tmp", "/dev/shm", "/dev/mqueue"}  # noqa: S108 (inside the container)
ATTEMPTS = """
import ctypes, json, os, subprocess, sys

def refused(attempt):
    try:
        attempt()
    except OSError:
        return True
    return False

def write(folder):
    path = os.path.join(folder, "written")
    with open(path, "w") as file:
        file.write("#!/bin/sh\\n")
    os.chmod(path, 0o755)

def call(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), name)

folders = [folder for folder, _, _ in os.walk("/") if not folder.startswith(("/proc", "/sys"))]
written = [folder for folder in folders if not refused(lambda: write(folder))]
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print(json.dumps({
    "written": written,
    "started": [each for each in written if not refused(lambda: subprocess.run([f"{each}/written"]))],
    "not refused": [name for name, attempt in {
        "become root": lambda: os.setuid(0),
        "change the group": lambda: os.setgid(0),
        "mount": lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None),
        "a namespace of users": lambda: call("unshare", 0x10000000),
        "another root": lambda: os.chroot("/tmp"),
        "the kernel's settings": lambda: open("/proc/sys/kernel/core_pattern", "w"),
        "change the tokens": lambda: open("/run/infer/tokens", "a"),
        "a file of the host": lambda: open(sys.argv[1]),
        "the engine": lambda: os.stat("/var/run/docker.sock"),
        "the passwords": lambda: open("/etc/shadow"),
        "memory of the service": lambda: open("/proc/1/mem", "rb"),
    }.items() if not refused(attempt)],
    "uid": os.getuid(),
    "capabilities": [status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")],
    "new privileges": status["NoNewPrivs"].strip(),
    "disks": [name for name in os.listdir("/dev") if name.startswith(("sd", "vd", "nvme", "mem", "kmem"))],
}))
"""


def status(port: int, token: str, path: str = "/model") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        return connection.getresponse().status
    finally:
        connection.close()


def try_to_break_out(infer: Callable[..., Finished], service: str, secret: Path) -> None:
    """Try from a shell in the container what its confinement forbids."""
    tried = infer("exec", service, "--", "python3", "-c", ATTEMPTS, str(secret))
    found = json.loads(tried.stdout)
    assert set(found["written"]) <= MEMORY
    assert (found["started"], found["not refused"], found["disks"]) == ([], [], [])
    assert found["uid"] != 0
    assert set(found["capabilities"]) == {"0" * 16}
    assert found["new privileges"] == "1"


def test_a_service_for_the_network_needs_a_token_that_nobody_sees(
    engine: Engine,
    infer: Callable[..., Finished],
    iris_image: str,
    iris_folder: Path,
    service_name: str,
    free_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INFER_STATE_DIR", str(tmp_path / "state"))
    run = ("run", iris_image, "--model-dir", str(iris_folder), "--name", service_name, "-p", str(free_port))
    started = infer(*run, "--host", ANYWHERE, "-d", "--json")
    assert started.exit_code == 0, started.stderr
    token = json.loads(started.stdout)["token"]

    # It lets its token in, and finds it by itself.
    assert (status(free_port, token), status(free_port, "x"), status(free_port, "", "/readyz")) == (
        200,
        401,
        200,
    )
    predicted = infer("predict", service_name, *ROW)
    assert predicted.stdout.startswith("setosa"), predicted.stderr
    assert infer("token", service_name).stdout == f"{token}\n"
    assert infer("top", service_name, "--once", "--json").exit_code == 0

    # Nobody sees it.
    service = find_service(engine, service_name)
    assert service.access is not None
    inspected = engine.api.inspect_container(service.container_id)
    history = engine.api.history(iris_image)  # type: ignore[no-untyped-call]
    shown = [json.dumps(inspected), json.dumps(history), json.dumps(engine.api.inspect_image(iris_image))]  # type: ignore[no-untyped-call]
    shown += [infer("logs", service_name).stdout, infer("inspect", iris_image).stdout]
    shown += [json.dumps(infer(*run, "--host", ANYWHERE, "-d").__dict__, default=str)]
    shown += [
        infer("exec", service_name, "--", "cat", "/run/infer/tokens").stdout,
        infer("ps", "--json").stdout,
    ]
    assert [text for text in shown if token in text or token.removeprefix("infer_") in text] == []
    kept = tokens.shared_folder(service.access).parent
    assert stat.S_IMODE(kept.stat().st_mode) == 0o700
    assert stat.S_IMODE((kept / "token").stat().st_mode) == 0o600

    # Nor does who got into the container come any further.
    secret = tmp_path / "secret"
    secret.write_text("a secret")
    try_to_break_out(infer, service_name, secret)

    # A new token takes the place of the old one while the service runs, and none is left after its end.
    renewed = infer("token", service_name, "--new", "owner").stdout.strip()
    deadline = time.monotonic() + DEADLINE_S
    while any((status(free_port, token), status(free_port, renewed)) != (401, 200) for _ in range(8)):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert infer("stop", service_name).exit_code == 0
    assert not kept.exists()
