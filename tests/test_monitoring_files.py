"""The rules and the dashboard of docs/monitoring, read by a real Prometheus that watches a real service."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from tests.service.conftest import Service

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "monitoring"
RULES = FOLDER / "rules.yml"
DASHBOARD = FOLDER / "dashboard.json"
DEADLINE_S = 120
# What stands in the dashboard for the choices of its user.
CHOICES = {"$__rate_interval": "20s", "$job": ".*", "$instance": ".*"}
ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
REQUESTS = (
    ("/prediction", ROW),
    ("/prediction", {"rows": [ROW] * 30}),
    ("/prediction", {"slength": "wide"}),
    ("/invocations", {"dataframe_records": [ROW]}),
    ("/v1/models/model:predict", {"instances": [[5.1, 3.5, 1.4, 0.2]]}),
)

pytestmark = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="needs Prometheus and its promtool: .ci/prometheus installs them on Debian",
)


def queries() -> dict[str, str]:
    """The queries of the dashboard, with choices made, by the titles of their panels."""
    found: dict[str, str] = {}
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            query = str(target["expr"])
            for name, choice in CHOICES.items():
                query = query.replace(name, choice)
            found[f"{panel['title']} {target['refId']}"] = query
    return found


@pytest.mark.parametrize("arguments", [["check", "rules", "rules.yml"], ["test", "rules", "rules-test.yml"]])
def test_the_rules_are_right(arguments: list[str]) -> None:
    checked = subprocess.run(
        ["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A running service with two workers, of a model that keeps how its training data were distributed."""
    port = _free_port()
    log = tmp_path_factory.mktemp("service") / "log"
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(90, 4)), columns=[*ROW])
    model = log.with_name("model.pkl")
    model.write_bytes(pickle.dumps(KNeighborsClassifier().fit(table, table["plength"] > 0)))
    settings = {"MODEL_FILE": str(model), "WORKERS": "2", "HOST": "127.0.0.1"}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [shutil.which("python", path=str(ROOT / ".venv/bin")) or "python", "-m", "service"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PORT": str(port), **settings},
            stderr=file,
            start_new_session=True,
        )
    running = Service(process, port, log)
    try:
        running.wait_until_ready()
        yield running
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="module")
def prometheus(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Prometheus that watches the service and has the rules."""
    folder = tmp_path_factory.mktemp("prometheus")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": "infer", "static_configs": [{"targets": [f"127.0.0.1:{service.port}"]}]}
        ],
    }
    # JSON is YAML, too.
    (folder / "prometheus.yml").write_text(json.dumps(config))
    address = f"127.0.0.1:{_free_port()}"
    with _running(
        "prometheus",
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ):
        yield f"http://{address}"


def test_every_query_and_every_rule_gives_numbers(service: Service, prometheus: str) -> None:
    waiting = {**queries(), **{name: name for name in _recorded()}}
    deadline = time.monotonic() + DEADLINE_S
    killed = False
    while waiting:
        assert time.monotonic() < deadline, waiting
        _ask(service)
        waiting = {name: query for name, query in waiting.items() if not _has_numbers(prometheus, query)}
        if not killed:
            os.kill(service.workers()[0], signal.SIGKILL)
            killed = True

    # Though a worker was killed meanwhile, no count went back.
    (resets,) = _result(prometheus, "sum(resets(infer_requests_total[1h]))")
    assert float(resets["value"][1]) == 0
    groups = _get(prometheus, "/api/v1/rules")["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} == {"ok"}


def test_every_metric_that_is_named_is_there(service: Service) -> None:
    # The population stability index needs 200 rows.
    for _ in range(8):
        _ask(service)
    with urllib.request.urlopen(f"http://127.0.0.1:{service.port}/metrics", timeout=30) as answer:
        given = {re.split(r"[{ ]", line)[0] for line in answer.read().decode().splitlines()}

    text = RULES.read_text() + DASHBOARD.read_text()
    named = set(re.findall(r"(?<!:)\b(?:infer|process)_\w+(?=[{\[) ])", text))
    assert len(named) >= 8
    assert named <= given


def _recorded() -> list[str]:
    return re.findall(r"record: (\S+)", RULES.read_text())


def _ask(service: Service) -> None:
    """Send a few requests of all kinds; while a worker is replaced, some are not answered."""
    for path, body in REQUESTS:
        request = urllib.request.Request(
            f"http://127.0.0.1:{service.port}{path}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=30).close()
        except urllib.error.HTTPError as error:
            error.close()
        except OSError:
            time.sleep(0.1)


def _has_numbers(prometheus: str, query: str) -> bool:
    found = _result(prometheus, query)
    return bool(found) and all(sample["value"][1] != "NaN" for sample in found)


def _result(prometheus: str, query: str) -> list[dict[str, Any]]:
    path = f"/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    found: list[dict[str, Any]] = _get(prometheus, path)["result"]
    return found


def _get(prometheus: str, path: str) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while True:
        try:
            with urllib.request.urlopen(prometheus + path, timeout=30) as answer:
                return json.loads(answer.read())["data"]
        except urllib.error.HTTPError as error:
            # 503 while it starts; anything else, as a query that it cannot read, is a failure.
            error.close()
            if error.code != 503 or time.monotonic() > deadline:
                raise
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(*command: str) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
