"""Workers that end or hang are replaced, and the service goes on."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Service

    Start = Callable[..., Service]
    Save = Callable[..., Path]

QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"
DEADLINE_S = 60

CRASHING = """
import os, signal
class Crashing:
    n_features_in_ = 1
    def predict(self, rows):
        if rows[0][0] == 777:
            os.kill(os.getpid(), signal.SIGSEGV)
        return [0]
"""

ENDLESS = """
class Endless:
    n_features_in_ = 1
    def predict(self, rows):
        while rows[0][0] == 777: pass
        return [0]
"""


@pytest.fixture
def model_file(classifier: LogisticRegression, save: Save) -> Path:
    return save(classifier)


def metric(service: Service, name: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    return float(next(line for line in lines if line.startswith(name)).rpartition(" ")[2])


def states_of(pid: int) -> set[str]:
    """Give the states of the threads of a process, as the letters of proc_pid_stat(5)."""
    states = set()
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # It has ended.
            states.add((task / "stat").read_text().rpartition(")")[2].split()[0])
    return states


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert is_so()


def test_all_workers_that_are_killed_again_and_again_come_back(
    model_file: Path, start_service: Start
) -> None:
    service = start_service(model_file, WORKERS="2")

    for _ in range(3):
        killed = service.workers()
        for worker in killed:
            os.kill(worker, signal.SIGKILL)
        wait_for(lambda: len(set(service.workers()) - set(killed)) == 2)  # noqa: B023 (called at once)

    service.wait_until_ready()
    assert service.request("GET", QUERY)[0] == 200
    assert metric(service, 'infer_replaced_workers_total{cause="ended"}') == 6
    code, log = service.stop()
    assert code == 0
    assert log.count("was ended by SIGKILL: another takes its place in ") == 6


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all workers have one socket")
def test_a_connection_that_waits_for_a_killed_worker_is_answered_by_the_next(
    model_file: Path, start_service: Start
) -> None:
    service = start_service(model_file, WORKERS="1")
    (worker,) = service.workers()
    os.kill(worker, signal.SIGSTOP)
    # Until all its threads are stopped, it may take the connection.
    wait_for(lambda: states_of(worker) == {"T"})
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE_S)
    with contextlib.closing(connection):
        connection.request("GET", QUERY)

        os.kill(worker, signal.SIGKILL)

        assert connection.getresponse().status == 200


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a stopped process is not known")
def test_a_worker_that_hangs_is_replaced(model_file: Path, start_service: Start) -> None:
    service = start_service(model_file, WORKERS="1", WATCHDOG_SECONDS="2")
    (worker,) = service.workers()

    os.kill(worker, signal.SIGSTOP)

    wait_for(lambda: service.workers() not in ([], [worker]))
    service.wait_until_ready()
    assert service.request("GET", QUERY)[0] == 200
    assert metric(service, 'infer_replaced_workers_total{cause="unresponsive"}') == 1
    _, log = service.stop()
    assert "worker 1 told nothing for " in log
    assert " s, is stopped, and was ended: another takes its place in 0.1 s" in log


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a worker is not ended")
def test_a_worker_whose_model_runs_python_without_end_is_replaced(
    save: Save, make_instance: Callable[[str, str], object], start_service: Start
) -> None:
    model = save(make_instance("Endless", ENDLESS), "model.pkl")
    service = start_service(model, WORKERS="1", WATCHDOG_SECONDS="1")
    (worker,) = service.workers()

    # The connection ends with the worker.
    with pytest.raises((OSError, http.client.HTTPException)):
        service.request("GET", "/prediction?x0=777", timeout_s=DEADLINE_S)

    wait_for(lambda: service.workers() not in ([], [worker]))
    service.wait_until_ready()
    assert service.request("GET", "/prediction?x0=1")[0] == 200
    assert metric(service, 'infer_replaced_workers_total{cause="unresponsive"}') == 1
    _, log = service.stop()
    assert re.search(
        r"ERROR a call to the model with 1 row has not ended after \d+ s, "
        r"in predict \(code_of_endless.py, line 5\)\. If it is to take so long",
        log,
    )
    assert "ERROR worker 1 is caught in a call to the model, and was ended: another takes its place in" in log


def test_a_request_that_crashes_its_worker_each_time_does_not_end_the_service(
    save: Save, make_instance: Callable[[str, str], object], start_service: Start
) -> None:
    service = start_service(save(make_instance("Crashing", CRASHING), "model.pkl"), WORKERS="1")

    said = "ERROR worker 1 was ended by SIGSEGV, a crash of compiled code: another takes its place in "

    def has_crashed_four_times() -> bool:
        # A request that comes to a worker which is just ending is lost before the model sees it.
        with contextlib.suppress(OSError, http.client.HTTPException):
            service.request("GET", "/prediction?x0=777")
        return service.log.read_text().count(said) >= 4

    wait_for(has_crashed_four_times)

    service.wait_until_ready()
    assert service.request("GET", "/prediction?x0=1")[0] == 200
    code, log = service.stop()
    assert code == 0
    assert "Traceback" not in log
