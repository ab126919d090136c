"""A model that fails or refuses a row, and a service that is busy, in the form of each wire format."""

from __future__ import annotations

import io
import json
import threading
import time
from typing import TYPE_CHECKING, Any, Callable

import pytest

from service.admission import MOST_PREDICTIONS_AT_ONCE
from tests.service.protocols import wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient

    from tests.service.conftest import MakeClient

ROWS = [{"x0": 1.0}]
FORMS = {**wire.FORMS, **wire.WITHOUT_MISSING_TEXTS, **wire.CELLS, **wire.NUMBERS}
FAILING = """
class Failing:
    n_features_in_ = 1
    def predict(self, table):
        raise RuntimeError("the secret")
"""
REFUSING = """
class Refusing:
    n_features_in_ = 1
    def predict(self, table):
        if float(table[0][0]) == 1.0 and len(table) == 1 and not hasattr(self, "other"):
            raise ValueError("1 is too near to the edge")
        return [0] * len(table)
"""
HELD = """
import threading
class Held:
    n_features_in_ = 1
    release = threading.Event()
    # It is asked for an answer when it is loaded, too.
    release.set()
    asked = []
    def predict(self, table):
        self.asked.append(len(table))
        self.release.wait(60)
        return [0] * len(table)
"""


def ask_all(client: FlaskClient, status: int, text: str) -> None:
    for name, write in FORMS.items():
        sent = write(ROWS)
        response = sent.to(client)
        assert response.status_code == status, (name, response.text)
        assert wire.is_error_of_its_form(sent.path, response.data), (name, response.text)
        assert text in response.text


def test_a_model_that_fails_shows_nothing_of_the_inside(
    make_client: MakeClient, make_instance: Callable[[str, str], Any]
) -> None:
    client = make_client(make_instance("Failing", FAILING))

    ask_all(client, 500, "The model itself failed")
    assert "secret" not in wire.infer_columns(ROWS).to(client).text
    # What it would give can only be guessed.
    told = json.loads(client.get("/v2/models/model").data)
    assert told["outputs"] == [{"name": "predict", "datatype": "FP64", "shape": [-1]}]


def test_a_model_that_refuses_a_row_says_why(
    make_client: MakeClient, make_instance: Callable[[str, str], Any]
) -> None:
    client = make_client(make_instance("Refusing", REFUSING))
    # The model answers other rows, and so is not broken.
    assert wire.infer_raw([{"x0": 2.0}]).to(client).status_code == 200

    ask_all(client, 422, "1 is too near to the edge")


def test_a_busy_service_says_so_in_every_form(
    make_client: MakeClient, make_instance: Callable[[str, str], Any]
) -> None:
    held = make_instance("Held", HELD)
    client = make_client(held)
    type(held).release.clear()
    ask = lambda: client.application.test_client().get("/prediction?x0=1")  # noqa: E731
    waiting = [threading.Thread(target=ask) for _ in range(MOST_PREDICTIONS_AT_ONCE)]
    for thread in waiting:
        thread.start()
    try:
        deadline = time.monotonic() + 30
        while client.post(wire.INFER, data=b"{}").status_code != 503 and time.monotonic() < deadline:
            time.sleep(0.01)
        for path in (wire.INFER, wire.V1, wire.INVOCATIONS):
            response = client.post(path, data=b"{}")
            assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
            assert wire.is_error_of_its_form(path, response.data)
        # What tells of the model needs no slot.
        assert client.get("/v2/models/model/ready").status_code == 200
    finally:
        type(held).release.set()
        for thread in waiting:
            thread.join()


@pytest.fixture
def held_client(
    make_client: MakeClient, make_instance: Callable[[str, str], Any]
) -> Iterator[tuple[FlaskClient, Any]]:
    """A client of a model that is at a prediction, and the class of that model."""
    held = type(make_instance("Held", HELD))
    client = make_client(held())
    held.release.clear()
    held.asked.clear()
    first = threading.Thread(target=lambda: client.application.test_client().get("/prediction?x0=1"))
    first.start()
    try:
        deadline = time.monotonic() + 30
        while not held.asked and time.monotonic() < deadline:
            time.sleep(0.01)
        yield client, held
    finally:
        held.release.set()
        first.join()


@pytest.mark.parametrize("header", [("x-envoy-expected-rq-timeout-ms", "20"), ("grpc-timeout", "20m")])
def test_what_waits_for_the_model_until_its_deadline_is_told_so_in_every_form(
    held_client: tuple[FlaskClient, Any], header: tuple[str, str]
) -> None:
    client, held = held_client
    name, value = header
    client.environ_base[f"HTTP_{name.upper().replace('-', '_')}"] = value

    ask_all(client, 504, f"within the 20 ms that the header {name} allows")

    assert len(held.asked) == 1
    assert json.loads(client.get("/prediction?x0=1").data)["error"]["code"] == "deadline_exceeded"
    metrics = client.get("/metrics").text
    assert f'infer_refused_requests_total{{reason="deadline_exceeded"}} {len(FORMS) + 1}.0' in metrics


def test_the_timeout_of_triton_is_a_deadline(held_client: tuple[FlaskClient, Any]) -> None:
    client, held = held_client
    request = {**json.loads(wire.infer_columns(ROWS).body), "parameters": {"timeout": 20_000}}

    response = client.post(wire.INFER, json=request)

    assert response.status_code == 504
    assert "within the 20 ms that the parameter timeout allows" in json.loads(response.data)["error"]
    assert len(held.asked) == 1
    held.release.set()
    for timeout in (0, 60_000_000, "soon", None, True, -1):
        again = client.post(wire.INFER, json={**request, "parameters": {"timeout": timeout}})
        assert again.status_code == 200, timeout


def test_a_deadline_of_the_service_holds_for_requests_that_name_none(
    make_client: MakeClient, make_instance: Callable[[str, str], Any]
) -> None:
    # Each body takes longer to come.
    client = make_client(make_instance("Held", HELD), request_seconds=0.001)
    for path in ("/prediction", wire.INFER, wire.V1, wire.INVOCATIONS):
        response = client.post(path, input_stream=_Slow(b"{}"), content_length=2)
        assert response.status_code == 504
        assert wire.is_error_of_its_form(path, response.data)
        assert "within the 1 ms that the setting REQUEST_SECONDS allows" in response.text
    # What needs no prediction has no deadline.
    assert client.get("/v2/models/model").status_code == 200


class _Slow(io.BytesIO):
    """A body that takes its time."""

    def read(self, size: int | None = -1) -> bytes:
        time.sleep(0.01)
        return super().read(size)


@pytest.mark.parametrize("path", [wire.INFER, wire.V1, wire.INVOCATIONS])
def test_a_body_that_is_too_long_is_413(
    make_client: MakeClient, make_instance: Callable[[str, str], Any], path: str
) -> None:
    client = make_client(make_instance("Failing", FAILING), max_body_bytes=100)

    response = client.post(path, data=b"x" * 101)

    assert response.status_code == 413
    assert wire.is_error_of_its_form(path, response.data)
