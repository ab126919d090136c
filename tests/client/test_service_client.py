from __future__ import annotations

import contextlib
import json
import pickle
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sklearn.linear_model import LinearRegression

from infer_cli.client.predictions import Predictions
from infer_cli.client.served_model import ServedFeature
from infer_cli.client.service_client import ServiceClient
from infer_cli.errors import PredictionFailed, RowsRefused
from tests.client.conftest import ROW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.client.served_model import FeatureRecord

    # The status, the body, and the headers as names and values.
    Answer = tuple[int, bytes, *tuple[tuple[str, str], ...]]


@pytest.fixture
def client(service: str) -> Iterator[ServiceClient]:
    with contextlib.closing(ServiceClient(service)) as opened:
        yield opened


BUSY = (503, b'{"error": {"code": "busy", "message": "try again"}}', ("Retry-After", "0"))


def test_a_busy_service_is_asked_again(answering: Callable[..., ServiceClient]) -> None:
    client = answering(BUSY, BUSY, (200, b'{"predictions": [1]}'))

    assert client.predict([ROW]) == Predictions([1], None)


def test_a_service_that_stays_busy_is_asked_no_more(
    answering: Callable[..., ServiceClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infer_cli.client.service_client._BUSY_FOR_S", 0.0)

    with pytest.raises(PredictionFailed, match=r"refused /prediction \(503\): try again"):
        answering(BUSY).predict([ROW])


def test_the_service_is_told_how_long_the_client_waits() -> None:
    heads: list[bytes] = []
    answer = b'{"predictions": [1]}'

    def answer_once() -> None:
        connection, _ = listener.accept()
        with connection:
            heads.append(connection.recv(65536))
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
            # Until the client has read the answer.
            while connection.recv(65536):
                pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answer_once)
        thread.start()
        with contextlib.closing(ServiceClient(f"http://127.0.0.1:{listener.getsockname()[1]}")) as client:
            client.timeout_s = 12.5
            client.predict([ROW])
        thread.join()

    assert b"\r\nX-Envoy-Expected-Rq-Timeout-Ms: 12500\r\n" in heads[0]


def refusal(details: object, message: str = "no") -> Answer:
    return 400, json.dumps({"error": {"code": "x", "message": message, "details": details}}).encode()


def test_the_model_is_described(client: ServiceClient) -> None:
    model = client.model()

    assert model.kind == "classifier"
    assert model.features == dict.fromkeys(ROW, ServedFeature("number"))
    assert model.example.startswith("/prediction?slength=")


def test_rows_get_predictions_in_their_order(client: ServiceClient) -> None:
    other = {"slength": 7.0, "swidth": 3.2, "plength": 6.0, "pwidth": 2.2}

    found = client.predict([ROW, other, ROW])

    assert found.predictions == ["setosa", "virginica", "setosa"]
    likeliest = [max(row, key=row.__getitem__) for row in found.probabilities or () if isinstance(row, dict)]
    assert likeliest == found.predictions


def test_a_model_without_probabilities_gives_none(
    start_service: Callable[[Path], str], tmp_path: Path
) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])))

    with contextlib.closing(ServiceClient(start_service(file))) as client:
        found = client.predict([{"x0": 3}])

    assert found == Predictions([pytest.approx(6.0)], None)


def test_one_connection_serves_many_requests(client: ServiceClient) -> None:
    client.predict([ROW])
    first = client._connection

    client.predict([ROW])

    assert client._connection is first


def test_a_closed_client_opens_a_new_connection(client: ServiceClient) -> None:
    client.predict([ROW])

    client.close()

    assert client.predict([ROW]).predictions == ["setosa"]


def test_every_wrong_field_is_named(client: ServiceClient) -> None:
    wrong = {"slength": "long", "swidth": None, "plength": 1, "petals": 3}

    with pytest.raises(PredictionFailed, match=r"^4 values are wrong$") as raised:
        client.predict([ROW, wrong])

    lines = str(raised.value.detail).splitlines()
    assert len(lines) == 4
    assert lines[0] == '  slength is not a number: "long"'
    assert {line.split()[0] for line in lines} == {"slength", "swidth", "pwidth", "petals"}
    assert raised.value.hint == f"what the model takes: `curl {client.url}/model`"


def test_rows_are_counted_from_where_the_caller_is(client: ServiceClient) -> None:
    with pytest.raises(PredictionFailed, match=r"^one value is wrong$") as raised:
        client.predict([ROW, {**ROW, "slength": "long"}], first_row=1001)

    assert raised.value.detail == '  row 1002: slength is not a number: "long"'


def test_nan_is_sent_as_a_missing_value(client: ServiceClient) -> None:
    with pytest.raises(PredictionFailed) as raised:
        client.predict([{**ROW, "pwidth": float("nan")}])

    assert raised.value.detail == "  pwidth has no value"


def test_a_value_without_a_json_type_is_refused_with_its_field(client: ServiceClient) -> None:
    with pytest.raises(PredictionFailed) as raised:
        client.predict([{**ROW, "pwidth": Path("/x")}])

    assert raised.value.detail == '  pwidth is not a number: "/x"'


def test_a_service_that_answers_is_ready(service: str) -> None:
    assert ServiceClient(service).is_ready()


@pytest.mark.parametrize("status", [503, 404])
def test_a_service_that_refuses_is_not_ready(answering: Callable[..., ServiceClient], status: int) -> None:
    assert not answering((status, b"{}")).is_ready()


def test_a_service_that_nobody_runs_is_not_ready() -> None:
    assert not ServiceClient("http://127.0.0.1:1").is_ready()


def test_a_service_that_hangs_up_is_not_ready() -> None:
    """A published port takes connections before anything listens behind it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up() -> None:
            listener.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()

        assert not ServiceClient(f"http://127.0.0.1:{listener.getsockname()[1]}").is_ready()
        thread.join()


def test_a_service_that_nobody_runs_does_not_answer() -> None:
    with pytest.raises(PredictionFailed) as raised:
        ServiceClient("http://127.0.0.1:1").predict([ROW])

    assert raised.value.message.startswith(
        "the service at http://127.0.0.1:1 did not answer POST /prediction: "
    )
    assert raised.value.hint == "see what it says: `infer logs`"


def test_an_answer_that_is_no_json_is_an_error(answering: Callable[..., ServiceClient]) -> None:
    with pytest.raises(PredictionFailed, match="did not answer GET /model: Expecting value"):
        answering((200, b"<h1>It works!</h1>")).model()


def test_a_connection_that_was_closed_meanwhile_is_opened_again(
    answering: Callable[..., ServiceClient],
) -> None:
    client = answering((200, b'{"predictions": [1]}'), (200, b'{"predictions": [2]}'))
    client.predict([{}])

    assert client.predict([{}]).predictions == [2]


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("odd", None, id="a string"),
        pytest.param(["one", 2], "  one\n  2", id="a list"),
        pytest.param({"fields": [{"message": "a is missing"}]}, "  a is missing", id="fields"),
        pytest.param({"fields": [{"field": "a"}]}, "  {'field': 'a'}", id="a field without a message"),
        pytest.param({"line": 1}, None, id="something else"),
        pytest.param(
            [str(number) for number in range(25)],
            "\n".join([*(f"  {number}" for number in range(20)), "  … and 5 more"]),
            id="more than a screen",
        ),
    ],
)
def test_the_details_of_a_refusal_are_shown(
    answering: Callable[..., ServiceClient], details: object, expected: str | None
) -> None:
    with pytest.raises(PredictionFailed, match=r"\(400\): no$|wrong$") as raised:
        answering(refusal(details)).predict([{}])

    assert raised.value.detail == expected


def test_a_row_that_the_model_refuses_is_named(answering: Callable[..., ServiceClient]) -> None:
    message = "row 2: the model itself refuses it: too short"
    body = {"error": {"message": message, "details": {"fields": [{"row": 2, "message": message}]}}}

    with pytest.raises(PredictionFailed, match=r"^the model refuses a row$") as raised:
        answering((422, json.dumps(body).encode())).predict([{}] * 3, first_row=11)

    assert raised.value.detail == "  row 13: the model itself refuses it: too short"


def test_a_refusal_without_a_reason_is_still_an_error(answering: Callable[..., ServiceClient]) -> None:
    with pytest.raises(PredictionFailed, match=r"\(503\): no reason given$") as raised:
        answering((503, b"{}")).model()

    assert raised.value.hint == "see what it says: `infer logs`"


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"type": "number"}, ServedFeature("number")),
        ({"type": "category", "categories": ["a"]}, ServedFeature("text")),
        ({"type": "category", "categories": ["", "a"]}, ServedFeature("text", takes_empty=True)),
        ({"type": "category", "categories": [1]}, ServedFeature("number")),
        ({"type": "text", "nullable": True}, ServedFeature("text", nullable=True)),
        ({"type": "category", "categories": [None, 1]}, ServedFeature("number")),
        (
            {"type": "category", "categories": ["a"], "accepts_others": True},
            ServedFeature("text", accepts_others=True),
        ),
        ({"type": "text", "nullable": False}, ServedFeature("text", takes_empty=True)),
    ],
)
def test_a_feature_of_the_service_is_read(record: FeatureRecord, expected: ServedFeature) -> None:
    assert ServedFeature.of(record) == expected


def test_remarks_that_an_answer_leaves_out_are_asked_for_with_fewer_rows(
    answering: Callable[..., ServiceClient],
) -> None:
    """A service lists at most 50 warnings: with so many, there may be more."""
    warning = {"row": 0, "field": "a", "problem": "unknown_category", "message": "a is new"}
    cut = {"predictions": [1, 2, 3], "warnings": [warning] * 50}
    start = {"predictions": [1], "warnings": [warning], "probabilities": [{"x": 1.0}]}
    rest = {
        "predictions": [2, 3],
        "warnings": [{**warning, "row": 1}],
        "probabilities": [{"x": 0.5}, {"x": 0.25}],
        "non_finite": [{"row": 0, "field": "prediction", "value": "nan"}],
    }
    client = answering(*((200, json.dumps(body).encode()) for body in (cut, start, rest)))

    answer = client.predict([{"a": 1}, {"a": 2}, {"a": 3}])

    assert answer.predictions == [1, 2, 3]
    assert answer.probabilities == [{"x": 1.0}, {"x": 0.5}, {"x": 0.25}]
    assert [bool(answer.warnings_of(index)) for index in range(3)] == [True, False, True]
    assert answer.non_finite_of(1) == [{"field": "prediction", "value": "nan"}]


def test_a_refusal_has_what_is_said_of_each_row(service: str) -> None:
    client = ServiceClient(service)
    with contextlib.closing(client), pytest.raises(RowsRefused) as refused:
        client.predict([ROW, {**ROW, "swidth": "wide", "slength": None}, ROW, {}])

    assert set(refused.value.by_row) == {1, 3}
    assert not refused.value.by_row[1].startswith("row")
