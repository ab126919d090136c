"""The filter for start errors alone; tests/integration/test_exec.py runs programs in containers."""

from __future__ import annotations

import pytest

from infer_cli.engine.exec import _StartErrorFilter
from infer_cli.engine.streams import STDERR_STREAM, STDOUT_STREAM

START_ERROR = b"OCI runtime exec failed: exec failed: no such file or directory"


@pytest.fixture
def seen() -> list[tuple[int, bytes]]:
    return []


@pytest.fixture
def output(seen: list[tuple[int, bytes]]) -> _StartErrorFilter:
    return _StartErrorFilter(lambda *data: seen.append(data))


def test_a_start_error_is_held_back(output: _StartErrorFilter, seen: list[tuple[int, bytes]]) -> None:
    output(STDOUT_STREAM, START_ERROR)

    assert (output.held, seen) == (START_ERROR, [])


def test_output_after_a_start_error_proves_that_the_program_wrote_it(
    output: _StartErrorFilter, seen: list[tuple[int, bytes]]
) -> None:
    output(STDERR_STREAM, START_ERROR)
    output(STDOUT_STREAM, b"more")

    assert seen == [(STDERR_STREAM, START_ERROR), (STDOUT_STREAM, b"more")]
    assert output.held == b""


def test_only_the_first_output_can_be_a_start_error(
    output: _StartErrorFilter, seen: list[tuple[int, bytes]]
) -> None:
    output(STDOUT_STREAM, b"first")
    output(STDOUT_STREAM, START_ERROR)

    assert seen == [(STDOUT_STREAM, b"first"), (STDOUT_STREAM, START_ERROR)]
