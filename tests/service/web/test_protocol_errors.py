"""A model that fails or refuses a row, and a service that is busy, in the form of each wire format."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any, Callable

import pytest

from service.admission import MOST_PREDICTIONS_AT_ONCE
from tests.service.protocols import wire

if TYPE_CHECKING:
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
    def predict(self, table):
        self.release.wait(60)
        return [0] * len(table)
"""


def ask_all(client: FlaskClient, status: int, text: str) -> None:
    for name, write in FORMS.items():
        sent = write(ROWS)
        response = sent.to(client)
        assert response.status_code == status, (name, response.text)
        assert wire.is_error_of_its_form(sent.path, response), (name, response.text)
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
            assert wire.is_error_of_its_form(path, response)
        # What tells of the model needs no slot.
        assert client.get("/v2/models/model/ready").status_code == 200
    finally:
        type(held).release.set()
        for thread in waiting:
            thread.join()


@pytest.mark.parametrize("path", [wire.INFER, wire.V1, wire.INVOCATIONS])
def test_a_body_that_is_too_long_is_413(
    make_client: MakeClient, make_instance: Callable[[str, str], Any], path: str
) -> None:
    client = make_client(make_instance("Failing", FAILING), max_body_bytes=100)

    response = client.post(path, data=b"x" * 101)

    assert response.status_code == 413
    assert wire.is_error_of_its_form(path, response)
