"""One model after another, served by a running service."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier

from tests.service.certificates import make_pair
from tests.service.conftest import ROOT, environment
from tests.service.workers.constant_load import QUERY, ROW, Load

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Iris, Service

    Start = Callable[..., Service]
    Make = Callable[[str, str], object]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the model stays as it is")

DEADLINE_S = 120
# How many models are served, and how many files are refused, under load. `SWAPS=100` is for a longer look.
SWAPS = int(os.environ.get("SWAPS", "4"))

CRASHES = """
import ctypes
class Hostile:
    def __setstate__(self, state):
        {deed}
    def __getstate__(self):
        return {{"some": "state"}}
"""


class Models:
    """Three models, and the folder of the one that is served."""

    def __init__(self, folder: Path, iris: Iris) -> None:
        self.file = folder / "served" / "model.pkl"
        self.file.parent.mkdir()
        self.known: dict[str, list[float]] = {}
        self.files = []
        for number in range(3):
            estimator = RandomForestClassifier(5, random_state=number).fit(*iris)
            self.files.append(folder / f"{number}.pkl")
            joblib.dump(estimator, self.files[-1])
            answer = estimator.predict_proba(iris[0].iloc[:1].assign(**ROW))[0].tolist()
            self.known[self.digest(number)] = answer
        self.put(0)

    def digest(self, number: int) -> str:
        return f"sha256:{hashlib.sha256(self.files[number].read_bytes()).hexdigest()}"

    def put(self, number: int) -> None:
        """Rename another model into the place."""
        self.replace(self.files[number].read_bytes())

    def replace(self, content: bytes) -> None:
        other = self.file.with_suffix(".tmp")
        other.write_bytes(content)
        other.replace(self.file)


@pytest.fixture
def models(tmp_path: Path, iris: Iris) -> Models:
    return Models(tmp_path, iris)


@pytest.fixture
def reload(tmp_path: Path, free_port: int) -> Callable[..., dict[str, Any]]:
    """Ask the service by the program that is in every image."""

    def ask(*options: str) -> dict[str, Any]:
        finished = subprocess.run(
            [sys.executable, "-m", "service.reload", *options],
            cwd=ROOT,
            env=environment({"PORT": str(free_port)}, tmp_path),
            stdout=subprocess.PIPE,
            check=False,
        )
        answer: dict[str, Any] = json.loads(finished.stdout)
        assert finished.returncode == int(answer["outcome"] == "refused")
        return answer

    return ask


def served_digest(service: Service) -> str:
    digest = service.request("GET", "/model")[1]["digest"]
    assert isinstance(digest, str)
    return digest


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def connect_to(service: Service) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", service.port, timeout=DEADLINE_S)


def test_models_are_exchanged_without_a_lost_request(
    models: Models,
    reload: Callable[..., dict[str, Any]],
    start_service: Start,
    make_instance: Make,
    classifier: LogisticRegression,
    tmp_path: Path,
) -> None:
    joblib.dump(make_instance("Hostile", CRASHES.format(deed="ctypes.string_at(0)")), tmp_path / "crash.pkl")
    joblib.dump(clone(classifier).fit([[0.0], [1.0]], [0, 1]), tmp_path / "other.pkl")
    whole = models.files[0].read_bytes()
    bad = [
        (os.urandom(3000), "cannot load"),
        (whole[: len(whole) // 2], "cannot load"),
        ((tmp_path / "crash.pkl").read_bytes(), "it crashed compiled code with SIGSEGV"),
        ((tmp_path / "other.pkl").read_bytes(), "its inputs are not those of the model that is served"),
        (b"", "it is empty"),
    ]
    service = start_service(models.file, WORKERS="2", RELOAD="0")
    load = Load(partial(connect_to, service), models.known)

    with load.running():
        for swap in range(SWAPS):
            models.put((swap + 1) % 3)
            assert reload()["outcome"] == "served"
            assert served_digest(service) == models.digest((swap + 1) % 3)
            content, reason = bad[swap % len(bad)]
            models.replace(content)
            answer = reload()
            assert (answer["outcome"], answer["digest"]) == ("refused", models.digest((swap + 1) % 3))
            assert reason in answer["reason"]
            status, ready = service.request("GET", "/readyz")
            assert (status, ready["status"], ready["reload"]["reason"]) == (200, "ready", answer["reason"])

    assert load.problems == []
    assert load.digests == set(models.known)
    assert load.answers > 100 * SWAPS
    metrics = text_of(service, "/metrics")
    assert f'infer_reloads_total{{outcome="served"}} {SWAPS}.0\n' in metrics
    assert f'infer_reloads_total{{outcome="refused"}} {SWAPS}.0\n' in metrics
    assert "infer_workers 2.0\n" in metrics
    counted = 'infer_requests_total{protocol="infer",route="/prediction",status="200"} '
    [line] = [line for line in metrics.splitlines() if line.startswith(counted)]
    assert float(line[len(counted) :]) == load.answers
    wait_for(lambda: len(service.servers()) == 1)
    assert len(service.workers()) == 2


def text_of(service: Service, path: str) -> str:
    connection = connect_to(service)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().read().decode()


def test_a_file_that_is_written_is_served(models: Models, start_service: Start) -> None:
    service = start_service(models.file, WORKERS="1")

    models.put(1)
    wait_for(lambda: served_digest(service) == models.digest(1))

    # Into the same file, in two parts: the first is no model.
    content = models.files[2].read_bytes()
    with models.file.open("wb", buffering=0) as file:
        file.write(content[:1000])
        wait_for(lambda: "reload" in service.request("GET", "/readyz")[1])
        assert served_digest(service) == models.digest(1)
        file.write(content[1000:])
    wait_for(lambda: service.request("GET", "/readyz")[1] == {"status": "ready"})
    assert served_digest(service) == models.digest(2)


def test_the_model_before_is_served_again(
    models: Models, reload: Callable[..., dict[str, Any]], start_service: Start
) -> None:
    service = start_service(models.file, WORKERS="1")
    first = reload("--rollback")
    assert (first["outcome"], first["before"]) == ("refused", None)
    assert "no model was served before" in first["reason"]
    # Both files are written into the same one, so that nothing but a copy of the first is left.
    shutil.copyfile(models.files[1], models.file)
    assert reload()["outcome"] == "served"

    back = reload("--rollback")

    assert (back["outcome"], back["digest"]) == ("rolled_back", models.digest(0))
    assert served_digest(service) == models.digest(0)
    assert service.request("GET", "/model")[1]["file"] == "model.pkl"
    assert reload("--rollback")["digest"] == models.digest(1)
    # The file is the one that was written last, and is not served by itself.
    assert reload("--rollback")["digest"] == models.digest(0)
    assert reload()["digest"] == models.digest(1)
    assert reload()["outcome"] == "unchanged"


def test_what_is_declared_belongs_to_the_model(
    models: Models, reload: Callable[..., dict[str, Any]], start_service: Start
) -> None:
    beside = models.file.parent / "infer.json"
    beside.write_text(json.dumps({"features": [{"name": "slength", "low": 4, "high": 8}]}))
    service = start_service(models.file, WORKERS="1")
    beside.unlink()

    wait_for(lambda: feature(service, "slength").get("range") != [4, 8])
    assert reload("--rollback")["outcome"] == "rolled_back"
    assert feature(service, "slength")["range"] == [4, 8]


def feature(service: Service, name: str) -> dict[str, Any]:
    [found] = [one for one in service.request("GET", "/model")[1]["features"] if one["name"] == name]
    assert isinstance(found, dict)
    return found


def test_other_inputs_are_served_if_that_is_wanted(
    models: Models,
    reload: Callable[..., dict[str, Any]],
    start_service: Start,
    classifier: LogisticRegression,
    iris: Iris,
) -> None:
    service = start_service(models.file, WORKERS="1")
    joblib.dump(clone(classifier).fit(iris[0].drop(columns="pwidth"), iris[1]), models.files[1])
    models.put(1)

    refused = reload()
    served = reload("--any-inputs")

    reason = "its inputs are not those of the model that is served: lacks pwidth"
    assert (refused["outcome"], refused["reason"]) == ("refused", reason)
    assert served["outcome"] == "served"
    assert len(service.request("GET", "/model")[1]["features"]) == 3


def test_clients_of_open_inference_and_a_signal_ask_for_the_file(
    models: Models, start_service: Start
) -> None:
    service = start_service(models.file, WORKERS="2", RELOAD="0")
    path = "/v2/repository/models/model/load"

    models.put(1)
    assert service.request("POST", path, timeout_s=DEADLINE_S) == (200, {})
    assert served_digest(service) == models.digest(1)
    assert service.request("POST", path, timeout_s=DEADLINE_S) == (200, {})
    models.replace(b"no model")
    status, answer = service.request("POST", path, timeout_s=DEADLINE_S)
    assert status == 400
    assert "it is not a pickle" in answer["error"]
    assert service.request("POST", path.replace("model/", "other/"))[0] == 404

    models.put(2)
    service.process.send_signal(signal.SIGHUP)
    wait_for(lambda: served_digest(service) == models.digest(2))


def test_a_model_that_never_ends_to_load_is_refused(
    models: Models, reload: Callable[..., dict[str, Any]], start_service: Start, make_instance: Make
) -> None:
    hostile = make_instance("Hostile", CRASHES.format(deed="pow(3, 10**9)"))
    service = start_service(models.file, WORKERS="1", RELOAD="0", MAX_LOAD_SECONDS="20")
    joblib.dump(hostile, models.file)

    answer = reload()

    assert answer["outcome"] == "refused"
    assert "loading it takes more than 20 s" in answer["reason"]
    assert service.request("GET", QUERY)[0] == 200


def test_a_service_stops_while_it_loads_another_model(
    models: Models, start_service: Start, make_instance: Make, tmp_path: Path
) -> None:
    deed = f"open({str(tmp_path / 'loading')!r}, 'w'); pow(3, 10**9)"
    hostile = make_instance("Hostile", CRASHES.format(deed=deed))
    service = start_service(models.file, WORKERS="1", RELOAD="0", DRAIN_SECONDS="1")
    joblib.dump(hostile, models.file)
    service.process.send_signal(signal.SIGHUP)
    wait_for((tmp_path / "loading").exists)
    processes = [*service.servers(), *service.workers()]

    exit_code, _ = service.stop()

    assert exit_code == 0
    wait_for(lambda: not any(Path(f"/proc/{process}").exists() for process in processes))


def test_a_service_stops_while_an_old_connection_is_open(
    models: Models, reload: Callable[..., dict[str, Any]], start_service: Start
) -> None:
    service = start_service(models.file, WORKERS="1", RELOAD="0", DRAIN_SECONDS="1")
    connection = connect_to(service)
    with contextlib.closing(connection):
        connection.request("GET", QUERY)
        first = connection.getresponse()
        first.read()
        models.put(1)
        assert reload()["outcome"] == "served"
        assert len(service.servers()) == 2

        # What comes over it is answered by the model before, until an answer says that it is the last.
        last = first
        while last.getheader("Connection") != "close":
            connection.request("GET", QUERY)
            last = connection.getresponse()
            last.read()
            assert last.getheader("X-Model-Digest") == models.digest(0)

    # Another one stays open, and nothing comes over it.
    idle = connect_to(service)
    with contextlib.closing(idle):
        idle.request("GET", QUERY)
        idle.getresponse().read()
        models.put(2)
        assert reload()["outcome"] == "served"
        assert service.stop()[0] == 0


def test_a_service_with_tokens_keeps_its_reasons(
    models: Models, start_service: Start, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"ada predict sha256:{64 * 'a'}\n")
    service = start_service(models.file, WORKERS="1", TOKENS_FILE=str(tokens))

    models.replace(b"no model")

    wait_for(lambda: "reload" in service.request("GET", "/readyz")[1])
    assert set(service.request("GET", "/readyz")[1]["reload"]) == {"outcome", "ended"}


def test_a_renewed_certificate_is_used_without_a_lost_request(
    models: Models, launch: Start, tmp_path: Path
) -> None:
    pair = make_pair(tmp_path / "tls")
    service = launch(models.file, WORKERS="2", RELOAD="0", **pair.settings)
    first, renewed = pair.context, make_pair(tmp_path / "new")
    # Both certificates are believed while they change.
    both = ssl.create_default_context(cafile=str(pair.certificate))
    both.load_verify_locations(cafile=str(renewed.certificate))

    def connect(context: ssl.SSLContext = both) -> http.client.HTTPConnection:
        return http.client.HTTPSConnection("localhost", service.port, timeout=DEADLINE_S, context=context)

    def answers_by(context: ssl.SSLContext) -> bool:
        with contextlib.closing(connect(context)) as connection, contextlib.suppress(OSError):
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        return False

    wait_for(lambda: answers_by(first))
    # This file is not asked for, and so not served with the new certificate.
    models.put(1)
    load = Load(connect, models.known)
    with load.running():
        for file, new in zip(pair, renewed):
            new.replace(file)
        wait_for(lambda: "the certificate was renewed" in service.log.read_text())

    assert load.problems == []
    assert load.digests == {models.digest(0)}
    assert answers_by(pair.context)
    assert not answers_by(first)
    # A key that does not fit changes nothing.
    make_pair(tmp_path / "other").key.replace(pair.key)
    wait_for(lambda: "is not the key of" in service.log.read_text())
    assert answers_by(pair.context)
    assert service.stop()[0] == 0
