"""The usual request of the Open Inference Protocol: one row of numbers, and all results that come with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from service.json_values import encode
from service.prediction.exchange import Answer
from service.protocols.open_inference.messages import (
    BINARY,
    LENGTH_HEADER,
    LENGTH_PARAMETER,
    described_output,
)
from service.protocols.open_inference.tensors import Tensor, datatype_of, tensors_of_values

if TYPE_CHECKING:
    from service.prediction.exchange import Asked
    from service.protocols.one_row import OneRow

# What a request and its input have, and nothing else.
_TENSOR = {"name", "shape", "datatype", "data"}
_BINARY_TENSOR = {"name", "shape", "datatype", "parameters"}


class UsualRequest:
    """Answers such requests for one model of numbers; `name` is the name under which it was asked."""

    def __init__(self, name: str, version: str, row: OneRow, feature: str | None) -> None:
        self._row = row
        self._shape = [1, row.width]
        # The one feature of a model: an input of that name is a column.
        self._feature = feature
        self._head = encode({"model_name": name, "model_version": version}).rstrip()[:-1]
        datatype = datatype_of(row.labels) if row.labels else None
        labels = [tensors_of_values("predict", [label], datatype)[0] for label in row.labels]
        self._labels = [_written(tensor)[0] for tensor in labels]
        self._binary_labels = [_written(tensor, is_binary=True) for tensor in labels]

    def may_be(self, asked: Asked) -> bool:
        """Tell whether a request is short enough for one row, so that it is worth a look."""
        return self._row.may_be(asked.body)

    def answer(self, asked: Asked) -> Answer | None:
        """Answer a request; None for one that is not as usual, or is wrong."""
        length = asked.header(LENGTH_HEADER)
        body = asked.body
        try:
            if length and not length.isdecimal():
                return None
            if not length and LENGTH_PARAMETER in asked.header("content-type"):
                return None
            document = orjson.loads(body[: int(length)] if length else body)
            [tensor] = document["inputs"]
            wants_binary = document.get("parameters")
            shape = tensor["shape"]
            is_usual = (
                tensor["datatype"] == "FP64"
                # True and 1.0 are equal to 1, and no sizes.
                and shape == self._shape
                and shape[0].__class__ is shape[1].__class__ is int
                and tensor["name"].__class__ is str
                and tensor["name"] != self._feature
                and not document.get("outputs")
                and document.get("id", "").__class__ is str
                and (wants_binary is None or _is(wants_binary, "binary_data_output", value=True))
            )
            if not is_usual:
                return None
            if length:
                rest = body[int(length) :]
                size = tensor["parameters"]
                if tensor.keys() != _BINARY_TENSOR or not _is(size, "binary_data_size", value=len(rest)):
                    return None
                row = self._row.row_of_bytes(rest)
            else:
                row = tensor["data"] if tensor.keys() == _TENSOR else None
                if row and row[0].__class__ is list and len(row) == 1:
                    [row] = row
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return None
        found = self._row.answer(row)
        return (
            None if found is None else self._write(document.get("id"), *found, is_binary=bool(wants_binary))
        )

    def _write(
        self, request_id: str | None, position: int, numbers: list[float], *, is_binary: bool
    ) -> Answer:
        head = self._head
        if request_id is not None:
            head += b',"id":' + orjson.dumps(request_id)
        if not is_binary:
            outputs = self._outputs_in_json(position, numbers)
            return Answer(b"".join((head, b',"outputs":[', outputs, b"]}\n")), 1)
        described, parts = self._outputs_in_binary(position, numbers)
        text = b"".join((head, b',"outputs":[', described, b"]}"))
        return Answer(text + parts, 1, BINARY, ((LENGTH_HEADER, str(len(text))),))

    def _outputs_in_json(self, position: int, numbers: list[float]) -> bytes:
        if not self._labels:
            return _numbers("predict", numbers, is_flat=len(numbers) == 1)
        if not numbers:
            return self._labels[position]
        return b",".join((self._labels[position], _numbers("predict_proba", numbers)))

    def _outputs_in_binary(self, position: int, numbers: list[float]) -> tuple[bytes, bytes]:
        if not self._labels:
            shape = (1,) if len(numbers) == 1 else (1, len(numbers))
            return _written(Tensor("predict", "FP64", shape, [*numbers]), is_binary=True)
        if not numbers:
            return self._binary_labels[position]
        described, label = self._binary_labels[position]
        shares = Tensor("predict_proba", "FP64", (1, len(numbers)), [*numbers])
        more, packed = _written(shares, is_binary=True)
        return b",".join((described, more)), label + packed


def _is(parameters: dict[str, object], name: str, *, value: object) -> bool:
    """Tell whether there is this parameter alone, with a value of this type."""
    return parameters == {name: value} and parameters[name].__class__ is value.__class__


def _written(tensor: Tensor, *, is_binary: bool = False) -> tuple[bytes, bytes]:
    output, part = described_output(tensor, is_binary=is_binary)
    return encode(output).rstrip(), part


def _numbers(name: str, numbers: list[float], *, is_flat: bool = False) -> bytes:
    shape = b"1" if is_flat else b"1,%d" % len(numbers)
    head = b'{"name":"%s","datatype":"FP64","shape":[%s],"data":' % (name.encode(), shape)
    return head + orjson.dumps(numbers) + b"}"
