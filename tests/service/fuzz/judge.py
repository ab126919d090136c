"""What an answer must be, whatever the request was: of the documented form, and the same without C."""

from __future__ import annotations

import csv
import io
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.service.protocols import wire

if TYPE_CHECKING:
    from tests.service.fuzz.asking import Answer
    from tests.service.fuzz.requests import Request

OK = 200
# What docs/service.md says of wrong requests.
REFUSALS = (400, 404, 405, 408, 411, 413, 415, 422)
LATE = 504
# Sums in another order differ in the last of 16 digits; where large terms cancel each other, in more.
TOLERANCE = 1e-9


def fault_of(request: Request, answer: Answer) -> str | None:
    """Say what is wrong with the form of an answer; None if nothing is."""
    is_late = answer.status == LATE and request.may_be_late
    if request.method in ("HEAD", "OPTIONS"):
        return None if answer.status < 500 or is_late else f"status {answer.status}"
    try:
        if answer.status == OK:
            values_of(request, answer)
        elif answer.status not in REFUSALS and not is_late:
            return f"status {answer.status}: {answer.body[:300]!r}"
        elif not wire.is_error_of_its_form(request.path, answer.body):
            return f"a refusal of another form: {answer.body[:300]!r}"
        else:
            _strict(answer.body)
    except Exception as error:  # noqa: BLE001 (an answer of another form raises one of many errors)
        return f"{type(error).__name__} while reading the answer: {error}: {answer.body[:300]!r}"
    return None


def difference_of(request: Request, one: Answer, other: Answer) -> str | None:
    """Say how the answers with and without C differ; None if they are the same."""
    if LATE in (one.status, other.status):
        return None
    if one.status != other.status:
        return f"{one.status} in C and {other.status} in Python: {one.body[:200]!r} and {other.body[:200]!r}"
    if one == other:
        return None
    is_readable = one.status == OK and one.content_type == other.content_type and request.method != "HEAD"
    if is_readable and is_same(values_of(request, one), values_of(request, other)):
        return None
    return f"other answers in C and in Python: {one.body[:300]!r} and {other.body[:300]!r}"


def values_of(request: Request, answer: Answer) -> Any:
    """Read an answer, in any of the forms that predictions have."""
    if request.method == "OPTIONS":
        return None
    kind = answer.content_type.partition(";")[0]
    if answer.length is not None:
        return _tensors(answer.body, int(answer.length))
    if kind == wire.NPY:
        return np.load(io.BytesIO(answer.body), allow_pickle=False).tolist()
    if kind == wire.CSV:
        cells = csv.reader(io.StringIO(answer.body.decode(), newline=""), strict=True)
        return [[_number_or_text(cell) for cell in line] for line in cells]
    if kind == wire.LINES:
        return [_strict(line) for line in answer.body.splitlines()]
    if kind != wire.JSON:
        raise ValueError(f"content type {answer.content_type}")
    document = _strict(answer.body)
    if request.path == wire.INFER:
        for output in document["outputs"]:
            _require(math.prod(output["shape"]) == len(output["data"]), "a shape that does not fit")
    return document


def _tensors(body: bytes, length: int) -> Any:
    document, at = _strict(body[:length]), length
    for output in document["outputs"]:
        size = output.get("parameters", {}).get("binary_data_size")
        if size is not None:
            part, at = body[at : at + size], at + size
            is_text = output["datatype"] == "BYTES"
            output["data"] = wire.texts_of(part) if is_text else _numbers(part, output["datatype"])
        _require(math.prod(output["shape"]) == len(output["data"]), "a shape that does not fit")
    _require(at == len(body), "bytes behind the last tensor")
    return document


def _numbers(part: bytes, datatype: str) -> Any:
    dtypes = {"FP64": "<f8", "INT64": "<i8", "BOOL": "?", "UINT64": "<u8", "FP32": "<f4"}
    return np.frombuffer(part, dtypes[datatype]).tolist()


def _strict(text: bytes) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    return json.loads(text.decode(), parse_constant=refuse)


def _require(holds: bool, otherwise: str) -> None:  # noqa: FBT001 (as `assert` takes it)
    if not holds:
        raise ValueError(otherwise)


def _number_or_text(cell: str) -> Any:
    try:
        return float(cell)
    except ValueError:
        return cell


def is_same(one: Any, other: Any) -> bool:
    """Tell whether values are the same, but for the last digits of floats."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, str) and isinstance(other, str) and ":" in one:
        # A class with its share, as the extension "classification" writes it.
        return is_same([*map(_number_or_text, one.split(":"))], [*map(_number_or_text, other.split(":"))])
    if isinstance(one, float) and isinstance(other, (int, float)):
        close = math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        return close or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and bool(one == other)
