"""The HTTP interface.

::

GET  /                     a page to try the model
GET  /prediction?NAME=1…   one prediction
POST /prediction           predictions for {"rows": [{…}, …]}, or for one object of features
GET  /model                what is served
GET  /livez, /readyz       whether it works
GET  /metrics              counts and durations, for Prometheus
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, g, render_template, request
from werkzeug.exceptions import UnsupportedMediaType

from service.admission import Admission
from service.protocols.infer import JSON, PATH
from service.telemetry.counters import Meter
from service.web.error_answers import json_answer, most_body_bytes, register_error_answers
from service.web.fast_path import STARTED, FastPath
from service.web.page import fields_of, kind_with_article

if TYPE_CHECKING:
    from service.prediction.served_model import ModelSlot

# The page needs its own script and style, and the service; nothing else may run or be reached.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'"
)


def create_app(slot: ModelSlot, *, max_body_bytes: int) -> tuple[Flask, Meter]:
    """Make the application that answers from the served model, and the meter that counts its requests."""
    admission = Admission()
    app = Flask("service.web")
    # One byte more than may be sent: that byte is how `_body` sees a body of unknown length that is too long.
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes + 1
    register_error_answers(app)
    views = _Views(slot, admission)
    app.get("/")(views.page)
    app.get(PATH)(views.predict_one)
    app.post(PATH)(views.predict_many)
    app.get("/model")(views.model)
    app.get("/livez")(views.livez)
    app.get("/readyz")(views.readyz)
    app.get("/metrics")(views.metrics)
    routes = (rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static")
    views.meter = meter = Meter(routes, admission, predicts_at=PATH)
    app.before_request(_note_time)
    # Flask calls the last one first.
    app.after_request(views.count)
    app.after_request(_add_headers)
    fast_path = FastPath(app.wsgi_app, slot, admission, meter, max_body_bytes=max_body_bytes)
    app.wsgi_app = fast_path  # type: ignore[method-assign]  # this is how Flask is wrapped
    return app, meter


class _Views:
    """The routes, each a method. Each reads the slot once, and so answers from one model."""

    meter: Meter

    def __init__(self, slot: ModelSlot, admission: Admission) -> None:
        self.slot = slot
        self.admission = admission

    def page(self) -> Response:
        served = self.slot.served
        text = render_template(
            "index.html",
            model=served.description,
            kind=kind_with_article(str(served.description["kind"])),
            fields=fields_of(served.features, served.declared),
        )
        response = Response(text)
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response

    def predict_one(self) -> Response:
        query = request.query_string.decode("utf-8", "replace")
        with self.admission.admitted():
            answer, g.predicted = self.slot.served.endpoint.answer_query(query), 1
        return Response(answer, mimetype=JSON)

    def predict_many(self) -> Response:
        if request.mimetype != JSON:
            raise UnsupportedMediaType
        with self.admission.admitted():
            answer, g.predicted = self.slot.served.endpoint.answer_body(_body())
        return Response(answer, mimetype=JSON)

    def model(self) -> Response:
        return json_answer(dict(self.slot.served.description))

    def livez(self) -> Response:
        return json_answer({"status": "alive"})

    def readyz(self) -> Response:
        # The model is loaded before the first worker starts: a worker that answers is ready.
        return json_answer({"status": "ready"})

    def metrics(self) -> Response:
        # Its library takes 25 ms to import, which the start of a worker need not wait for.
        from service.telemetry.prometheus import expose  # noqa: PLC0415

        description, accept = self.slot.served.description, request.headers.get("Accept", "")
        text, content_type = expose(self.meter.totals(), description, accept=accept)
        return Response(text, content_type=content_type)

    def count(self, response: Response) -> Response:
        # A known path with a wrong method has no rule; the meter knows the path all the same.
        route = request.path if request.url_rule is None else request.url_rule.rule
        duration_ns = perf_counter_ns() - request.environ[STARTED] if route == PATH else None
        predicted = g.get("predicted", 0)
        self.meter.count(route, response.status_code, predicted=predicted, duration_ns=duration_ns)
        return response


def _body() -> bytes:
    """Read the body of the request; 413 if it is too long, whether or not it said its length."""
    body = request.get_data(cache=False)
    if len(body) > most_body_bytes():
        abort(413)
    return body


def _add_headers(response: Response) -> Response:
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _note_time() -> None:
    """Note when a request came, unless the fast path did."""
    request.environ.setdefault(STARTED, perf_counter_ns())
