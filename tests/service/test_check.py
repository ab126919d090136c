"""The check that verifies an image, against a real running service."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service import check

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.service.conftest import Json, Service


ROOT = Path(__file__).resolve().parents[2]


class FixedClient(check.Client):
    """Gives fixed answers, also ones that no real service gives."""

    def __init__(self, *answers: dict[str, object]) -> None:
        self.answers = list(answers)

    def ask(self, method: str, path: str, body: object = None) -> dict[str, object]:
        assert method in {"GET", "POST"}, f"{path} {body}"
        return self.answers.pop(0)


def test_generated_rows_are_the_example_and_the_example_with_other_numbers() -> None:
    client = FixedClient({"example": "/prediction?a=1"}, {"inputs": {"a": 1.0, "b": "red"}})

    rows = check.generate_rows(client)

    assert rows[0] == {"a": 1.0, "b": "red"}
    assert [row["a"] for row in rows[1:]] == list(check.PROBES)
    assert {row["b"] for row in rows} == {"red"}


def test_the_answers_of_several_requests_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "BATCH_ROWS", 2)
    client = FixedClient({"features": [{"name": "a"}]}, {"predictions": [1, 2]}, {"predictions": [3]})

    outcome = check.check(client, [{"a": 1, "id": "x"}, {"a": 2}, {"a": 3}])

    assert outcome == {"rows": 3, "predictions": [1, 2, 3], "probabilities": None}


def test_missing_predictions_are_refused() -> None:
    with pytest.raises(check.PredictionRefused, match="2 rows were asked for, and 1 predictions came"):
        check.check(FixedClient({"features": []}, {"predictions": [1]}), [{"a": 1}, {"a": 2}])


def test_an_example_without_inputs_is_refused() -> None:
    with pytest.raises(check.PredictionRefused, match="gave no inputs"):
        check.generate_rows(FixedClient({"example": "/prediction?a=1"}, {"inputs": None}))


def _run(port: int, given: str) -> tuple[int, Json]:
    finished = subprocess.run(
        [sys.executable, "-m", "service.check"],
        input=given,
        cwd=ROOT,
        env={"PORT": str(port), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return finished.returncode, json.loads(finished.stdout)


def test_no_service_on_the_port_is_an_error(free_port: int) -> None:
    code, outcome = _run(free_port, "")

    assert code == 1
    assert "refused" in outcome["error"]


@pytest.fixture
def port(start_service: Callable[..., Service], save: Callable[..., Path], classifier: object) -> int:
    """The port of a running service."""
    return int(start_service(save(classifier)).port)


def test_a_running_service_answers_generated_rows(port: int) -> None:
    code, outcome = _run(port, "")

    assert code == 0
    assert outcome["rows"] == len(outcome["predictions"]) == 5


def test_a_running_service_answers_given_rows(port: int) -> None:
    row = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}

    code, outcome = _run(port, json.dumps({"rows": [row]}))

    assert (code, outcome["predictions"]) == (0, ["setosa"])


def test_a_refused_row_is_an_error_with_the_message_of_the_service(port: int) -> None:
    code, outcome = _run(port, json.dumps({"rows": [{"slength": "wide"}]}))

    assert code == 1
    assert "slength" in outcome["error"]["message"]
