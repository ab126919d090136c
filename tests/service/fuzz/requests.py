"""Requests that are answered, for the mutations to start from: every wire format, few rows and many."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.service.protocols import wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    Rows = Sequence[dict[str, Any]]

PREDICTION = "/prediction"
PREDICT_PATHS = (PREDICTION, wire.INFER, wire.V1, wire.INVOCATIONS)
# One row is answered by a row program; from 4,000 bytes on, tables are read in C, and from 16 KiB on, without
# the GIL.
ROW_COUNTS = (1, 2, 40, 200)
OUTPUTS = (
    {"parameters": {"binary_data_output": True}},
    {"outputs": [{"name": "predict"}], "id": "7"},
    {"outputs": [{"name": "predict", "parameters": {"binary_data": True}}]},
    {"outputs": [{"name": "predict_proba", "parameters": {"classification": 2}}]},
)


@dataclass(frozen=True)
class Request:
    """What a client sends. `length` is the header that tells where the JSON part of tensors ends.

    `encoding` names how the body is compressed, and `is_chunked` leaves out its length. `deadline` has the
    name and the value of a header that tells how long the client waits.
    """

    path: str
    body: bytes = b""
    method: str = "POST"
    query: str = ""
    content_type: str = wire.JSON
    accept: str = ""
    length: str | None = None
    encoding: str = ""
    is_chunked: bool = False
    deadline: tuple[str, str] = ("", "")

    @property
    def may_be_late(self) -> bool:
        """Whether the request may tell a deadline, which it may miss or not."""
        return bool(self.deadline[0]) or b"timeout" in self.body or bool(self.encoding)

    @property
    def json_part(self) -> bytes:
        """The part of the body that may be JSON."""
        is_told = self.length is not None and self.length.isdecimal() and len(self.length) < 10
        return self.body[: int(self.length or 0)] if is_told else self.body


def requests_of(rows: Rows, *, takes_numbers: bool) -> list[Request]:
    """List the requests with the first one, two, and more of the rows."""
    found = []
    for count in ROW_COUNTS:
        some = [rows[at % len(rows)] for at in range(count)]
        found += [_own(some), *_posted(some, takes_numbers=takes_numbers)]
    first = {name: value for name, value in rows[0].items() if value is not None}
    found.append(Request(PREDICTION, wire.dumps(rows[0])))
    found.append(Request(PREDICTION, method="GET", query=urlencode(first)))
    return found


def _own(rows: Rows) -> Request:
    return Request(PREDICTION, json.dumps({"rows": rows}, ensure_ascii=False).encode())


def _posted(rows: Rows, *, takes_numbers: bool) -> list[Request]:
    forms = {**wire.FORMS, **wire.CELLS, **(wire.NUMBERS if takes_numbers else {})}
    if all(value is not None for row in rows for value in row.values()):
        forms.update(wire.WITHOUT_MISSING_TEXTS)
    found = []
    for write in forms.values():
        sent = write(rows)
        length = None if sent.length is None else str(sent.length)
        request = Request(sent.path, sent.body, content_type=sent.content_type, length=length)
        found.append(request)
        if sent.path == wire.INFER and length != "0":
            found += map(partial(_with, request), OUTPUTS)
            found.append(_at_invocations(request))
    return found


def _with(request: Request, more: dict[str, Any]) -> Request:
    text = wire.dumps({**json.loads(request.json_part), **more})
    rest = request.body[len(request.json_part) :]
    return replace(request, body=text + rest, length=None if request.length is None else str(len(text)))


def _at_invocations(request: Request) -> Request:
    """Give the same tensors as Triton's clients send them to SageMaker."""
    size = len(request.json_part)
    content_type = f"application/vnd.sagemaker-triton.binary+json;json-header-size={size}"
    return replace(request, path=wire.INVOCATIONS, content_type=content_type, length=None)
