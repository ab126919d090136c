from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.streams import STDERR_STREAM, STDOUT_STREAM
from infer_cli.errors import ContainerFailed
from infer_cli.running import program
from infer_cli.running.program import ProgramResult, find_running_service, run_program
from tests.running.conftest import HERE, make_engine, make_service

if TYPE_CHECKING:
    from collections.abc import Callable

ENGINE = make_engine(HERE)
SERVICE = make_service(None, None)


def test_the_streams_of_a_program_are_kept_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def execute(*_: object, on_output: Callable[[int, bytes], None], stdin: bytes | None, user: str) -> int:
        on_output(STDOUT_STREAM, b"one ")
        on_output(STDERR_STREAM, f"as {user} ".encode())
        on_output(STDOUT_STREAM, b"two ")
        on_output(STDERR_STREAM, stdin or b"")
        return 3

    monkeypatch.setattr(program, "exec_in_service", execute)

    result = run_program(ENGINE, SERVICE, ("cat",), user="0", stdin=b"given")

    assert result == ProgramResult(3, b"one two ", b"as 0 given")


def test_a_service_must_run(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {"here": "running", "gone": "exited"}
    monkeypatch.setattr(program, "find_service", lambda _, name: make_service(None, None, states[name]))

    assert find_running_service(ENGINE, "here").is_running
    with pytest.raises(ContainerFailed, match=r"^the service iris is not running \(exited\)$") as raised:
        find_running_service(ENGINE, "gone")
    assert raised.value.hint == "see why: `infer logs iris`"
