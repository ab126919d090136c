"""The CPU time that each check of who may ask adds to a request: `python -m benchmarks.access`.

The WSGI application of a worker, without a server, answers the same prediction again and again, with the
checks of a row of the table switched on. The rows take turns, so that what else the machine does meets all of
them alike; of each the fastest of many rounds is told, by the CPU time of the thread.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from service.application import build_application
from service.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ROUNDS = 40
REQUESTS = 1000
TOKEN = "infer_of-the-benchmark"
COLUMNS = ["slength", "swidth", "plength", "pwidth"]
ORIGIN = "https://app.example"
CHECKS = {
    "none": {},
    "host names": {"ALLOWED_HOSTS": "iris"},
    "one token": {"TOKENS_FILE": "one"},
    "a hundred tokens": {"TOKENS_FILE": "hundred"},
    "origins": {"CORS_ORIGINS": ORIGIN},
    "host names, one token, origins": {
        "ALLOWED_HOSTS": "iris",
        "TOKENS_FILE": "one",
        "CORS_ORIGINS": ORIGIN,
    },
}


def _environ() -> WSGIEnvironment:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/prediction",
        "QUERY_STRING": "slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "5000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost:5000",
        "HTTP_AUTHORIZATION": f"Bearer {TOKEN}",
        "HTTP_ORIGIN": ORIGIN,
        "wsgi.input": io.BytesIO(),
    }


def _cpu_us(application: WSGIApplication) -> float:
    """The CPU time of a request in microseconds."""
    statuses: list[str] = []

    def start(status: str, *_: object) -> object:
        statuses.append(status)
        return None

    environs = [_environ() for _ in range(REQUESTS)]
    before = time.thread_time_ns()
    for environ in environs:
        application(environ, start)  # type: ignore[arg-type]  # the answer is not written
    spent = time.thread_time_ns() - before
    if set(statuses) != {"200 OK"}:
        raise SystemExit(f"not answered: {set(statuses)}")
    return spent / REQUESTS / 1e3


def _line(token: str) -> str:
    return f"ada predict sha256:{hashlib.sha256(token.encode()).hexdigest()}\n"


def main() -> None:
    """Measure all rows, and print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = load_iris(as_frame=True)
        model = LogisticRegression(max_iter=500).fit(data.data.set_axis(COLUMNS, axis=1), data.target)
        joblib.dump(model, folder / "model.joblib")
        (folder / "one").write_text(_line(TOKEN))
        others = "".join(_line(f"another {number}") for number in range(99))
        (folder / "hundred").write_text(others + _line(TOKEN))
        applications = {}
        for label, settings in CHECKS.items():
            files = {key: str(folder / value) for key, value in settings.items() if key == "TOKENS_FILE"}
            environment = {"MODEL_FILE": str(folder / "model.joblib"), **settings, **files}
            applications[label] = build_application(Settings.from_environment(environment)).wsgi
        # What stands behind the gate that asks who may ask.
        applications = {"no gate at all": getattr(applications["none"], "application"), **applications}  # noqa: B009 (a WSGI application has no such name)
        found: dict[str, list[float]] = {label: [] for label in applications}
        for _ in range(ROUNDS):
            for label, application in applications.items():
                found[label].append(_cpu_us(application))
    base = min(found["no gate at all"])
    print("| checks | CPU time of a prediction | more |\n| --- | ---: | ---: |")
    for label, values in found.items():
        print(f"| {label} | {min(values):.1f} µs | {min(values) - base:.1f} µs |")


if __name__ == "__main__":
    main()
