"""The service of a soak: its model, and where it runs, with what tells its memory."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.columns import Case
from benchmarks.own import bridge_url, own_container, own_images
from benchmarks.problem import Problem
from infer_cli.engine.connection import connect
from infer_cli.engine.usage import parse_usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[1]
MODEL = "soak"
# One row takes the row program, ten are read in C, and a thousand without the interpreter lock.
ROW_COUNTS = (1, 10, 1000)
COLUMNS = 10
_START_S = 120
_DIGITS = 4


@dataclass(frozen=True)
class Target:
    """A service that runs: where it answers, and how much memory all its processes take together."""

    url: str
    memory_bytes: Callable[[], float]


def train(folder: Path) -> list[Case]:
    """Write the model into a folder of its own in `folder`; give rows with the labels that are right."""
    table, labels = make_classification(4000, n_features=COLUMNS, n_informative=6, random_state=1)
    table = table.round(_DIGITS)
    model = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=50, random_state=1))
    model.fit(table, labels)
    (folder / MODEL).mkdir()
    (folder / MODEL / "model.pkl").write_bytes(pickle.dumps(model, protocol=5))
    predicted = model.predict(table).tolist()
    rows = [tuple(row) for row in table.tolist()]
    return [
        Case(tuple(rows[start : start + count]), tuple(predicted[start : start + count]))
        for count in ROW_COUNTS
        for start in range(0, min(len(rows), 10 * count), count)
    ]


@contextmanager
def container(folder: Path) -> Iterator[Target]:
    """Start a container as `infer run` makes it."""
    with own_images(folder, [MODEL]) as tags, own_container(tags[MODEL]) as raw:
        name = raw["Id"]

        def memory_bytes() -> float:
            usage = parse_usage(connect().api.stats(name, stream=False))
            return usage.memory_bytes or 0

        yield Target(bridge_url(raw), memory_bytes)


@contextmanager
def local_process(folder: Path) -> Iterator[Target]:
    """Start the service as processes of this machine, two workers of them."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    settings = {"MODEL_FILE": str(folder / MODEL / "model.pkl"), "HOST": "127.0.0.1", "PORT": str(port)}
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env={**os.environ, **settings, "WORKERS": "2"},
            stderr=stream,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, log)
        yield Target(url, lambda: _shared_out(process.pid))
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
