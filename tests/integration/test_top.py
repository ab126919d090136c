"""`infer top` with services that are loaded, stalled and ended."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from infer_cli.engine.services import find_service
from infer_cli.running.readiness import require_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

PATIENCE_S = 90
ROW = "slength=1.5&swidth=0.7&plength=1.3&pwidth=0.3"


def records_of(process: subprocess.Popen[str], name: str) -> Iterator[Any]:
    """What is told of a service, interval by interval; fails if it takes too long."""
    assert process.stdout
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        [found] = [one for one in json.loads(process.stdout.readline())["services"] if one["name"] == name]
        yield found
    raise AssertionError(f"it was not told of {name}")


def ask(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_loaded_service_is_watched_until_it_ends(
    infer_program: tuple[str, ...], engine: Engine, iris_service: str
) -> None:
    url = require_url(engine, find_service(engine, iris_service))
    load = [*infer_program, "bench", iris_service, "--rate", "40/s", "--rows", "5", "--duration", "10min"]
    watch = [*infer_program, "top", iris_service, "--interval", "500ms", "--json"]
    with (
        subprocess.Popen(load, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as loading,
        subprocess.Popen(watch, stdout=subprocess.PIPE, text=True) as watching,
    ):
        records = records_of(watching, iris_service)
        # The load has begun, and the interval after that one is all of it.
        next(one for one in records if one["requests_per_s"])
        loaded = next(one for one in records if one["requests_per_s"] and one["cpu_percent"])
        assert ask(f"{url}/prediction?slength=wide") == 400
        failing = next(one for one in records if one["errors_per_s"] and one["errors_per_s"]["4xx"])
        loading.send_signal(signal.SIGINT)
        engine.api.kill(iris_service)
        ended = next(one for one in records if one["health"] == "exited")
        watching.send_signal(signal.SIGINT)
        watching.communicate(timeout=PATIENCE_S)

    # There are five rows in a request, however many of these the machine manages.
    assert 3 < loaded["rows_per_s"] / loaded["requests_per_s"] < 7
    assert 0 < loaded["p50_ms"] <= loaded["p99_ms"]
    assert loaded["memory_bytes"] > 30_000_000
    assert (loaded["model"], loaded["url"], loaded["reason"]) == ("model.pkl", url, None)
    assert failing["errors_per_s"]["5xx"] == failing["errors_per_s"]["503"] == 0
    assert ended["reason"].startswith("exit code 137")
    assert ended["requests_per_s"] is None
    assert watching.returncode == 0


def test_a_service_that_stands_still_is_shown_with_the_reason(
    infer: Callable[..., Finished], engine: Engine, iris_service: str
) -> None:
    table = infer("top", iris_service, "--once", "--interval", "500ms")
    # Its workers stand still, of which the engine knows nothing.
    command = engine.api.exec_create(iris_service, ["sh", "-c", "kill -STOP -1"])
    engine.api.exec_start(command["Id"])
    stopped = infer("top", "--once", "--interval", "1s", "--json")

    assert (table.exit_code, table.stderr) == (0, "")
    header, line = table.stdout.splitlines()
    assert header.split()[-1] == "MODEL"
    assert (line.split()[0], line.split()[-1]) == (iris_service, "model.pkl")
    assert len(line.split()) == len(header.split())
    assert stopped.exit_code == 0, stopped.stderr
    [found] = [one for one in stopped.record["services"] if one["name"] == iris_service]
    assert found["reason"] == "no answer within 0.5 s"
    assert (found["requests_per_s"], found["p99_ms"]) == (None, None)
