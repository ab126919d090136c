"""The proof of an image: against a real running service, and against the application in this process."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from service import check
from service.own_answers import own_answers

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from service.loading.model_file import LoadedModel
    from tests.service.conftest import Json, MakeClient, Service

    Prove = Callable[..., dict[str, Any]]

ROOT = Path(__file__).resolve().parents[2]


class AppClient(check.Client):
    """Asks the application in this process; `change` may change an answer, as a wrong service would."""

    def __init__(self, app: FlaskClient, change: Callable[[str, Any], None]) -> None:
        self.app = app
        self.change = change

    def wait_until_ready(self, timeout_s: float = check.TIMEOUT_S) -> None:
        """It is ready at once."""

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self.app.open(path, method=method, json=body)
        record: dict[str, Any] = answer.get_json()
        if answer.status_code != check.OK:
            raise check.PredictionRefused(record["error"], answer.status_code)
        self.change(method, record)
        return record


@pytest.fixture
def prove(
    make_client: MakeClient, load: Callable[[object], LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> Prove:
    """Prove the application that serves an estimator, with given rows or with made ones."""

    def run(
        estimator: object, rows: Any = None, change: Callable[[str, Any], None] = lambda *_: None
    ) -> dict[str, Any]:
        loaded = load(estimator)
        monkeypatch.setattr(check, "ask_judge", lambda given: partial(own_answers, loaded, given))
        return check.Proof(AppClient(make_client(estimator), change), rows).outcome()

    return run


def test_made_rows_are_judged_through_every_door(prove: Prove, classifier: LogisticRegression) -> None:
    outcome = prove(classifier)

    assert (outcome["rows"], outcome["judged"], outcome["queried"]) == (20, 20, 20)


def test_a_closed_encoder_of_numbers_gets_the_numbers_that_it_knows(prove: Prove) -> None:
    """Any other number is an error of the encoder, and none of the model."""
    codes = np.array([[1.0], [2.0], [7.0], [np.nan]] * 5)
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(codes, [0, 1, 0, 1] * 5)

    assert prove(model)["judged"] == 20


@pytest.mark.parametrize(
    ("door", "how"),
    [("POST", "alone"), ("GET", "in a query"), ("batch", "among 20 rows")],
    ids=lambda door: door,
)
def test_an_answer_that_differs_through_one_door_fails(
    prove: Prove, classifier: LogisticRegression, door: str, how: str
) -> None:
    def change(method: str, record: Any) -> None:
        many = len(record.get("predictions", ())) > 1
        if method == "GET" == door and "prediction" in record:
            record["prediction"] = "nothing"
        elif "predictions" in record and many == (door == "batch") and door != "GET":
            record["predictions"][-1] = "nothing"

    with pytest.raises(check.Failed, match=f"answers a row {how} otherwise than the model itself") as raised:
        prove(classifier, change=change)

    row, own, served = raised.value.outcome["details"]
    assert row.startswith('row: {"slength": ')
    assert '"probabilities"' in own
    assert '"prediction": "nothing"' in served


def test_given_rows_are_judged_and_others_columns_left_out(
    prove: Prove, classifier: LogisticRegression
) -> None:
    row = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}

    outcome = prove(classifier, [{**row, "id": number} for number in range(250)])

    assert outcome["predictions"] == ["setosa"] * 250
    assert outcome["judged"] == 84


def test_a_made_row_that_the_service_refuses_is_replaced_by_another(
    prove: Prove, classifier: LogisticRegression
) -> None:
    """The judge answers no more rows than are needed, and then again as many as there are."""
    asked: list[int] = []

    def refuse(method: str, record: Any) -> None:
        asked.append(len(record.get("predictions", ())))
        if method == "POST" and asked.count(1) in (2, 5) and len(record["predictions"]) == 1:
            raise check.PredictionRefused({"message": "slength is too small"}, check.BAD_REQUEST)

    outcome = prove(classifier, change=refuse)

    assert (outcome["rows"], outcome["judged"]) == (20, 20)
    assert asked.count(1) >= 22


class Refusing(LinearRegression):  # type: ignore[misc]  # it has no types
    def predict(self, _: Any) -> Any:
        message = "two columns are needed"
        raise TypeError(message)


class Centering(LinearRegression):  # type: ignore[misc]  # it has no types
    """Looks at all rows of a call: alone, each row is its own mean."""

    def predict(self, rows: Any) -> Any:
        return super().predict(np.asarray(rows) - np.mean(np.asarray(rows), axis=0))


def test_a_model_that_takes_none_of_the_made_rows_is_told_apart(prove: Prove) -> None:
    with pytest.raises(check.Failed, match="no row that infer makes up") as raised:
        prove(Refusing().fit(np.eye(3), [1, 2, 3]))

    assert raised.value.outcome["kind"] == "no_rows"
    assert raised.value.outcome["details"] == ["the model's own code: TypeError: two columns are needed"]


def test_a_service_that_fails_where_the_model_answers_is_wrong(prove: Prove) -> None:
    def fail(_: str, record: Any) -> None:
        if "predictions" in record:
            raise check.PredictionRefused({"message": "a fault inside"}, 500)

    with pytest.raises(check.Failed, match="the service fails on a row that the model answers"):
        prove(LinearRegression().fit(np.eye(3), [1, 2, 3]), change=fail)


def test_a_model_that_looks_at_several_rows_is_compared_with_itself(prove: Prove) -> None:
    assert prove(Centering().fit(np.eye(3), [1, 2, 3]))["judged"] == 20


def _run(port: int, given: str, model: Path | None = None) -> tuple[int, Json]:
    finished = subprocess.run(
        [sys.executable, "-m", "service.check"],
        input=given,
        cwd=ROOT,
        env={"PORT": str(port), "PATH": "", "MODEL_FILE": str(model or "")},
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.returncode, json.loads(finished.stdout)


def test_no_service_on_the_port_is_an_error(free_port: int) -> None:
    code, outcome = _run(free_port, '{"timeout_s": 0.1}')

    assert (code, outcome["kind"]) == (1, "not_ready")
    assert outcome["error"] == "the service was not ready after 0.1 s"


def test_a_service_that_is_still_starting_is_waited_for(free_port: int, model_file: Path) -> None:
    proof = subprocess.Popen(
        [sys.executable, "-m", "service.check"],
        cwd=ROOT,
        env={"PORT": str(free_port), "PATH": "", "MODEL_FILE": str(model_file)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    )
    environment = {"PORT": str(free_port), "PATH": "", "MODEL_FILE": str(model_file), "HOST": "127.0.0.1"}
    service = subprocess.Popen([sys.executable, "-m", "service"], cwd=ROOT, env=environment)
    try:
        outcome = json.loads(proof.communicate()[0])
    finally:
        service.terminate()
        service.wait()

    assert (proof.returncode, outcome["judged"]) == (0, 20), outcome


class ForgetfulHandler(BaseHTTPRequestHandler):
    """Closes each connection after its answer, and does not say so: as a server does with an idle one."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_connection_that_was_idle_is_opened_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's own answers may take longer than the server keeps a connection."""
    monkeypatch.setattr(check, "IDLE_S", 0)
    with HTTPServer(("127.0.0.1", 0), ForgetfulHandler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        client = check.Client(server.server_port)

        answers = [client.ask("GET", "/model") for _ in range(3)]

        client.connection.close()
        server.shutdown()
        thread.join()
    assert answers == [{}, {}, {}]


@pytest.fixture
def model_file(save: Callable[..., Path], classifier: object) -> Path:
    return save(classifier)


@pytest.fixture
def port(start_service: Callable[..., Service], model_file: Path) -> int:
    """The port of a running service."""
    return int(start_service(model_file).port)


def test_a_running_service_is_proved_by_a_program_of_its_own(port: int, model_file: Path) -> None:
    code, outcome = _run(port, "", model_file)

    assert (code, outcome["rows"], outcome["judged"]) == (0, 20, 20), outcome


def test_a_running_service_describes_its_model(port: int) -> None:
    code, description = _run(port, '{"describe": true}')

    assert (code, description["kind"]) == (0, "classifier")


def test_without_a_judge_the_example_of_the_service_is_answered(port: int) -> None:
    """Such a proof shows less, and says why."""
    code, outcome = _run(port, "")

    assert (code, outcome["rows"], outcome["judged"]) == (0, 1, 0)
    assert "MODEL_FILE is not set" in outcome["judge"]


def test_a_refused_row_is_an_error_with_the_message_of_the_service(port: int, model_file: Path) -> None:
    code, outcome = _run(port, json.dumps({"rows": [{"slength": "wide"}]}), model_file)

    assert code == 1
    assert "slength" in outcome["error"]["message"]


def test_a_model_that_crashes_by_itself_fails_the_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service may have compiled the model, and so answer."""
    monkeypatch.setattr(check, "JUDGE", (sys.executable, "-c", "raise SystemExit(139)"))

    with pytest.raises(check.Failed, match=r"^the model itself crashes on a usual row \(SIGSEGV\)$"):
        check.ask_judge({})()
