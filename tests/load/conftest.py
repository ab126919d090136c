"""A server of known latency, started as a program of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SERVER = Path(__file__).with_name("known_server.py")


@pytest.fixture
def known_server() -> Iterator[Callable[..., str]]:
    """Start the server with options, and return its URL."""
    processes: list[subprocess.Popen[str]] = []

    def start(*options: str) -> str:
        process = subprocess.Popen([sys.executable, _SERVER, *options], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        assert process.stdout
        return f"http://127.0.0.1:{int(process.stdout.readline())}"

    yield start
    for process in processes:
        process.kill()
        process.communicate()
