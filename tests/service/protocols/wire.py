"""The same rows in the bodies of every wire format, and the answers that come back."""

from __future__ import annotations

import csv
import io
import json
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    Rows = Sequence[Mapping[str, Any]]

INFER, V1, INVOCATIONS = "/v2/models/model/infer", "/v1/models/model:predict", "/invocations"
LENGTH = "Inference-Header-Content-Length"
JSON, CSV, NPY, LINES = "application/json", "text/csv", "application/x-npy", "application/jsonlines"


@dataclass(frozen=True)
class Sent:
    """A request: where it goes, its body, and its headers."""

    path: str
    body: bytes
    content_type: str = JSON
    length: int | None = None

    def to(self, client: FlaskClient) -> TestResponse:
        headers = {"Content-Type": self.content_type}
        if self.length is not None:
            headers[LENGTH] = str(self.length)
        return client.post(self.path, data=self.body, headers=headers)


def dumps(value: Any) -> bytes:
    return json.dumps(value).encode()


def datatype_of(column: Sequence[Any]) -> str:
    types = {type(value) for value in column} - {type(None)}
    return "BYTES" if types == {str} else "BOOL" if types == {bool} else "FP64"


def packed(datatype: str, column: Sequence[Any]) -> bytes:
    if datatype == "BYTES":
        texts = [value.encode() for value in column]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    if datatype == "BOOL":
        return np.array(column, bool).tobytes()
    return np.array([math.nan if value is None else value for value in column], "<f8").tobytes()


def columns_of(rows: Rows) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def lists_of(rows: Rows) -> list[list[Any]]:
    return [list(row.values()) for row in rows]


def infer_columns(rows: Rows) -> Sent:
    inputs = [
        {"name": name, "shape": [len(column), 1], "datatype": datatype_of(column), "data": column}
        for name, column in columns_of(rows).items()
    ]
    return Sent(INFER, dumps({"inputs": inputs}))


def infer_binary_columns(rows: Rows) -> Sent:
    inputs, parts = [], []
    for name, column in columns_of(rows).items():
        datatype = datatype_of(column)
        parts.append(packed(datatype, column))
        parameters = {"binary_data_size": len(parts[-1])}
        entry = {"name": name, "shape": [len(column)], "datatype": datatype, "parameters": parameters}
        inputs.append(entry)
    text = dumps({"inputs": inputs})
    return Sent(INFER, b"".join([text, *parts]), "application/octet-stream", len(text))


def infer_matrix(rows: Rows) -> Sent:
    lists = lists_of(rows)
    entry = {"name": "any", "shape": [len(lists), len(lists[0])], "datatype": "FP64", "data": lists}
    return Sent(INFER, dumps({"inputs": [entry]}), "")


def infer_binary_matrix(rows: Rows) -> Sent:
    lists = lists_of(rows)
    data = b"".join(packed("FP64", one) for one in lists)
    entry = {"name": "any", "shape": [len(lists), len(lists[0])], "datatype": "FP64"}
    text = dumps({"inputs": [{**entry, "parameters": {"binary_data_size": len(data)}}]})
    return Sent(INFER, text + data, "", len(text))


def infer_raw(rows: Rows) -> Sent:
    return Sent(INFER, b"".join(packed("FP64", one) for one in lists_of(rows)), "", 0)


def csv_of(rows: Rows, heading: Sequence[str] | None) -> Sent:
    text = io.StringIO()
    writer = csv.writer(text)
    if heading is not None:
        writer.writerow(heading)
    writer.writerows([["" if row[name] is None else row[name] for name in heading or row] for row in rows])
    return Sent(INVOCATIONS, text.getvalue().encode(), CSV)


def npy(rows: Rows) -> Sent:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[math.nan if one is None else one for one in row] for row in lists_of(rows)]))
    return Sent(INVOCATIONS, buffer.getvalue(), NPY)


def split(rows: Rows) -> dict[str, Any]:
    return {"columns": list(rows[0]), "data": lists_of(rows)}


# What any rows may be written in; in the second table, what texts and missing texts are lost in.
FORMS: dict[str, Callable[[Any], Sent]] = {
    "V2, columns": infer_columns,
    "V1, objects": lambda rows: Sent(V1, dumps({"instances": rows}), "application/x-www-form-urlencoded"),
    "V1, lists": lambda rows: Sent(V1, dumps({"inputs": lists_of(rows)})),
    "list of objects": lambda rows: Sent(INVOCATIONS, dumps(rows)),
    "list of lists": lambda rows: Sent(INVOCATIONS, dumps(lists_of(rows))),
    "split": lambda rows: Sent(INVOCATIONS, dumps({"dataframe_split": split(rows)})),
    "MLflow 1": lambda rows: Sent(INVOCATIONS, dumps(split(rows)), f"{JSON}; format=pandas-split"),
    "records": lambda rows: Sent(INVOCATIONS, dumps({"dataframe_records": rows})),
    "inputs": lambda rows: Sent(INVOCATIONS, dumps({"inputs": columns_of(rows)})),
    "Azure": lambda rows: Sent(
        INVOCATIONS, dumps({"input_data": {**split(rows), "index": [*range(len(rows))]}})
    ),
    "lines of lists": lambda rows: Sent(INVOCATIONS, b"\n".join(map(dumps, lists_of(rows))), LINES),
    "lines of objects": lambda rows: Sent(INVOCATIONS, b"\n".join(map(dumps, rows)), LINES),
}
WITHOUT_MISSING_TEXTS: dict[str, Callable[[Any], Sent]] = {"V2, binary columns": infer_binary_columns}
CELLS: dict[str, Callable[[Any], Sent]] = {
    "CSV with a heading": lambda rows: csv_of(rows, sorted(rows[0], reverse=True)),
    "CSV": lambda rows: csv_of(rows, None),
}
NUMBERS: dict[str, Callable[[Any], Sent]] = {
    "V2, matrix": infer_matrix,
    "V2, binary matrix": infer_binary_matrix,
    "V2, raw": infer_raw,
    "npy": npy,
}


def predictions_of(sent: Sent, response: TestResponse) -> list[Any]:
    """Give the predictions of an answer, whatever its form."""
    body = response.data
    if sent.path == INFER:
        length = response.headers.get(LENGTH)
        document = json.loads(body[: int(length)] if length else body)
        first = document["outputs"][0]
        if length is None:
            found: list[Any] = first["data"]
            return found
        rest = body[int(length) :][: first["parameters"]["binary_data_size"]]
        return texts_of(rest) if first["datatype"] == "BYTES" else np.frombuffer(rest).tolist()
    if response.content_type == NPY:
        listed: list[Any] = np.load(io.BytesIO(body)).tolist()
        return listed
    if response.content_type == LINES:
        return [json.loads(line) for line in body.splitlines()]
    document = json.loads(body)
    answered: list[Any] = document["predictions"] if isinstance(document, dict) else document
    return answered


def texts_of(data: bytes) -> list[str]:
    found, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return found


def is_error_of_its_form(path: str, body: bytes) -> bool:
    """Tell whether an error has the form that clients of the path read."""
    document = json.loads(body)
    if path.startswith(("/v1", "/v2")):
        return set(document) == {"error"} and isinstance(document["error"], str)
    if path == INVOCATIONS:
        return {"error_code", "message"} <= set(document) and isinstance(document["message"], str)
    return set(document) == {"error"} and {"code", "message"} <= set(document["error"])
