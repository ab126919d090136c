"""Requests and answers of version 2 as bytes."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from service.errors import InvalidInput
from service.prediction.exchange import Asked
from service.protocols.open_inference.messages import (
    LENGTH_HEADER,
    InferRequest,
    WantedOutput,
    header_length,
    read_request,
    write_answer,
)
from service.protocols.open_inference.tensors import Tensor
from service.protocols.row_checks import RowRules

TENSOR = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1, 2]}
NUMBERS = np.array([1.0, 2.0]).tobytes()


def asked(body: object, length: object = None, content_type: str = "") -> Asked:
    environ: dict[str, object] = {"CONTENT_TYPE": content_type}
    if length is not None:
        environ["HTTP_INFERENCE_HEADER_CONTENT_LENGTH"] = str(length)
    return Asked(environ, body if isinstance(body, bytes) else json.dumps(body).encode())


def read(sent: Asked) -> InferRequest:
    return read_request(sent, RowRules([]))


def in_binary(*sizes: object, **more: object) -> tuple[bytes, int]:
    inputs = [
        {"name": f"x{at}", "shape": [1, 2], "datatype": "FP64", "parameters": {"binary_data_size": size}}
        for at, size in enumerate(sizes)
    ]
    text = json.dumps({"inputs": inputs, **more}).encode()
    return text, len(text)


@pytest.mark.parametrize("content_type", ["", "application/json", "application/octet-stream", "text/plain"])
def test_without_a_length_all_is_json(content_type: str) -> None:
    request = read(asked({"inputs": [TENSOR]}, content_type=content_type))

    [tensor] = request.tensors
    assert (tensor.name, tensor.datatype, tensor.shape) == ("x", "FP64", (1, 2))
    assert np.asarray(tensor.values).tolist() == [1.0, 2.0]
    assert (request.outputs, request.request_id, request.is_binary, request.raw) == ([], None, False, None)


@pytest.mark.parametrize("content_type", ["", "application/json", "application/octet-stream"])
def test_with_a_length_tensors_follow_the_json(content_type: str) -> None:
    text, length = in_binary(16, 16)
    request = read(asked(text + NUMBERS + NUMBERS[::-1], length, content_type))

    assert [np.asarray(one.values).tobytes() for one in request.tensors] == [NUMBERS, NUMBERS[::-1]]


def test_with_a_length_of_0_the_body_is_one_tensor() -> None:
    request = read(asked(NUMBERS, 0))

    assert request.raw is not None
    assert (bytes(request.raw), request.is_binary) == (NUMBERS, True)


def test_the_length_may_stand_in_the_content_type() -> None:
    content_type = "application/vnd.vertex-ai-triton.binary+json;json-header-size=7"

    assert header_length(asked(b"x" * 9, content_type=content_type)) == 7
    assert header_length(asked(b"x" * 9, 5, content_type)) == 5
    assert header_length(asked(b"x" * 9)) is None


@pytest.mark.parametrize("length", [-1, "+1", "1_0", "x", "1.0", 10, 2**70, "٣"])
def test_a_length_that_is_none_of_the_body_is_refused(length: object) -> None:
    if length == "٣":
        # A digit of another script is one to Python, and the body is long enough for it.
        assert header_length(asked(b"x" * 9, length)) == 3
        return
    with pytest.raises(InvalidInput, match=LENGTH_HEADER):
        header_length(asked(b"x" * 9, length))


def test_what_else_a_request_says_is_read() -> None:
    outputs = [
        {"name": "a", "parameters": {"binary_data": True, "classification": 3}},
        {"name": "b", "parameters": {"binary_data": False}},
        {"name": "c", "parameters": {"binary_data": "yes", "any": 1}},
        {"name": "d"},
    ]
    parameters = {"binary_data_output": True, "priority": 1, "timeout": 5, "any": [1]}
    request = read(
        asked({"id": "7", "inputs": [TENSOR], "outputs": outputs, "parameters": parameters, "any": 1})
    )

    assert request.outputs == [
        WantedOutput("a", is_binary=True, classes=3),
        WantedOutput("b", is_binary=False),
        WantedOutput("c"),
        WantedOutput("d"),
    ]
    assert (request.request_id, request.is_binary) == ("7", True)


def test_an_id_that_is_no_text_is_ignored() -> None:
    assert read(asked({"id": 7, "inputs": [TENSOR]})).request_id is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not JSON"),
        ([], "the body must be an object; it is a list"),
        ({}, "inputs must be a list; it is null"),
        ({"inputs": {}}, "inputs must be a list; it is an object"),
        ({"inputs": []}, "inputs is empty"),
        ({"inputs": [7]}, "an input must be an object; it is a number"),
        ({"inputs": [{}]}, "each input must have a name"),
        ({"inputs": [{**TENSOR, "name": 7}]}, "each input must have a name"),
        ({"inputs": [{**TENSOR, "parameters": [1]}]}, 'parameters of input "x" must be an object'),
        ({"inputs": [{**TENSOR, "data": None}]}, 'data of input "x" must be a list; it is null'),
        ({"inputs": [TENSOR], "outputs": {"a": 1}}, "outputs must be a list"),
        ({"inputs": [TENSOR], "outputs": ["a"]}, "an output must be an object; it is a string"),
        ({"inputs": [TENSOR], "outputs": [{}]}, "each output must have a name"),
        ({"inputs": [TENSOR], "outputs": [{"name": "a", "parameters": 1}]}, "must be an object"),
        ({"inputs": [TENSOR], "parameters": [1]}, "parameters must be an object"),
        (
            {"inputs": [TENSOR], "outputs": [{"name": "a", "parameters": {"classification": -1}}]},
            "must be the number of classes",
        ),
        (
            {"inputs": [TENSOR], "outputs": [{"name": "a", "parameters": {"classification": True}}]},
            "must be the number of classes",
        ),
    ],
)
def test_what_is_no_request_is_refused(body: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        read(asked(body))


@pytest.mark.parametrize(
    ("sizes", "rest", "message"),
    [
        ((16,), b"", "fewer bytes than its binary_data_size"),
        ((16, 16), NUMBERS, 'input "x1" has fewer bytes'),
        ((-1,), NUMBERS, "fewer bytes"),
        ((2**70,), NUMBERS, "fewer bytes"),
        (("16",), NUMBERS, "fewer bytes"),
        ((16.0,), NUMBERS, "fewer bytes"),
        ((True,), NUMBERS, "fewer bytes"),
        ((15,), NUMBERS, "has 15 bytes, no multiple of the 8"),
        ((8,), NUMBERS, "has 1 values, and its shape"),
        ((16,), NUMBERS + b"x", "the body has 1 bytes behind the last input"),
    ],
)
def test_sizes_that_lie_are_refused(sizes: tuple[object, ...], rest: bytes, message: str) -> None:
    text, length = in_binary(*sizes)

    with pytest.raises(InvalidInput, match=message):
        read(asked(text + rest, length))


def test_a_missing_number_may_be_written_as_nan() -> None:
    [tensor] = read(
        asked(b'{"inputs": [%s]}' % json.dumps({**TENSOR, "data": [1, math.nan]}).encode())
    ).tensors

    assert math.isnan(np.asarray(tensor.values)[1])


def outputs_of(answer: Any) -> tuple[list[Any], bytes]:
    headers = dict(answer.headers)
    length = int(headers.get(LENGTH_HEADER, len(answer.body)))
    return json.loads(answer.body[:length])["outputs"], answer.body[length:]


def test_an_answer_has_each_tensor_in_the_form_that_was_asked() -> None:
    texts, numbers = Tensor("a", "BYTES", (2,), ["x", "yz"]), Tensor("b", "FP64", (2,), [1.0, 2.0])

    plain = write_answer({"model_name": "iris"}, [(texts, False), (numbers, False)], 2)
    assert (plain.content_type, plain.headers, plain.rows) == ("application/json", (), 2)
    outputs, rest = outputs_of(plain)
    assert [one["data"] for one in outputs] == [["x", "yz"], [1.0, 2.0]]
    assert rest == b""

    mixed = write_answer({"model_name": "iris"}, [(texts, False), (numbers, True)], 2)
    assert mixed.content_type == "application/octet-stream"
    outputs, rest = outputs_of(mixed)
    assert outputs[0]["data"] == ["x", "yz"]
    assert (outputs[1]["parameters"], rest) == ({"binary_data_size": 16}, NUMBERS)


def test_numbers_that_json_has_not_are_said() -> None:
    values = [1.0, math.nan, math.inf, -math.inf]
    tensor = Tensor("a", "FP64", (2, 2), [*values])

    [output], _ = outputs_of(write_answer({}, [(tensor, False)], 2))
    assert output["data"] == [1.0, None, None, None]
    assert output["parameters"] == {"non_finite": "1: nan, 2: inf, 3: -inf"}

    [output], rest = outputs_of(write_answer({}, [(tensor, True)], 2))
    np.testing.assert_array_equal(np.frombuffer(rest), values)
    assert output["parameters"] == {"binary_data_size": 32}


def test_a_null_that_is_a_text_is_not_said() -> None:
    [output], _ = outputs_of(write_answer({}, [(Tensor("a", "BYTES", (1,), ["null"]), False)], 1))

    assert "parameters" not in output
