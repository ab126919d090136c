from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.commands.bench import _Place, _report
from infer_cli.load.conditions import parse_condition
from infer_cli.load.result import LoadPlan, LoadResult
from infer_cli.load.search import Search, Trial
from tests.load.conftest import known_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

GOLDEN = Path(__file__).parents[1] / "golden"
__all__ = ["known_server"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--rate", "fast"), "--rate fast is no rate"),
        (("--duration", "long"), "--duration long is no duration"),
        (("--fail-if", "p99=1ms"), "--fail-if 'p99=1ms' is no condition"),
        (("--target", "slow<1ms"), "--target 'slow<1ms': there is no figure slow"),
        (("--arrivals", "regular"), "--arrivals regular is not known"),
        (("--timeout", "0"), "--timeout 0 leaves no time for an answer"),
        (("--plot", "x.png"), "--plot x.png: only SVG is drawn"),
        (("--rate", "1/min", "--duration", "10s"), "no request is due in this time"),
        (("iris", "--url", "http://localhost:1"), "iris and --url were given"),
        (("--url", "localhost:1"), "localhost:1 is not the URL of a service"),
        (("--url", "http://192.0.2.1:5000"), "http://192.0.2.1:5000 is on another machine"),
    ],
)
def test_wrong_options_are_told_before_anything_is_sent(
    infer: Callable[..., Finished], arguments: tuple[str, ...], message: str
) -> None:
    finished = infer("bench", *arguments)

    assert finished.exit_code == 2
    assert finished.stderr.startswith(f"error: {message}")


def measured() -> LoadResult:
    result = LoadResult(LoadPlan(100, 10, 1, timeout_s=5), requests=1000, answered=990, in_time=988)
    result.busy, result.timeouts, result.wrong, result.waited_for_connection = 3, 1, 2, 7
    result.first_wrong = "it is no JSON: b'<html>'"
    result.refused["HTTP 400"] += 2
    result.failed["connection reset by peer"] += 2
    for number in range(1, 991):
        result.latencies.add(0.001 + number**3 / 1e9)
        result.from_sending.add(0.0009)
        result.lateness.add(0.00005)
    return result


@pytest.mark.parametrize("name", ["bench.txt", "bench-target.txt", "bench.json"])
def test_the_report_is_the_golden_one(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    result = measured()
    trial = Trial(100, "met", result)
    search = Search((trial, Trial(200, "unknown", result)), trial) if "target" in name else None
    limits = [parse_condition("--fail-if", text) for text in ("p99>20ms", "errors>5%")]

    _report(_Place("iris", "http://localhost:5000"), result, search, limits, as_json=name.endswith("json"))

    printed = capsys.readouterr()
    text = printed.out if name.endswith("json") else f"{printed.out}--- stderr\n{printed.err}"
    if name.endswith("json"):
        text = json.dumps(json.loads(text), indent=1) + "\n"
    assert text == (GOLDEN / name).read_text()
    assert name.endswith("json") or all(len(line) < 80 for line in printed.out.splitlines())


def test_a_load_is_measured_and_judged(
    infer: Callable[..., Finished], known_server: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("id,size\n1,5\n2,6\n")
    options = (
        "--rate",
        "100/s",
        "--duration",
        "1s",
        "--warm-up",
        "0s",
        "--input",
        str(tmp_path / "rows.csv"),
    )
    conditions = ("--fail-if", "p50>1ms", "--fail-if", "errors>0.1%", "--plot", str(tmp_path / "plot.svg"))

    finished = infer("bench", "--url", known_server("--pause_ms", "10"), *options, *conditions, "--json")

    assert finished.exit_code == 3, finished.stderr
    assert "(--fail-if 'p50>1ms')" in finished.stderr
    assert "errors>0.1%" not in finished.stderr
    assert (finished.record["requests"], finished.record["answered"]) == (100, 100)
    assert [one["holds"] for one in finished.record["fail_if"]] == [True, False]
    assert finished.record["latency_ms"]["p50"] >= 9.9
    assert (tmp_path / "plot.svg").read_text().startswith("<svg")


def test_a_rate_is_searched(infer: Callable[..., Finished], known_server: Callable[..., str]) -> None:
    url = known_server("--pause_ms", "100")

    found = infer(
        *("bench", "--url", url, "--target", "p50<10s", "--rate", "4", "--duration", "1s", "--warm-up", "0s"),
        *("--connections", "1", "--timeout", "0.3", "--json"),
    )
    missed = infer(
        *("bench", "--url", url, "--target", "p50<50ms", "--rate", "4", "--duration", "1s", "--warm-up", "0s")
    )

    assert found.exit_code == 0, found.stderr
    # One connection takes 10 requests in a second, and the others wait for more than 300 ms.
    assert 4 <= found.record["highest_rate"] <= 14
    first = found.record["trials"][0]
    assert (first["rate"], first["outcome"]) == (4.0, "met")
    assert first["latency_ms"]["p50"] >= 99
    assert missed.exit_code == 3
    assert missed.stdout.startswith("No rate that was tried meets the target; the last one was")


def test_wrong_answers_are_an_error(infer: Callable[..., Finished], known_server: Callable[..., str]) -> None:
    url = known_server("--lie", "--every", "10")

    finished = infer("bench", "--url", url, "--duration", "1s", "--warm-up", "0s")

    assert finished.exit_code == 1
    assert "error: 10 answers were wrong; the first: the same rows got" in finished.stderr


def test_a_service_that_ends_is_an_error(
    infer: Callable[..., Finished], known_server: Callable[..., str]
) -> None:
    url = known_server("--end_at", "50")

    finished = infer("bench", "--url", url, "--duration", "5s", "--warm-up", "0s", "--json")

    assert finished.exit_code == 1
    assert "stopped answering" in finished.record["error"]["message"]
    assert "connection refused" in finished.record["error"]["detail"]


def test_a_service_that_refuses_the_rows_is_not_loaded(
    infer: Callable[..., Finished], known_server: Callable[..., str]
) -> None:
    finished = infer("bench", "--url", known_server("--status", "422"))

    assert finished.exit_code == 1
    assert finished.stderr.startswith("error: the service refused /prediction (422): as it was told")


def test_ctrl_c_ends_a_load(infer_program: tuple[str, ...], known_server: Callable[..., str]) -> None:
    command = [*infer_program, "bench", "--url", known_server(), "--duration", "1h"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    assert process.stderr.readline().startswith("Loading http://127.0.0.1:")

    os.kill(process.pid, signal.SIGINT)

    assert process.communicate(timeout=60) == ("", "interrupted\n")
    assert process.returncode == 130
