"""The fast path: answers usual prediction requests without Flask.

Flask takes three times as long for a request as a small model does. A request that is unusual,
refused or fails here is passed on to Flask unchanged, so that Flask's handlers alone answer errors.
"""

from __future__ import annotations

import io
from time import perf_counter_ns
from typing import TYPE_CHECKING

from service.logs import LOGGER
from service.protocols.infer import JSON, PATH

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from service.admission import Admission
    from service.prediction.served_model import Endpoint, ModelSlot
    from service.telemetry.counters import Meter

# The key of the WSGI environment under which Flask finds when the request came, in ns of perf_counter_ns.
STARTED = "infer.started"
# The headers that Flask's answers to predictions have, too: a test compares them.
HEADERS = (("Content-Type", JSON), ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))


class FastPath:
    """A WSGI application that answers predictions, and passes all other requests on to `application`."""

    def __init__(
        self,
        application: WSGIApplication,
        slot: ModelSlot,
        admission: Admission,
        meter: Meter,
        *,
        max_body_bytes: int,
    ) -> None:
        self.application = application
        self.model_slot = slot
        self.admission = admission
        self.meter = meter
        self.max_body_bytes = max_body_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a plain prediction, and pass on anything else."""
        if environ["PATH_INFO"] == PATH:
            started = perf_counter_ns()
            slot = self.admission.take()
            if slot is not None:
                try:
                    answer, rows = self._answer(self.model_slot.served.endpoint, environ)
                    if answer is not None:
                        self.meter.answered(slot, rows, perf_counter_ns() - started)
                finally:
                    self.admission.give_back(slot)
                if answer is not None:
                    start_response("200 OK", [*HEADERS, ("Content-Length", str(len(answer)))])
                    # Granian sends a list at once, and any other iterable as a stream.
                    return [answer]
            environ[STARTED] = started
        return self.application(environ, start_response)

    def _answer(self, endpoint: Endpoint, environ: WSGIEnvironment) -> tuple[bytes | None, int]:
        """Give the answer and its number of rows; None for a request that Flask is to answer."""
        method, body = environ["REQUEST_METHOD"], None
        try:
            if method == "GET":
                return endpoint.answer_query(environ["QUERY_STRING"]), 1
            if method == "POST" and environ.get("CONTENT_TYPE") == JSON and self._is_short(environ):
                body = environ["wsgi.input"].read()
                return endpoint.answer_body(body)
        except Exception as error:  # noqa: BLE001 (it happens again in Flask, which answers it)
            LOGGER.debug("passed on: %r", error)
        if body is not None:
            environ["wsgi.input"] = io.BytesIO(body)
        return None, 0

    def _is_short(self, environ: WSGIEnvironment) -> bool:
        """Tell whether the request says the length of its body (not sent in chunks), and may be so long."""
        length = environ.get("CONTENT_LENGTH", "")
        return (
            "HTTP_TRANSFER_ENCODING" not in environ
            and length.isdecimal()
            and int(length) <= self.max_body_bytes
        )
