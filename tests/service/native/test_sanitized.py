"""Under the sanitizers, mutated requests let the C code read and write only what it may."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.service.native import sanitized

if TYPE_CHECKING:
    from pathlib import Path

LIBRARIES = sanitized.runtimes()
pytestmark = pytest.mark.skipif(LIBRARIES is None, reason="there is no GCC with sanitizers")
# A body that is said to be longer than it is.
LIE = """
import numpy
from service.native.library import LIBRARY
from service.native.row_reader import RowReader
reader, rows = RowReader(["a"], LIBRARY), numpy.empty(9)
print(LIBRARY.with_gil.read_rows(reader.address, b'{"' + b"x" * 50, 200, rows.ctypes.data, 9))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("sanitized")
    sanitized.build(made)
    return made


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, *arguments)
    variables = sanitized.environment(LIBRARIES or [])
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False, timeout=600
    )


def test_no_mutated_request_makes_them_report(folder: Path) -> None:
    done = run(
        folder, "-m", "tests.service.fuzz", "--count", "200", "--models", "numbers,gaps", "--seed", "7"
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "200 requests" in done.stdout


def test_they_would_report_what_is_read_behind_a_body(folder: Path) -> None:
    done = run(folder, "-c", LIE)

    assert done.returncode != 0
    assert "AddressSanitizer: heap-buffer-overflow" in done.stderr
