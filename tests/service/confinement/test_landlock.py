from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Callable

import pytest

from service.confinement import kernel, landlock
from tests.service.confinement.test_seccomp import in_child

VERSION = kernel.landlock_version()
VERSIONS = [
    pytest.param(
        version, marks=pytest.mark.skipif(version > VERSION, reason=f"Landlock is version {VERSION} here")
    )
    for version in range(1, 7)
]
# What a process needs to raise an error in Python.
SYSTEM = ("/usr", "/lib", "/lib64", "/proc")


def restricted(version: int, action: Callable[[], object], **rules: object) -> str:
    """Restrict a child process by what a version of Landlock knows, and give what came of the action."""

    def run() -> None:
        given = {"port": None, "readable": None, **rules}
        kernel.forbid_new_privileges()
        landlock.restrict(version, **given)  # type: ignore[arg-type]
        action()

    return in_child(run)


@pytest.mark.parametrize("version", VERSIONS)
def test_files_that_no_rule_allows_are_refused(version: int, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    own, other = tmp_path / "own" / "file", tmp_path / "other"
    own.write_text("x")
    other.write_text("x")
    rules = {"readable": (*SYSTEM, str(own.parent), "/no/such/folder"), "writable": ("/dev/null",)}

    assert restricted(version, own.read_text, **rules) == "done"
    assert restricted(version, lambda: Path("/dev/null").write_text("x"), **rules) == "done"
    for action in (
        other.read_text,
        lambda: own.write_text("y"),
        lambda: list(tmp_path.iterdir()),
        (own.parent / "new").mkdir,
        own.unlink,
        lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
    ):
        assert restricted(version, action, **rules) == "PermissionError"


def test_a_file_alone_can_be_allowed(tmp_path: Path) -> None:
    if not VERSION:
        pytest.skip("this kernel has no Landlock")
    (tmp_path / "model").write_text("x")
    (tmp_path / "beside").write_text("x")
    rules = {"readable": (*SYSTEM, str(tmp_path / "model"))}

    assert restricted(VERSION, (tmp_path / "model").read_text, **rules) == "done"
    assert restricted(VERSION, (tmp_path / "beside").read_text, **rules) == "PermissionError"


@pytest.mark.skipif(VERSION < landlock.PORTS_VERSION, reason="this kernel's Landlock knows no ports")
def test_only_one_port_is_listened_on(free_port: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        other = server.getsockname()[1]

        def listen(port: int) -> None:
            socket.create_server(("127.0.0.1", port), reuse_port=True).close()

        def connect() -> None:
            socket.create_connection(("127.0.0.1", other), timeout=5).close()

        assert restricted(VERSION, lambda: listen(free_port), port=free_port) == "done"
        assert restricted(VERSION, lambda: listen(0), port=free_port) == "PermissionError"
        assert restricted(VERSION, connect, port=free_port) == "PermissionError"
        assert restricted(VERSION, connect) == "done"


@pytest.mark.skipif(VERSION < landlock.SCOPES_VERSION, reason="this kernel's Landlock knows no signals")
def test_no_signal_reaches_other_processes() -> None:
    parent = os.getpid()

    assert restricted(VERSION, lambda: os.kill(parent, 0)) == "PermissionError"
    assert restricted(VERSION, lambda: os.kill(os.getpid(), signal.SIGCHLD)) == "done"


@pytest.mark.parametrize(
    ("version", "rights"), [(1, 0x1FFF), (2, 0x3FFF), (3, 0x7FFF), (4, 0x7FFF), (5, 0xFFFF), (7, 0xFFFF)]
)
def test_each_version_is_asked_for_the_rights_that_it_knows(version: int, rights: int) -> None:
    assert landlock.file_rights(version) == rights


def test_nothing_is_asked_of_a_kernel_that_knows_nothing_of_it() -> None:
    assert restricted(3, lambda: None, port=5000) == "done"
