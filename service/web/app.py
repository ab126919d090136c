"""The HTTP interface: routes, and every error as JSON of one shape.

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

from flask import Flask, Response, abort, current_app, g, render_template, request
from werkzeug.exceptions import UnsupportedMediaType

from service.admission import Places
from service.protocols.description import describe
from service.protocols.infer import JSON, PATH, Endpoint
from service.telemetry.counters import Meter
from service.web.error_answers import json_answer, most_body_bytes, register_error_answers
from service.web.fast_path import STARTED, HotPath
from service.web.page import fields_of

if TYPE_CHECKING:
    from service.prediction.predictor import Predictor
    from service.settings import Settings

# The page needs its own script and style, and the service; nothing else may run or be reached.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'"
)


def create_app(predictor: Predictor, settings: Settings) -> Flask:
    """Make the application that answers with the predictions of one model."""
    endpoint, places = Endpoint(predictor), Places()
    app = Flask("service.web")
    # One byte more than may be sent: that byte is how `_body` sees a body of unknown length that is too long.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes + 1
    app.extensions["predictor"] = predictor
    views = _Views(endpoint, places)
    app.get("/")(views.page)
    app.get("/prediction")(views.predict_one)
    app.post("/prediction")(views.predict_many)
    app.get("/model")(views.model)
    app.get("/livez")(views.livez)
    app.get("/readyz")(views.readyz)
    app.get("/metrics")(views.metrics)
    app.before_request(_note_time)
    app.after_request(_count)
    app.after_request(_add_headers)
    register_error_answers(app)
    routes = (rule.rule for rule in app.url_map.iter_rules() if rule.endpoint != "static")
    meter = Meter(routes, places, predicts_at=PATH)
    app.extensions["meter"] = meter
    hot = HotPath(app.wsgi_app, endpoint, places, meter, max_body_bytes=settings.max_body_bytes)
    app.wsgi_app = hot  # type: ignore[method-assign]  # this is how Flask is wrapped
    return app


class _Views:
    """The routes, each a method, over the endpoint that they share."""

    def __init__(self, endpoint: Endpoint, places: Places) -> None:
        self.endpoint = endpoint
        self.places = places
        self.description = describe(endpoint.predictor)
        self.fields = fields_of(endpoint.features)

    def page(self) -> Response:
        response = Response(render_template("index.html", model=self.description, fields=self.fields))
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response

    def predict_one(self) -> Response:
        query = request.query_string.decode("utf-8", "replace")
        with self.places.waited_for():
            answer, g.predicted = self.endpoint.answer_query(query), 1
        return Response(answer, mimetype=JSON)

    def predict_many(self) -> Response:
        if request.mimetype != JSON:
            raise UnsupportedMediaType
        with self.places.waited_for():
            answer, g.predicted = self.endpoint.answer_body(_body())
        return Response(answer, mimetype=JSON)

    def model(self) -> Response:
        return json_answer(self.description)

    def livez(self) -> Response:
        return json_answer({"status": "alive"})

    def readyz(self) -> Response:
        # The model is loaded before the first worker starts, so whoever can answer is ready.
        return json_answer({"status": "ready"})

    def metrics(self) -> Response:
        # What writes it takes some time to import, which the start of a worker need not wait for.
        from service.telemetry.prometheus import expose  # noqa: PLC0415

        totals = current_app.extensions["meter"].totals()
        text, content_type = expose(totals, self.description, accept=request.headers.get("Accept", ""))
        return Response(text, content_type=content_type)


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
    """Note when a request came that was not on the short way before."""
    request.environ.setdefault(STARTED, perf_counter_ns())


def _count(response: Response) -> Response:
    # A path that takes another method has no rule, and is one of ours all the same; any other has no name.
    route = request.path if request.url_rule is None else request.url_rule.rule
    duration_ns = perf_counter_ns() - request.environ[STARTED] if route == PATH else None
    meter: Meter = current_app.extensions["meter"]
    meter.count(route, response.status_code, predicted=g.get("predicted", 0), duration_ns=duration_ns)
    return response
