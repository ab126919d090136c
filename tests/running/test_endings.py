from __future__ import annotations

from dataclasses import replace

import pytest

from infer_cli.running.endings import ended_with, said_errors
from tests.running.conftest import make_service

SERVICE = replace(make_service("127.0.0.1", 5000), state="exited", exit_code=1)
CRASHED = "cannot load /data/m.pkl: it crashed compiled code with SIGSEGV (reading the file). Do not use it."


def test_the_line_of_the_service_is_the_message() -> None:
    error = ended_with(SERVICE, f"error: {CRASHED}\n", "while starting")

    assert error.message == f"the service iris ended while starting: {CRASHED}"
    assert (error.detail, error.hint) == (None, None)


def test_a_service_that_was_restarted_says_it_once() -> None:
    error = ended_with(SERVICE, f"error: {CRASHED}\nerror: {CRASHED}\n", "while starting")

    assert error.message == f"the service iris ended while starting: {CRASHED}"
    assert error.detail is None


def test_other_lines_of_the_log_are_shown() -> None:
    error = ended_with(SERVICE, f"WARNING old\nerror: {CRASHED}\n", "while starting")

    assert error.message.endswith(CRASHED)
    assert error.detail == f"the end of its log:\n  WARNING old\n  error: {CRASHED}"


def test_several_errors_are_shown_as_the_log() -> None:
    error = ended_with(SERVICE, "error: PORT is wrong\nerror: HOST is wrong\n", "while starting")

    assert error.message == "the service iris ended while starting (exit code 1)"
    assert error.detail == "the end of its log:\n  error: PORT is wrong\n  error: HOST is wrong"
    assert error.hint == "the reason is in the log above"


@pytest.mark.parametrize(
    ("exit_code", "out_of_memory", "reason", "hint"),
    [
        (137, True, "it ran out of memory", "give it more with --memory"),
        (
            137,
            False,
            "exit code 137: it was killed, most likely for lack of memory",
            "give it more with --memory",
        ),
        (139, False, "exit code 139: SIGSEGV", None),
        (3, False, "exit code 3", None),
        (255, False, "exit code 255", None),
    ],
)
def test_a_service_that_wrote_nothing(
    exit_code: int, *, out_of_memory: bool, reason: str, hint: str | None
) -> None:
    service = replace(SERVICE, exit_code=exit_code, out_of_memory=out_of_memory)

    error = ended_with(service, "", "while starting")

    assert error.message == f"the service iris ended while starting ({reason})"
    assert error.detail == "the end of its log:\n  (it wrote nothing)"
    assert error.hint == hint


def test_what_the_service_says_cannot_control_the_terminal() -> None:
    assert said_errors("error: \x1b[2Jgone\n") == ["\\x1b[2Jgone"]
