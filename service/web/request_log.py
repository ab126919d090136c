"""The request log: one line for each request, with its identifier.

It stands before the whole application, and only where the setting `REQUEST_LOG` or `LOG_INPUTS` asks for it:
without them, no request takes longer. A line has no value of a feature, except for the share of the requests
that `LOG_INPUTS` names.
"""

from __future__ import annotations

import re
import uuid
from time import perf_counter_ns
from typing import TYPE_CHECKING

from service.logs import LOGGER
from service.prediction.exchange import RECORD
from service.prediction.recording import Record
from service.web.fast_path import ROWS
from service.web.logged_values import is_sampled, logged_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from service.json_values import JsonValue
    from service.prediction.served_model import ModelSlot

HEADER = "X-Request-ID"
# An identifier of a client goes into the log and back to the client: no other character may be in it.
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,128}")
# W3C's Trace Context, version 00: the identifiers of the trace and of the caller's part of it.
_TRACE = re.compile(r"[0-9a-f]{2}-(?P<trace>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")
_NO_TRACE = "0" * 32
_LONGEST_PATH = 200
_DIGEST_CHARACTERS = 12


class RequestLog:
    """A WSGI application that writes a line for each request which `application` answers.

    The lines of a share of the requests also have the values: rows and predictions. With `only_inputs`, no
    other line is written.
    """

    def __init__(
        self, application: WSGIApplication, slot: ModelSlot, *, share: float = 0.0, only_inputs: bool = False
    ) -> None:
        self.application = application
        self._slot = slot
        self._share = share
        self._only_inputs = only_inputs

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, and return its identifier in the header `X-Request-ID`."""
        started = perf_counter_ns()
        trace = _trace_of(environ)
        identifier = _identifier_of(environ) or trace or uuid.uuid4().hex
        seen: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], *more: object) -> Callable[[bytes], object]:
            seen[:] = [status, next((value for name, value in headers if name == "Content-Length"), "")]
            return start_response(status, [*headers, (HEADER, identifier)], *more)  # type: ignore[arg-type]

        # The trace comes first: it is what goes with a request from one service to the next.
        if self._share and is_sampled(trace or identifier, self._share):
            environ[RECORD] = Record()
        answer = self.application(environ, start)
        duration_ms = (perf_counter_ns() - started) / 1e6
        status, length = seen or ["500", ""]
        self._write(environ, status[:3], length, duration_ms, identifier, trace)
        return answer

    def _write(
        self,
        environ: WSGIEnvironment,
        status: str,
        length: str,
        duration_ms: float,
        identifier: str,
        trace: str | None,
    ) -> None:
        values = logged_values(environ[RECORD]) if RECORD in environ else {}
        if self._only_inputs and not values:
            return
        method, path = str(environ["REQUEST_METHOD"]), _shown(str(environ.get("PATH_INFO", "")))
        rows = environ.get(ROWS, 0)
        model = self._slot.served.digest.rpartition(":")[2][:_DIGEST_CHARACTERS]
        fields: dict[str, JsonValue] = {
            "request_id": identifier,
            "method": method,
            "path": path,
            "status": int(status),
            "duration_ms": round(duration_ms, 3),
            "rows": rows,
            "bytes": int(length) if length.isdecimal() else None,
            "model": model,
        }
        if trace is not None:
            fields["trace_id"] = trace
        line = f"{method} {path} {status} {duration_ms:.3f} ms, {rows} rows, id {identifier}"
        LOGGER.info("%s", line, extra={"fields": fields, "values": values})


def _identifier_of(environ: WSGIEnvironment) -> str | None:
    given = str(environ.get("HTTP_X_REQUEST_ID", ""))
    return given if _IDENTIFIER.fullmatch(given) else None


def _trace_of(environ: WSGIEnvironment) -> str | None:
    found = _TRACE.fullmatch(str(environ.get("HTTP_TRACEPARENT", "")))
    return found["trace"] if found and found["trace"] != _NO_TRACE else None


def _shown(path: str) -> str:
    """Write a path on one line; its query, which has the values of features, is no part of it."""
    short = path[:_LONGEST_PATH]
    return "".join(each if each.isprintable() and each != " " else repr(each)[1:-1] for each in short) or "/"
