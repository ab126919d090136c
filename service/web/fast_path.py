"""The fast path: answers usual prediction requests without Flask.

Flask takes three times as long for a request as a small model does. A request that is unusual,
refused or fails here is passed on to Flask unchanged, so that Flask's handlers alone answer errors.
"""

from __future__ import annotations

import io
from time import perf_counter_ns
from typing import TYPE_CHECKING

from service.logs import LOGGER
from service.prediction.exchange import STARTED, Asked
from service.web.bodies import is_to_compress

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from service.admission import Admission
    from service.prediction.deadlines import Deadline, Deadlines
    from service.prediction.exchange import Answer, Handler, Resource
    from service.prediction.served_model import ModelSlot
    from service.telemetry.counters import Meter

# The key under which the request log finds how many rows were answered.
ROWS = "infer.rows"
# The headers that Flask's answers to predictions have, too: a test compares them.
HEADERS = (("X-Content-Type-Options", "nosniff"), ("Cache-Control", "no-store"))
# Tells which model an answer is from: while one model takes the place of another, both answer.
DIGEST_HEADER = "X-Model-Digest"


def headers_of(slot: ModelSlot) -> tuple[tuple[str, str], ...]:
    """Give the headers of every answer to a request for predictions of the model in the slot."""
    return (*HEADERS, (DIGEST_HEADER, slot.served.digest))


class FastPath:
    """A WSGI application that answers predictions, and passes all other requests on to `application`."""

    def __init__(
        self,
        application: WSGIApplication,
        slot: ModelSlot,
        admission: Admission,
        meter: Meter,
        deadlines: Deadlines,
        *,
        max_body_bytes: int,
    ) -> None:
        self.application = application
        self.model_slot = slot
        self._predictions = admission.predictions
        self._bodies = admission.bodies
        self._memory = admission.memory
        self.meter = meter
        self._deadline_of = deadlines.of
        self.max_body_bytes = max_body_bytes
        self.headers = headers_of(slot)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a plain prediction, and pass on anything else."""
        resource = self.model_slot.served.resources.get(environ["PATH_INFO"])
        if resource is not None and resource.predicts:
            started = environ[STARTED] = perf_counter_ns()
            deadline = self._deadline_of(environ, started)
            method = environ["REQUEST_METHOD"]
            asked = self._asked(resource, method, environ)
            is_late = deadline is not None and deadline.is_past()
            slot = None if asked is None or is_late else self._predictions.take()
            if asked is not None and slot is not None:
                try:
                    answer = self._answer(resource.methods[method], asked, deadline)
                    if answer is not None:
                        self.meter.answered(slot, resource.route, answer.rows, perf_counter_ns() - started)
                finally:
                    self._predictions.give_back(slot)
                if answer is not None:
                    body, environ[ROWS], content_type, headers = answer
                    length = ("Content-Length", str(len(body)))
                    start_response(
                        "200 OK", [("Content-Type", content_type), *self.headers, length, *headers]
                    )
                    # Granian sends a list at once, and any other iterable as a stream.
                    return [body]
        return self.application(environ, start_response)

    def _asked(self, resource: Resource, method: str, environ: WSGIEnvironment) -> Asked | None:
        """Receive the request; None for one that Flask is to receive or to refuse."""
        if method not in resource.methods or "HTTP_CONTENT_ENCODING" in environ or is_to_compress(environ):
            return None
        if method == "GET":
            return Asked(environ)
        if not self._is_short(environ):
            return None
        place = self._bodies.take()
        if place is None:
            return None
        try:
            body = environ["wsgi.input"].read()
        finally:
            self._bodies.give_back(place)
        # For Flask, if it has to answer.
        environ["wsgi.input"] = io.BytesIO(body)
        return Asked(environ, body) if len(body) == int(environ["CONTENT_LENGTH"]) else None

    def _answer(self, handler: Handler, asked: Asked, deadline: Deadline | None) -> Answer | None:
        """Give the answer; None for a request that Flask is to answer."""
        try:
            return handler(asked) if deadline is None else deadline.during(handler, asked)
        except Exception as error:  # noqa: BLE001 (it happens again in Flask, which answers it)
            LOGGER.debug("passed on: %r", error)
        return None

    def _is_short(self, environ: WSGIEnvironment) -> bool:
        """Tell whether the request says the length of its body (not sent in chunks), and may be so long."""
        length = environ.get("CONTENT_LENGTH", "")
        return (
            "HTTP_TRANSFER_ENCODING" not in environ
            and length.isdecimal()
            and int(length) <= self.max_body_bytes
            # Flask's way counts the memory of a long one.
            and self._memory.is_short(int(length))
        )
