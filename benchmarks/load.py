"""Loads a server with wrk, and reads the result."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCRIPT = Path(__file__).with_name("wrk.lua")
_RESULT = "result: "
_REQUEST_TIMEOUT_S = 20
# One thread sends more requests than any of the servers answers, and leaves the servers most of the machine.
_THREADS = 1


@dataclass(frozen=True)
class Request:
    """One request; `body` is empty if it has none."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of_json(cls, path: str, body: object) -> Request:
        """A POST of a value as JSON."""
        return cls("POST", path, json.dumps(body).encode())

    @property
    def all_headers(self) -> dict[str, str]:
        """All headers but the ones that tell the host and the length."""
        return {**({"Content-Type": self.content_type} if self.body else {}), **dict(self.headers)}

    @property
    def line(self) -> str:
        """The request in the form that `wrk.lua` reads."""
        named = [text for header in self.all_headers.items() for text in header]
        return "\t".join((self.method, self.path, self.body.hex(), *named))


@dataclass(frozen=True)
class Slice:
    """The result of a few seconds of load; the latencies `p50` and `p99` are in milliseconds."""

    requests_per_s: float
    p50: float
    p99: float


def require_wrk() -> str:
    """The path of wrk; raises `Problem`, which says how to install wrk, if it is missing."""
    if found := shutil.which("wrk"):
        return found
    raise Problem("wrk is needed to load the servers: apt-get install wrk, or brew install wrk")


def drive(url: str, requests: Sequence[Request], *, connections: int, seconds: float) -> Slice:
    """Send `requests` to `url` in turn, over a number of connections that stay open.

    Raises `Problem` if any request was refused or lost.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "requests"
        file.write_text("".join(request.line + "\n" for request in requests))
        command = (
            *(require_wrk(), "--script", str(_SCRIPT), "--threads", str(_THREADS)),
            *("--connections", str(connections), "--duration", f"{max(1, round(seconds))}s"),
            *("--timeout", f"{_REQUEST_TIMEOUT_S}s", url, "--", str(file)),
        )
        finished = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds + 3 * _REQUEST_TIMEOUT_S
        )
    return read_result(finished.stdout, finished.stderr)


def read_result(printed: str, errors: str = "") -> Slice:
    """Read the output of wrk; raises `Problem` if it holds no result, or if a request failed."""
    lines = [line for line in printed.splitlines() if line.startswith(_RESULT)]
    if not lines:
        raise Problem(f"wrk gave no result: {(errors or printed).strip()[-300:]}")
    found = json.loads(lines[-1].removeprefix(_RESULT))
    if not found["requests"]:
        raise Problem("it answered no request in time")
    if found["refused"] or found["broken"]:
        raise Problem(
            f"of {found['requests']} requests {found['refused']} were refused and {found['broken']} lost"
        )
    return Slice(
        requests_per_s=found["requests"] / found["microseconds"] * 1e6,
        p50=found["p50"] / 1e3,
        p99=found["p99"] / 1e3,
    )
