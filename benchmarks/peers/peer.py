"""Runs a peer as a process of this machine, without a container."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from benchmarks.contender import Line
from benchmarks.environments import CACHE, end_of_log, make_environment, run_quietly
from benchmarks.load import Request
from benchmarks.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from benchmarks.columns import Case, Column
    from benchmarks.contender import Answer

APPS = Path(__file__).with_name("apps")
_READY_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 10
# Two workers use both cores; more threads of their numeric libraries would slow the workers down.
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Peer:
    """Another server: how to install it, start it, and send it requests.

    `command`, `once` and the values of `environment` may hold placeholders: {bin} is the folder of the
    peer's programs, {apps} the folder of the code written for the peers here, {port}, {port+1} and {port+2}
    are free ports, {model} is the pickle, and {work} a folder of the peer's own. `body` makes the body of a
    request from rows, and `labels` reads an answer. `ready` is the path that answers 200 once the server is
    ready. `once` is a command that runs before the first start with a model.
    """

    name: str
    packages: tuple[str, ...]
    command: tuple[str, ...]
    path: str
    body: Callable[[Sequence[Sequence[float]]], object]
    labels: Callable[[Answer], Sequence[float]]
    ready: str
    once: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make the environment of the peer; raises `Problem`."""
        make_environment(self.name, self.packages)

    @contextmanager
    def running(self, column: Column, cases: Sequence[Case]) -> Iterator[tuple[Line, ...]]:
        """Serve the model of `column` on a port of the loopback address; raises `Problem`."""
        values = self._values(column)
        environment = self._environment(values)
        made = Path(values["work"])
        if self.once and not made.exists():
            made.parent.mkdir(parents=True, exist_ok=True)
            run_quietly([part.format_map(values) for part in self.once], environment)
        requests = tuple(Request.of_json(self.path, self.body(case.rows)) for case in cases)
        url = f"http://127.0.0.1:{values['port']}"
        command = [part.format_map(values) for part in self.command]
        with _process(command, environment, log=CACHE / self.name / "log.txt", ready=url + self.ready):
            yield (Line(self.name, url, requests, self.labels),)

    def _values(self, column: Column) -> dict[str, str]:
        folder = CACHE / self.name
        ports = _free_ports()
        return {
            "bin": str(folder / "venv" / "bin"),
            "apps": str(APPS),
            "model": str(CACHE / "models" / column.model / "model.pkl"),
            "work": str(folder / "made" / column.model),
            **{("port" if not number else f"port+{number}"): str(port) for number, port in enumerate(ports)},
        }

    def _environment(self, values: Mapping[str, str]) -> dict[str, str]:
        own = {name: value.format_map(values) for name, value in self.environment.items()}
        path = f"{values['bin']}{os.pathsep}{os.environ['PATH']}"
        inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        fixed = {"MODEL_FILE": values["model"], "PORT": values["port"], "PATH": path}
        # Some peers write a warning for each request, which would slow them down.
        fixed["PYTHONWARNINGS"] = "ignore"
        return {**inherited, **_ONE_THREAD, **fixed, **own}


@contextmanager
def _process(
    command: Sequence[str], environment: Mapping[str, str], *, log: Path, ready: str
) -> Iterator[None]:
    with log.open("w") as file:
        process = subprocess.Popen(
            command, env=environment, cwd=log.parent, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    try:
        _wait(process, log, ready)
        yield
    finally:
        _stop(process)


def _wait(process: subprocess.Popen[bytes], log: Path, url: str) -> None:
    end = time.monotonic() + _READY_TIMEOUT_S
    while process.poll() is None and time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    what = "was not ready in time" if process.poll() is None else f"ended with {process.returncode}"
    raise Problem(f"it {what}: {end_of_log(log.read_text(errors='replace'))}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the process and all its children, also children that the process leaves behind."""
    try:
        family = [*psutil.Process(process.pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        family = []
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, left = psutil.wait_procs(family, timeout=1)
    for child in left:
        child.kill()
    psutil.wait_procs(left, timeout=_STOP_TIMEOUT_S)


def _free_ports(count: int = 3) -> list[int]:
    """Ports on which no program listens at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for listener in sockets:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()
