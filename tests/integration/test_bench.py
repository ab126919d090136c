"""`infer bench` against a running service."""

from __future__ import annotations

import re
import subprocess
import time
import urllib.request
from typing import TYPE_CHECKING

from infer_cli.engine.services import find_service
from infer_cli.running.readiness import require_url

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished


def test_a_service_is_measured_with_the_rows_of_a_file(
    infer: Callable[..., Finished], lasting_service: str, tmp_path: Path
) -> None:
    rows = "".join(f"{4 + n % 4},{2 + n % 3},{1 + n % 6},{n % 25 / 10}\n" for n in range(300))
    (tmp_path / "rows.csv").write_text(f"slength,swidth,plength,pwidth\n{rows}")

    finished = infer(
        *("bench", lasting_service, "--rate", "50/s", "--duration", "2s", "--arrivals", "poisson"),
        *("--input", str(tmp_path / "rows.csv"), "--rows", "7", "--fail-if", "errors>0.1%", "--json"),
    )

    assert finished.exit_code == 0, finished.stderr
    assert "7 rows a request, 43 different ones" in finished.stderr
    assert finished.record["name"] == lasting_service
    assert finished.record["requests"] == finished.record["answered"] > 50
    assert 0 < finished.record["latency_ms"]["p50"] <= finished.record["latency_ms"]["p99"]


def _wait_for_rows(url: str, count: int) -> None:
    """Wait until the service has predicted so many rows."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{url}/metrics", timeout=5) as answer:
            found = re.search(r"^infer_predicted_rows_total (\S+)", answer.read().decode(), re.MULTILINE)
        if found and float(found[1]) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"the service did not predict {count} rows")


def test_a_service_that_is_killed_under_the_load_is_told(
    infer_program: tuple[str, ...], engine: Engine, iris_service: str
) -> None:
    command = [*infer_program, "bench", iris_service, "--rate", "50/s", "--duration", "10min"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        assert process.stderr.readline().startswith(f"Loading {iris_service}, 1 row a request: constant 50/s")

        _wait_for_rows(require_url(engine, find_service(engine, iris_service)), 10)
        engine.api.kill(iris_service)
        _, said = process.communicate(timeout=120)

    assert process.returncode == 1
    assert said.startswith(f"error: the service {iris_service} ended under the load (exit code 137")
    assert "answered" in said
