from __future__ import annotations

import pytest

from service.prediction.exchange import Resource
from service.prediction.model_names import ModelNames
from service.protocols.error_forms import error_json, explain_absent, protocol_at

NAMES = ModelNames(("iris",), ("1",))


@pytest.mark.parametrize(
    ("path", "protocol"),
    [
        ("/v2", "open_inference"),
        ("/v2/nope", "open_inference"),
        ("/v1/models/x", "kserve_v1"),
        ("/v1", "kserve_v1"),
        ("/v22/x", "infer"),
        ("/prediction", "infer"),
        ("/", "infer"),
        ("", "infer"),
    ],
)
def test_a_path_at_which_nothing_stands_has_the_form_of_its_beginning(path: str, protocol: str) -> None:
    assert protocol_at(path, None) == protocol


def test_what_stands_at_a_path_says_its_form() -> None:
    assert protocol_at("/v2/models", Resource("/v2/models", "vertex", {})) == "vertex"


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [
        ("open_inference", {"error": "too long"}),
        ("kserve_v1", {"error": "too long"}),
        ("invocations", {"error_code": "BODY_TOO_LARGE", "message": "too long", "details": 7}),
        ("infer", {"error": {"code": "body_too_large", "message": "too long", "details": 7}}),
        ("vertex", {"error": {"code": "body_too_large", "message": "too long", "details": 7}}),
    ],
)
def test_an_error_is_written_as_clients_read_it(protocol: str, expected: object) -> None:
    assert error_json(protocol, "body_too_large", "too long", 7) == expected


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v2/models/x/infer", 'no model "x" here'),
        ("/v1/models/x:predict", 'no model "x" here'),
        ("/v1/models/iris:explain", "There is nothing at /v1/models/iris:explain."),
        ("/nope", "There is nothing at /nope."),
    ],
)
def test_what_is_absent_is_named(path: str, text: str) -> None:
    assert explain_absent(path, NAMES).startswith(text)
