"""The running service: real processes, a real port, and models from real files."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from service.application import build_application
from service.settings import Settings
from tests.service.access.test_tokens import line
from tests.service.conftest import SLOW, needs_newer_granian

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Iris, Service

    Start = Callable[..., Service]

QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"
ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}


@pytest.fixture
def model_file(classifier: LogisticRegression, save: Callable[..., Path]) -> Path:
    return save(classifier)


@pytest.fixture
def slow_model_file(save: Callable[..., Path], make_instance: Callable[[str, str], object]) -> Path:
    """A model whose only feature is the number of seconds that a prediction takes."""
    return save(make_instance("Slow", SLOW), "slow.pkl")


def test_a_built_application_is_kept_for_the_workers(model_file: Path) -> None:
    settings = Settings(model_file)

    assert build_application(settings) is build_application(Settings(model_file))


def test_the_service_predicts_and_stops_at_sigterm(model_file: Path, start_service: Start) -> None:
    service = start_service(model_file, WORKERS="2", THREADS="1")

    one = service.request("GET", QUERY)
    many = service.request("POST", "/prediction", {"rows": [ROW, ROW]})
    code, log = service.stop()

    assert one[0] == many[0] == 200
    assert one[1]["prediction"] == "setosa"
    assert many[1]["predictions"] == ["setosa", "setosa"]
    assert code == 0
    start, _, stop = log.splitlines()
    serving = f"on 127.0.0.1:{service.port} with 2 workers of 1 thread"
    assert start.endswith(f"INFO serving model.joblib (classifier, 4 features) {serving}")
    assert stop.endswith("INFO stopped")


def test_the_log_as_json(model_file: Path, start_service: Start) -> None:
    _, log = start_service(model_file, WORKERS="1", LOG_FORMAT="json").stop()

    messages = [json.loads(line)["message"] for line in log.splitlines()]
    assert messages[0].startswith("serving model.joblib ")
    assert messages[-1] == "stopped"


def test_ctrl_c_ends_quietly(model_file: Path, start_service: Start) -> None:
    """A terminal sends SIGINT to every process of the service at once."""
    service = start_service(model_file, WORKERS="2", LOG_LEVEL="warning", THREADS="1")

    os.killpg(service.process.pid, signal.SIGINT)

    assert service.wait_for_end() == (0, "")


def test_requests_in_progress_are_answered_before_the_service_stops(
    slow_model_file: Path, start_service: Start
) -> None:
    service = start_service(slow_model_file, WORKERS="1")
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(service.request("GET", "/prediction?x0=1")[0]))
    asking.start()
    time.sleep(0.5)

    code, _ = service.stop()

    asking.join()
    assert (answers, code) == ([200], 0)


def test_the_service_stops_during_a_prediction_without_end(
    slow_model_file: Path, start_service: Start
) -> None:
    service = start_service(slow_model_file, WORKERS="1")
    with socket.create_connection(("127.0.0.1", service.port)) as asking:
        asking.sendall(b"GET /prediction?x0=3600 HTTP/1.1\r\nHost: here\r\n\r\n")
        time.sleep(0.5)

        code, _ = service.stop()

    assert code == 0


@needs_newer_granian
def test_health_checks_are_answered_while_predictions_take_long(
    slow_model_file: Path, start_service: Start
) -> None:
    service = start_service(slow_model_file, WORKERS="1")
    request = b"GET /prediction?x0=3600 HTTP/1.1\r\nHost: here\r\n\r\n"
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            asking = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            asking.sendall(request)

        assert service.request("GET", "/livez", timeout_s=5)[0] == 200


@needs_newer_granian
def test_health_checks_are_answered_while_bodies_come_slowly(model_file: Path, start_service: Start) -> None:
    service = start_service(model_file, WORKERS="1")
    head = b"POST /prediction HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 99\r\n\r\n{"
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            asking = stack.enter_context(socket.create_connection(("127.0.0.1", service.port)))
            asking.sendall(head)

        assert service.request("GET", "/livez", timeout_s=5)[0] == 200


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no SCHED_BATCH")
def test_all_threads_of_a_worker_have_batch_scheduling(model_file: Path, start_service: Start) -> None:
    service = start_service(model_file, WORKERS="1")
    assert service.request("GET", QUERY)[0] == 200
    (worker,) = service.workers()

    threads = [int(task.name) for task in Path(f"/proc/{worker}/task").iterdir()]

    assert len(threads) > 1
    assert {os.sched_getscheduler(thread) for thread in threads} == {os.SCHED_BATCH}


def test_a_library_with_openmp_threads_works_in_the_workers(
    iris: Iris, save: Callable[..., Path], start_service: Start
) -> None:
    """OpenMP hangs in a forked process if it had started threads before the fork."""
    model = HistGradientBoostingClassifier(max_iter=3).fit(*iris)

    service = start_service(save(model), WORKERS="1", THREADS="2")

    assert service.request("GET", QUERY)[1]["prediction"] == "setosa"


@needs_newer_granian
def test_a_chunked_body_over_the_limit_is_refused(model_file: Path, start_service: Start) -> None:
    service = start_service(model_file, WORKERS="1", MAX_BODY_BYTES="1000")
    head = b"POST /prediction HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\n"
    head += b"Transfer-Encoding: chunked\r\n\r\n"

    with socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection:
        connection.sendall(head + b"%x\r\n%s\r\n0\r\n\r\n" % (5000, b" " * 5000))
        answer = connection.recv(10_000)

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_a_model_that_cannot_be_loaded_is_one_line_on_stderr(tmp_path: Path, launch: Start) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(b"\x80\x04")

    code, log = launch(file).wait_for_end()

    assert code == 1
    advice = "Copy or save the model again, and compare the sizes."
    assert log == f"error: cannot load {file}: it is cut short. {advice}\n"


def test_each_wrong_setting_is_one_line_on_stderr(launch: Start) -> None:
    code, log = launch("", PORT="x", LOG_LEVEL="loud").wait_for_end()

    assert code == 1
    assert [line.split()[:2] for line in log.splitlines()] == [
        ["error:", "MODEL_FILE"],
        ["error:", "PORT"],
        ["error:", "LOG_LEVEL"],
    ]


def test_a_port_in_use_is_one_line_on_stderr(model_file: Path, launch: Start, free_port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()

        code, log = launch(model_file).wait_for_end()

    assert code == 1
    assert log == f"error: port {free_port} is in use. Stop what uses it, or set PORT to another.\n"


def test_two_services_do_not_share_a_port(model_file: Path, start_service: Start, launch: Start) -> None:
    start_service(model_file, WORKERS="1")

    code, log = launch(model_file).wait_for_end()

    assert code == 1
    assert "is in use" in log


def test_more_workers_and_threads_than_cpus_is_a_warning(model_file: Path, start_service: Start) -> None:
    _, log = start_service(model_file, WORKERS="2", THREADS="1000").stop()

    assert "WARNING 2 workers x 1000 threads were asked for, and there are" in log


def test_the_service_can_be_stopped_while_the_model_loads(
    save: Callable[..., Path], make_instance: Callable[[str, str], object], launch: Start, tmp_path: Path
) -> None:
    code = f"""
import pathlib, time
class Heavy:
    def __setstate__(self, state):
        pathlib.Path({str(tmp_path / "loading")!r}).touch()
        time.sleep(3600)
    def __getstate__(self):
        return {{"some": "state"}}
"""
    service = launch(save(make_instance("Heavy", code)))
    deadline = time.monotonic() + 60
    while not (tmp_path / "loading").exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    code_and_log = service.stop()

    assert code_and_log == (143, "")


def test_tokens_of_a_running_service_are_replaced_without_a_restart(
    classifier: LogisticRegression,
    save: Callable[..., Path],
    start_service: Callable[..., Service],
    tmp_path: Path,
) -> None:
    file = tmp_path / "tokens"
    file.write_text(line("ada", "predict", "the-first-token"))
    service = start_service(save(classifier), TOKENS_FILE=str(file), WORKERS="2", REQUEST_LOG="1")

    def status(token: str) -> int:
        asked = urllib.request.Request(
            f"http://127.0.0.1:{service.port}/model", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    assert service.request("GET", "/model")[0] == 401
    assert (status("the-first-token"), status("the-second-token")) == (200, 401)
    draft = tmp_path / "draft"
    draft.write_text(line("ada", "predict", "the-second-token"))
    draft.replace(file)
    deadline = time.monotonic() + 60
    # Each worker reads the file by itself, so that one of them may still know the first token alone.
    while any((status("the-first-token"), status("the-second-token")) != (401, 200) for _ in range(10)):
        assert time.monotonic() < deadline
        time.sleep(0.05)

    _, log = service.stop()
    assert "the-first-token" not in log
    assert "the-second-token" not in log
