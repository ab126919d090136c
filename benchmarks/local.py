"""A service that runs as processes of this machine, from this checkout, without a container."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
_START_S = 120


@dataclass(frozen=True)
class Target:
    """A service that runs: where it answers, the memory of all its processes together, and its log."""

    url: str
    memory_bytes: Callable[[], float]
    log: Callable[[], str]


@contextmanager
def local_process(file: Path, *, workers: int) -> Iterator[Target]:
    """Serve a model file on the loopback address until the end of the block; raises `Problem`.

    The processes may run where this one may: see sched_setaffinity(2).
    """
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    settings = {"MODEL_FILE": str(file), "HOST": "127.0.0.1", "PORT": str(port), "WORKERS": str(workers)}
    with tempfile.NamedTemporaryFile() as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env={**os.environ, **settings},
            stderr=stream,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            log = Path(stream.name)
            _wait_until_ready(url, process, log)
            yield Target(url, lambda: _shared_out(process.pid), log.read_text)
        finally:
            process.terminate()
            try:
                process.wait(_START_S)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), urllib.request.urlopen(f"{url}/readyz", timeout=5):
            return
        time.sleep(0.1)
    raise Problem(f"the service is not ready: {log.read_text()[-300:]}")


def _shared_out(pid: int) -> float:
    """Give the memory of a process and its children; of a page that several share, each has its part."""
    total = 0.0
    # A process may end meanwhile.
    with suppress(psutil.Error):
        first = psutil.Process(pid)
        for process in (first, *first.children(recursive=True)):
            info = process.memory_full_info()
            total += getattr(info, "pss", info.rss)
    return total
