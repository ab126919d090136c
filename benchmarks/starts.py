"""The time from `docker run` to the first answer, and the memory and CPU of an idle service."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.request
import uuid
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.measure import Timing, print_ratios, run
from benchmarks.own import INFER, base_image, own_container, published_url
from infer_cli.engine.connection import connect

if TYPE_CHECKING:
    from infer_cli.engine.connection import EngineRecord

_ROUNDS = 5
_WORKERS = (1, 2)
_IDLE_S = 10
_TIMEOUT_S = 60


def starts(tag: str, compiled: str) -> dict[str, object]:
    """Start services of both images and an empty container in turn; then measure an idle service of `tag`."""
    docker = shutil.which("docker")
    assert docker, "the docker client is needed"
    base = base_image()
    empty, first, second, ready = [], [], [], []
    for _ in range(_ROUNDS):
        empty.append(run((docker, "run", "--rm", "--network", "none", base, "true")))
        first.append(_first_answer(docker, tag))
        second.append(_first_answer(docker, compiled))
        name = f"infer-bench-{uuid.uuid4().hex[:8]}"
        ready.append(run((*INFER, "run", tag, "-d", "--name", name)))
        run((*INFER, "stop", name))
    print("\nStart (ratio to starting and removing an empty container of the same base)")
    timings = {
        "empty container": Timing(tuple(empty)),
        "docker run to the first answer": Timing(tuple(first)),
        "the same of the compiled model": Timing(tuple(second)),
        "infer run -d": Timing(tuple(ready)),
    }
    return {"start": print_ratios(timings, timings["empty container"].median), "idle": _idle(tag)}


def _first_answer(docker: str, tag: str) -> float:
    """The seconds from `docker run` until `/readyz` answers 200."""
    start = time.perf_counter()
    command = (docker, "run", "--rm", "-d", "-p", "127.0.0.1::5000", "--read-only", "--tmpfs", "/tmp", tag)
    identity = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    try:
        url = published_url(connect().api.inspect_container(identity)) + "/readyz"
        while not _answers(url):
            if time.perf_counter() - start > _TIMEOUT_S:
                raise RuntimeError(f"{tag} did not answer in {_TIMEOUT_S} s")
            time.sleep(0.005)
        return time.perf_counter() - start
    finally:
        run((docker, "rm", "-f", identity))


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):
            return True
    except OSError:
        return False


def _idle(tag: str) -> dict[str, dict[str, float]]:
    """The memory and CPU of a service without requests, by its number of workers."""
    print("\nWhile nobody asks (health checks run)")
    found = {}
    for workers in _WORKERS:
        with own_container(tag, "--workers", str(workers)) as raw:
            before = _stats(raw["Id"])
            time.sleep(_IDLE_S)
            after = _stats(raw["Id"])
        found[f"{workers} workers"] = values = {
            "memory in MB": round(median((_memory(before), _memory(after))) / 1e6, 1),
            "CPU in percent of one": round(100 * (_cpu_s(after) - _cpu_s(before)) / _IDLE_S, 2),
        }
        print(
            f"  {workers} workers: {values['memory in MB']} MB, {values['CPU in percent of one']} % of a CPU"
        )
    return found


def _stats(identity: str) -> EngineRecord:
    stats: EngineRecord = connect().api.stats(identity, stream=False)
    return stats


def _memory(stats: EngineRecord) -> float:
    """The used bytes as `docker stats` counts them: without the file cache that the kernel may drop."""
    detail = stats["memory_stats"]["stats"]
    files = detail.get("inactive_file", detail.get("total_inactive_file", 0))
    return float(stats["memory_stats"]["usage"] - files)


def _cpu_s(stats: EngineRecord) -> float:
    return float(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9
