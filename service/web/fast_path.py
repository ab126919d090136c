"""The short way to a prediction: for requests in which nothing is unusual, past Flask.

Flask takes three times as long for a request as the model does. So what is plainly a prediction is answered
here. Whatever is not, is refused or fails goes to Flask as if it had not been here, and there is one place
that says what is wrong.
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

    from service.admission import Places
    from service.protocols.infer import Endpoint
    from service.telemetry.counters import Meter

# Where Flask finds when a prediction was asked for.
STARTED = "infer.started"
# Those that Flask's answers have: a test compares.
HEADERS = (("Content-Type", JSON), ("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))


class HotPath:
    """A WSGI application before another one."""

    def __init__(
        self,
        application: WSGIApplication,
        endpoint: Endpoint,
        places: Places,
        meter: Meter,
        *,
        max_body_bytes: int,
    ) -> None:
        self.application = application
        self.endpoint = endpoint
        self.places = places
        self.meter = meter
        self.max_body_bytes = max_body_bytes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a plain prediction, and pass on anything else."""
        if environ["PATH_INFO"] == PATH:
            started = perf_counter_ns()
            place = self.places.take()
            if place is not None:
                try:
                    answer, rows = self._answer(environ)
                    if answer is not None:
                        self.meter.answered(place, rows, perf_counter_ns() - started)
                finally:
                    self.places.give_back(place)
                if answer is not None:
                    start_response("200 OK", [*HEADERS, ("Content-Length", str(len(answer)))])
                    # The server sends a list at once, and takes anything else for a stream.
                    return [answer]
            environ[STARTED] = started
        return self.application(environ, start_response)

    def _answer(self, environ: WSGIEnvironment) -> tuple[bytes | None, int]:
        """Give the answer, if there is one, and for how many rows it is."""
        method, body = environ["REQUEST_METHOD"], None
        try:
            if method == "GET":
                return self.endpoint.answer_query(environ["QUERY_STRING"]), 1
            if method == "POST" and environ.get("CONTENT_TYPE") == JSON and self._is_short(environ):
                body = environ["wsgi.input"].read()
                return self.endpoint.answer_body(body)
        except Exception as error:  # noqa: BLE001 (Flask meets it again, and says what is wrong)
            LOGGER.debug("passed on: %r", error)
        if body is not None:
            environ["wsgi.input"] = io.BytesIO(body)
        return None, 0

    def _is_short(self, environ: WSGIEnvironment) -> bool:
        """Tell whether the body says its length, as one in chunks does not, and may be as long."""
        length = environ.get("CONTENT_LENGTH", "")
        return (
            "HTTP_TRANSFER_ENCODING" not in environ
            and length.isdecimal()
            and int(length) <= self.max_body_bytes
        )
