"""What TLS costs in requests a second: `python -m benchmarks.tls`.

Two services of the same small model, one of which has a certificate, are loaded in turn: with one row, and
with 1000 rows, over connections that stay open, and with a new connection for each request. Printed is the
share of requests that TLS leaves, with the least and the greatest of all rounds, and the share by the CPU
time that the services used for a request, which other work on the machine changes less.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import psutil
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from benchmarks.load import Request, drive

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROUNDS = 7
SECONDS = 2
CONNECTIONS = 16
COLUMNS = ["slength", "swidth", "plength", "pwidth"]
ROW = dict(zip(COLUMNS, (5.1, 3.5, 1.4, 0.2), strict=True))
ONE_ROW = "/prediction?" + "&".join(f"{name}={value}" for name, value in ROW.items())
LOADS = {
    "one row": Request("GET", ONE_ROW),
    "1000 rows": Request.of_json("/prediction", {"rows": [ROW] * 1000}),
    "one row, a new connection each": Request("GET", ONE_ROW, headers=(("Connection", "close"),)),
}
_START_S = 60


@dataclass
class _Running:
    """A service that runs, and what was measured of it: requests a second, and CPU time of a request."""

    url: str
    process: psutil.Process
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def load(self, request: Request) -> None:
        """Load it once, and keep what was measured."""
        before = self._cpu_s()
        rate = drive(self.url, [request], connections=CONNECTIONS, seconds=SECONDS).requests_per_s
        self.rates.append(rate)
        self.cpu_us.append((self._cpu_s() - before) / (rate * SECONDS) * 1e6)

    def _cpu_s(self) -> float:
        times = [one.cpu_times() for one in self.process.children(recursive=True)]
        return sum(each.user + each.system for each in times)


@contextlib.contextmanager
def _service(model: Path, scheme: str, variables: dict[str, str]) -> Iterator[_Running]:
    """Run a service."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"MODEL_FILE": str(model), "HOST": "127.0.0.1", "PORT": str(port), "LOG_LEVEL": "warning"}
    environment = {"PATH": os.environ["PATH"], **settings, **variables}
    process = subprocess.Popen([sys.executable, "-m", "service"], env=environment)
    try:
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.1)
        yield _Running(f"{scheme}://127.0.0.1:{port}", psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


def _make_pair(folder: Path) -> dict[str, str]:
    """Make a certificate, and give the settings of a service that has it."""
    pair = {"TLS_CERTIFICATE": str(folder / "certificate.pem"), "TLS_KEY": str(folder / "key.pem")}
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost")
    files = ("-nodes", "-keyout", pair["TLS_KEY"], "-out", pair["TLS_CERTIFICATE"])
    subprocess.run(["openssl", "req", "-x509", *curve, *files], check=True, capture_output=True)
    return pair


def main() -> None:
    """Print the table."""
    features, classes = load_iris(as_frame=True, return_X_y=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        joblib.dump(
            LogisticRegression(max_iter=500).fit(features.set_axis(COLUMNS, axis=1), classes),
            folder / "model.joblib",
        )
        with (
            _service(folder / "model.joblib", "http", {}) as plain,
            _service(folder / "model.joblib", "https", _make_pair(folder)) as by_tls,
        ):
            print("| requests | plain HTTP | TLS | share | share by CPU time |")
            print("| --- | ---: | ---: | ---: | ---: |")
            for name, request in LOADS.items():
                for one in (plain, by_tls):
                    one.rates, one.cpu_us = [], []
                for _ in range(ROUNDS):
                    plain.load(request)
                    by_tls.load(request)
                rates = [f"{statistics.median(one.rates):.0f} r/s" for one in (plain, by_tls)]
                by_rate = _share(by_tls.rates, plain.rates)
                by_cpu = _share(plain.cpu_us, by_tls.cpu_us)
                print(f"| {' | '.join((name, *rates, by_rate, by_cpu))} |")


def _share(parts: Sequence[float], wholes: Sequence[float]) -> str:
    shares = [part / whole for part, whole in zip(parts, wholes, strict=True)]
    return f"{statistics.median(shares):.2f} ({min(shares):.2f} to {max(shares):.2f})"


if __name__ == "__main__":
    main()
