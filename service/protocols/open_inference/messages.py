"""Requests and answers of the Open Inference Protocol: JSON, or JSON followed by binary tensors.

The binary form is that of Triton's page "extension_binary_data". The header `Inference-Header-Content-Length`
alone tells whether a body is binary, never the content type: clients send any type, or none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, cast

import numpy as np
import orjson

from service.errors import InvalidInput
from service.json_values import encode
from service.native.library import FLAT, LISTS
from service.prediction.exchange import Answer
from service.protocols.number_tables import ELEMENT
from service.protocols.open_inference.tensors import (
    Tensor,
    binary,
    datatype_of_json,
    shape_of_json,
    tensor_of_bytes,
    tensor_of_json,
)
from service.protocols.payload import check_size, decode
from service.protocols.remarks import MOST_NON_FINITE_LISTED
from service.protocols.row_checks import json_type_of, shortened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.json_values import JsonValue
    from service.prediction.exchange import Asked
    from service.protocols.number_tables import NumberTables, Places
    from service.protocols.row_checks import RowRules

LENGTH_HEADER = "Inference-Header-Content-Length"
BINARY = "application/octet-stream"
# SageMaker and Vertex AI drop unknown headers: there, Triton's clients put the length into the content type.
LENGTH_PARAMETER = "json-header-size="
# Where a body has tables.
PLACES: Places = {("inputs", ELEMENT, "data"): (FLAT, LISTS)}
# Python refuses to read thousands of digits.
LENGTH_DIGITS_MAX = 20


@dataclass(frozen=True)
class WantedOutput:
    """An output that a client asks for; with `classes`, the best classes in place of numbers."""

    name: str
    is_binary: bool | None = None
    classes: int = 0


@dataclass(frozen=True)
class InferRequest:
    """What a client sends: tensors, what it wants of the answer, and how long it waits for it."""

    tensors: Sequence[Tensor]
    outputs: Sequence[WantedOutput] = ()
    request_id: str | None = None
    is_binary: bool = False
    raw: memoryview | None = field(default=None, repr=False)
    timeout_us: int | None = None


def header_length(asked: Asked) -> int | None:
    """Give the length of the JSON part of a body with binary tensors; None if all of the body is JSON."""
    text = asked.header(LENGTH_HEADER)
    if not text:
        _, found, text = asked.header("content-type").partition(LENGTH_PARAMETER)
        if not found:
            return None
    if text.strip().isdecimal() and len(text) <= LENGTH_DIGITS_MAX and int(text) <= len(asked.body):
        return int(text)
    raise InvalidInput(
        f"{LENGTH_HEADER} must be the length of the JSON part of the body, not {shortened(text)}"
    )


def read_request(asked: Asked, rules: RowRules, tables: NumberTables | None = None) -> InferRequest:
    """Read a request; raise `InvalidInput` if it is none. With a length of 0, `raw` is the whole body.

    `tables` reads the tables of a model of numbers alone.
    """
    length = header_length(asked)
    if length == 0:
        return InferRequest((), is_binary=True, raw=memoryview(asked.body))
    text = asked.body if length is None else asked.body[:length]
    document = _object(_parsed(text, rules, tables if length is None else None), "the body")
    parameters = _object(document.get("parameters") or {}, "parameters")
    rest = None if length is None else memoryview(asked.body)[length:]
    request_id = document.get("id")
    outputs = [_wanted(one) for one in _list(document.get("outputs") or [], "outputs")]
    _check_different(outputs)
    return InferRequest(
        _tensors(_list(document.get("inputs"), "inputs"), rest),
        outputs,
        request_id if isinstance(request_id, str) else None,
        is_binary=parameters.get("binary_data_output") is True,
        timeout_us=_timeout_us(parameters.get("timeout")),
    )


def _timeout_us(value: object) -> int | None:
    """Read the parameter of Triton's schedulers, in microseconds; 0 is none, as there."""
    return value if type(value) is int and value > 0 else None


def write_answer(head: dict[str, JsonValue], tensors: Sequence[tuple[Tensor, bool]], rows: int) -> Answer:
    """Write an answer; each tensor with whether it is written in binary."""
    described = [described_output(tensor, is_binary=is_binary) for tensor, is_binary in tensors]
    outputs: list[JsonValue] = [output for output, _ in described]
    parts = [part for _, part in described]
    text = encode({**head, "outputs": outputs})
    # An answer without null, which is nearly every answer, need not be searched.
    if b"null" in text:
        for (tensor, is_binary), output in zip(tensors, outputs):
            if not is_binary and isinstance(output, dict) and (said := _non_finite(tensor)):
                output["parameters"] = {"non_finite": said}
        text = encode({**head, "outputs": outputs})
    if not any(is_binary for _, is_binary in tensors):
        return Answer(text, rows)
    text = text.rstrip()
    return Answer(b"".join((text, *parts)), rows, BINARY, ((LENGTH_HEADER, str(len(text))),))


def described_output(tensor: Tensor, *, is_binary: bool) -> tuple[dict[str, JsonValue], bytes]:
    """Describe a tensor of an answer, and give its elements in binary, unless they stand in it."""
    output: dict[str, JsonValue] = {
        "name": tensor.name,
        "datatype": tensor.datatype,
        "shape": [*tensor.shape],
    }
    if not is_binary:
        output["data"] = tensor.values  # type: ignore[assignment]  # the tensors of an answer hold lists
        return output, b""
    part = binary(tensor)
    output["parameters"] = {"binary_data_size": len(part)}
    return output, part


def _non_finite(tensor: Tensor) -> str:
    """Say at which positions of the data there are NaN and infinities, for which JSON has null."""
    found = (
        f"{at}: {value}"
        for at, value in enumerate(tensor.values)
        if isinstance(value, float) and not math.isfinite(value)
    )
    return ", ".join(islice(found, MOST_NON_FINITE_LISTED))


def _parsed(text: bytes, rules: RowRules, tables: NumberTables | None = None) -> object:
    document = tables.decode(text, PLACES, orjson.loads) if tables else None
    if isinstance(document, dict) and all(map(_takes_table, document["inputs"])):
        return document
    check_size(text, rules)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        # It does not read NaN, which clients write for a missing number; and `decode` says what is wrong.
        return decode(text, rules)


def _takes_table(entry: object) -> bool:
    """Tell whether an input has no array, or is of floats: whole numbers must be exact."""
    has_table = isinstance(entry, dict) and isinstance(entry.get("data"), np.ndarray)
    return not has_table or cast("dict[str, object]", entry).get("datatype") in ("FP32", "FP64")


def _tensors(entries: list[object], rest: memoryview | None) -> list[Tensor]:
    if not entries:
        raise InvalidInput("inputs is empty: it must have at least one tensor")
    tensors, at = [], 0
    for entry in entries:
        given = _object(entry, "an input")
        name = given.get("name")
        if not isinstance(name, str):
            raise InvalidInput("each input must have a name")
        parameters = _object(given.get("parameters") or {}, f'the parameters of input "{shortened(name)}"')
        size = parameters.get("binary_data_size")
        datatype = datatype_of_json(name, given.get("datatype"), is_binary=size is not None)
        shape = shape_of_json(name, given.get("shape"))
        if size is None:
            tensors.append(tensor_of_json(name, datatype, shape, given.get("data")))
            continue
        if rest is None:
            raise InvalidInput(
                f'input "{shortened(name)}" has binary_data_size, and the request has no {LENGTH_HEADER}'
            )
        if type(size) is not int or not 0 <= size <= len(rest) - at:
            raise InvalidInput(f'input "{shortened(name)}" has fewer bytes than its binary_data_size')
        tensors.append(tensor_of_bytes(name, datatype, shape, rest[at : at + size]))
        at += size
    if rest is not None and at != len(rest):
        raise InvalidInput(f"the body has {len(rest) - at} bytes behind the last input")
    return tensors


def _wanted(entry: object) -> WantedOutput:
    given = _object(entry, "an output")
    name = given.get("name")
    if not isinstance(name, str):
        raise InvalidInput("each output must have a name")
    parameters = _object(given.get("parameters") or {}, f'the parameters of output "{shortened(name)}"')
    classes = parameters.get("classification", 0)
    if type(classes) is not int or classes < 0:
        raise InvalidInput(f'classification of output "{shortened(name)}" must be the number of classes')
    is_binary = parameters.get("binary_data")
    return WantedOutput(name, is_binary if isinstance(is_binary, bool) else None, classes)


def _check_different(outputs: Sequence[WantedOutput]) -> None:
    """Refuse an output that is asked for twice: an answer could be a million times as long as its request."""
    names: set[str] = set()
    for output in outputs:
        if output.name in names:
            raise InvalidInput(f'output "{shortened(output.name)}" is asked for more than once')
        names.add(output.name)


def _object(value: object, what: str) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    raise InvalidInput(f"{what} must be an object; it is {json_type_of(value)}")


def _list(value: object, what: str) -> list[object]:
    if isinstance(value, list):
        return value
    raise InvalidInput(f"{what} must be a list; it is {json_type_of(value)}")
