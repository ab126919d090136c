"""Signals that end a command of infer: what it says, and its exit code."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pexpect
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

DEADLINE_S = 60


@contextmanager
def deaf_engine() -> Iterator[tuple[str, socket.socket]]:
    """An engine that takes a connection and never answers."""
    with tempfile.TemporaryDirectory(prefix="infer") as folder, socket.socket(socket.AF_UNIX) as listener:
        path = Path(folder) / "engine.sock"
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(DEADLINE_S)
        yield f"unix://{path}", listener


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
@pytest.mark.parametrize(
    "options", [pytest.param([], id="for a person"), pytest.param(["--json"], id="for a script")]
)
def test_an_interrupt_is_no_error_and_has_an_exit_code_of_its_own(
    infer_program: tuple[str, ...], number: signal.Signals, options: list[str]
) -> None:
    with deaf_engine() as (url, listener):
        process = _started(*infer_program, "ps", *options, engine=url)
        # It is connected: the command runs, and waits.
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            process.send_signal(number)
            said, complained = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, said, complained) == (130, "", "interrupted\n")


def test_a_command_of_nohup_goes_on_without_its_terminal(infer_program: tuple[str, ...]) -> None:
    with deaf_engine() as (url, listener):
        process = _started("nohup", *infer_program, "ps", engine=url)
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            process.send_signal(signal.SIGHUP)
        # The engine has ended the connection, and the command is still there to say so.
        _, complained = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 1
    assert "error: no Docker engine answers" in complained


@pytest.mark.parametrize("tells_the_shell", [True, False], ids=["with SIGHUP", "without SIGHUP"])
def test_a_closed_terminal_ends_a_command(infer_program: tuple[str, ...], *, tells_the_shell: bool) -> None:
    command = [*infer_program, "ps"]
    with deaf_engine() as (url, listener):
        process = pexpect.spawn(
            command[0],
            command[1:],
            env={**os.environ, "DOCKER_HOST": url},
            ignore_sighup=not tells_the_shell,
            timeout=DEADLINE_S,
        )
        connection, _ = listener.accept()
        with connection:
            connection.recv(1)
            os.close(process.child_fd)
        # Without SIGHUP, it ends because the engine does, and cannot write so.
        assert process.pid
        _, status = os.waitpid(process.pid, 0)

    assert os.waitstatus_to_exitcode(status) == 130


def _started(*command: str, engine: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
        env={**os.environ, "DOCKER_HOST": engine},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
