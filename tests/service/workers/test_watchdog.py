"""Which silent workers are ended: tried with real processes that are stopped, sleep or compute."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from service.telemetry.vitals import Vitals
from service.workers import watchdog
from service.workers.watchdog import Watchdog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.workers.watchdog import Silent

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process does")
DEADLINE_S = 60


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        with process:
            process.kill()


def start(processes: list[subprocess.Popen[bytes]], code: str) -> int:
    """Start a process that is a silent worker, and wait until it does what it does."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"import time; print(end='.', flush=True); {code}"], stdout=subprocess.PIPE
    )
    processes.append(process)
    assert process.stdout is not None
    process.stdout.read(1)
    return process.pid


def look_until(dog: Watchdog, pid: int, *, tell_s: float) -> list[Silent]:
    """Look until the worker is found, or for some seconds."""
    end = time.monotonic() + tell_s
    started_s = time.monotonic()
    found: list[Silent] = []
    while not found and time.monotonic() < end:
        time.sleep(0.05)
        found = dog.look({0: (pid, started_s)})
    return found


def test_a_worker_that_does_nothing_is_found(processes: list[subprocess.Popen[bytes]]) -> None:
    vitals = Vitals(1)
    pid = start(processes, "time.sleep(3600)")
    vitals.beat(0)

    (silent,) = look_until(Watchdog(vitals, 0.5), pid, tell_s=DEADLINE_S)

    assert (silent.worker, silent.how) == (0, "does nothing")
    assert silent.seconds > 0.5


def test_a_worker_that_is_stopped_is_found(processes: list[subprocess.Popen[bytes]]) -> None:
    vitals = Vitals(1)
    pid = start(processes, "time.sleep(3600)")
    vitals.beat(0)
    os.kill(pid, signal.SIGSTOP)

    (silent,) = look_until(Watchdog(vitals, 0.5), pid, tell_s=DEADLINE_S)

    assert silent.how == "is stopped"


def test_a_worker_that_computes_gets_more_time_and_is_found_then(
    processes: list[subprocess.Popen[bytes]],
) -> None:
    vitals = Vitals(1)
    pid = start(processes, "pow(3, 10**9)")
    vitals.beat(0)

    (silent,) = look_until(Watchdog(vitals, 0.5), pid, tell_s=DEADLINE_S)

    assert silent.how == "computes without an end"
    assert silent.seconds > 0.5 * watchdog.BUSY_FACTOR


def test_a_worker_that_tells_that_it_is_stuck_is_found(processes: list[subprocess.Popen[bytes]]) -> None:
    vitals = Vitals(2)
    pid = start(processes, "time.sleep(3600)")
    dog = Watchdog(vitals, 3600)
    for worker in (0, 1):
        vitals.beat(worker)
    workers = {worker: (pid, time.monotonic()) for worker in (0, 1)}
    assert dog.look(workers) == []

    vitals.tell_stuck(1)

    (silent,) = dog.look(workers)
    assert (silent.worker, str(silent)) == (1, "is caught in a call to the model")
    # The call has ended after all.
    vitals.beat(1)
    assert dog.look(workers) == []


def test_a_worker_that_starts_gets_more_time(processes: list[subprocess.Popen[bytes]]) -> None:
    pid = start(processes, "time.sleep(3600)")

    assert look_until(Watchdog(Vitals(1), 0.2), pid, tell_s=2) == []


def test_a_watchdog_that_was_held_up_itself_begins_anew(
    processes: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A container that was paused, workers and all, has no silent workers when it goes on."""
    monkeypatch.setattr(watchdog, "HELD_UP_S", 0.0)
    vitals = Vitals(1)
    pid = start(processes, "time.sleep(3600)")
    vitals.beat(0)

    assert look_until(Watchdog(vitals, 0.2), pid, tell_s=2) == []
