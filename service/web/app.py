"""The HTTP interface.

::

GET  /                     a page to try the model
GET  /prediction?NAME=1…   one prediction
POST /prediction           predictions for {"rows": [{…}, …]}, or for one object of features
GET  /model                what is served
GET  /openapi.json         this interface, described for programs
GET  /docs                 the same for people, and to try it
GET  /livez, /readyz       whether it works
GET  /metrics              counts and durations, for Prometheus

The paths of other wire formats stand in `service.protocols.interfaces`.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from http import HTTPStatus
from time import perf_counter_ns
from typing import TYPE_CHECKING

from flask import Flask, Response, g, render_template, request, send_from_directory
from werkzeug.exceptions import MethodNotAllowed, NotFound

from service.admission import Admission
from service.drift.families import families_of, family_of_classes
from service.prediction.deadlines import Deadlines, check, kept
from service.prediction.exchange import STARTED, Asked
from service.prediction.model_names import VERSION
from service.protocols.infer import PROTOCOL as OWN
from service.protocols.invocations import LINES
from service.protocols.open_inference.endpoint import PROTOCOL as STATISTICS
from service.protocols.open_inference.statistics import statistics
from service.telemetry.counters import Meter
from service.web.bodies import compress, compress_file, expected_bytes, read_body
from service.web.error_answers import allowed, json_answer, most_body_bytes, register_error_answers
from service.web.fast_path import HEADERS, ROWS, FastPath, headers_of
from service.web.model_changes import load_again, refused_model
from service.web.page import MODULES, fields_of, kind_with_article
from service.web.viewer import FILES, POLICY, viewer_folder

if TYPE_CHECKING:
    from service.prediction.exchange import Resource
    from service.prediction.served_model import ModelSlot

# The page needs its own script and style, and the service; nothing else may run or be reached.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)


def create_app(
    slot: ModelSlot,
    admission: Admission | None = None,
    *,
    max_body_bytes: int,
    request_seconds: float | None = None,
    tells_reasons: bool = True,
) -> tuple[Flask, Meter]:
    """Make the application that answers from the served model, and the meter that counts its requests.

    With `tells_reasons`, `/readyz` says why a model was refused that was to be served next.
    """
    admission = admission or Admission()
    deadlines = Deadlines(request_seconds)
    app = Flask("service.web")
    # One byte more than may be sent: by it, `read_body` sees that a body of unknown length is too long.
    app.config["MAX_CONTENT_LENGTH"] = max_body_bytes + 1
    register_error_answers(app, slot)
    views = _Views(slot, admission, deadlines, tells_reasons=tells_reasons)
    app.get("/")(views.page)
    app.get("/docs", strict_slashes=False)(views.docs)
    app.get("/docs/<file>")(views.docs_file)
    app.get("/model")(views.model)
    app.get("/livez")(views.livez)
    app.get("/readyz")(views.readyz)
    app.get("/metrics")(views.metrics)
    app.post("/v2/repository/models/<model>/load")(views.load)
    for path in ("", "/<model>", "/<model>/versions/<version>"):
        app.get(f"/v2/models{path}/stats", endpoint=f"statistics{path}")(views.statistics)
    own = [_route_of(rule.rule) for rule in app.url_map.iter_rules() if rule.endpoint != "static"]
    resources = slot.served.resources.values()
    protocols = {route: STATISTICS if route.startswith("/v2/") else OWN for route in own}
    protocols.update({resource.route: resource.protocol for resource in resources})
    predict_at = {resource.route for resource in resources if resource.predicts}
    views.meter = meter = Meter(protocols, admission, predict_at=predict_at)
    app.before_request(_note_time)
    app.before_request(views.resource)
    # Flask calls the last one first.
    app.after_request(views.count)
    app.after_request(partial(_add_headers, headers_of(slot)))
    fast_path = FastPath(app.wsgi_app, slot, admission, meter, deadlines, max_body_bytes=max_body_bytes)
    app.wsgi_app = fast_path  # type: ignore[method-assign]  # this is how Flask is wrapped
    return app, meter


class _Views:
    """The routes, each a method. Each reads the slot once, and so answers from one model."""

    meter: Meter

    def __init__(
        self, slot: ModelSlot, admission: Admission, deadlines: Deadlines, *, tells_reasons: bool
    ) -> None:
        self.slot = slot
        self.tells_reasons = tells_reasons
        self.admission = admission
        self.deadlines = deadlines

    def page(self) -> Response:
        # KServe's and Azure's probes ask here, too; a browser names text/html.
        if "text/html" not in request.headers.get("Accept", ""):
            alive = json_answer({"status": "alive", "model": self.slot.served.names.names[0]})
            alive.headers["Vary"] = "Accept"
            return alive
        served = self.slot.served
        text = render_template(
            "index.html",
            model=served.description,
            kind=kind_with_article(str(served.description["kind"])),
            fields=fields_of(served.features, served.usual),
            modules=MODULES,
        )
        response = Response(text)
        response.headers["Content-Security-Policy"] = PAGE_POLICY
        response.headers["Vary"] = "Accept"
        return response

    def docs(self) -> Response:
        if request.path.endswith("/"):
            # Relative, as the links of the page are: a proxy may put the service below a path.
            return Response(status=HTTPStatus.PERMANENT_REDIRECT, headers={"Location": "../docs"})
        response = Response(render_template("docs.html", model=self.slot.served.description))
        response.headers["Content-Security-Policy"] = POLICY
        return response

    def docs_file(self, file: str) -> Response:
        folder = viewer_folder()
        if folder is None or file not in FILES:
            raise NotFound
        # It asks again each time, and gets 304: another image may be served at this address tomorrow.
        return compress_file(send_from_directory(folder, file))

    def resource(self) -> Response | None:
        """Answer what a wire format answers at this path; None if it is the path of none."""
        resource = self.slot.served.resources.get(request.path)
        if resource is None:
            return None
        g.resource = resource
        if request.method == "OPTIONS":
            return Response(headers={"Allow": allowed(resource)})
        handler = resource.methods.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            raise MethodNotAllowed(allowed(resource).split(", "))
        body = b""
        memory = self.admission.memory
        deadline = self.deadlines.of(request.environ, request.environ[STARTED]) if resource.predicts else None
        with kept(deadline), memory.held():
            check()
            if request.method not in ("GET", "HEAD"):
                is_lines = request.mimetype == LINES
                memory.take_body(expected_bytes(most_body_bytes()), is_lines=is_lines, is_there=False)
                with self.admission.bodies.held(check):
                    body = read_body(most_body_bytes())
                memory.take_body(len(body), is_lines=is_lines)
                check()
            with self.admission.predictions.held(check) if resource.predicts else nullcontext():
                answer = handler(Asked(request.environ, body))
                g.predicted = answer.rows
        return compress(Response(answer.body, content_type=answer.content_type, headers=answer.headers))

    def model(self) -> Response:
        return json_answer(dict(self.slot.served.description))

    def statistics(self, model: str = "", version: str = VERSION) -> Response:
        names = self.slot.served.names
        model = model or names.names[0]
        if model not in names.names or version not in names.versions:
            raise NotFound
        totals = self.meter.totals()
        predicted = {status: 0 for _, status in totals.answers}
        for (route, status), count in totals.answers.items():
            predicted[status] += count if route in totals.predict_at else 0
        return json_answer(
            statistics(
                model,
                names.versions,
                succeeded=predicted.get(HTTPStatus.OK, 0),
                failed=sum(predicted.values()) - predicted.get(HTTPStatus.OK, 0),
                rows=totals.predicted,
                duration_s=totals.duration_s,
            )
        )

    def livez(self) -> Response:
        return json_answer({"status": "alive"})

    def readyz(self) -> Response:
        # The model is loaded before the first worker starts: a worker that answers is ready.
        return json_answer(
            {"status": "ready", **refused_model(self.meter.counters.record, tells_reasons=self.tells_reasons)}
        )

    def load(self, model: str) -> Response:
        names = self.slot.served.names
        if model not in names.names:
            raise NotFound
        return load_again(self.meter.counters.record, request.get_json(force=True, silent=True))

    def metrics(self) -> Response:
        # Its library takes 25 ms to import, which the start of a worker need not wait for.
        from service.telemetry.prometheus import expose  # noqa: PLC0415

        served, accept = self.slot.served, request.headers.get("Accept", "")
        inputs, answers = served.predictor.inputs, served.predictor.answers
        further = [] if answers is None else [family_of_classes(answers)]
        further += [] if inputs is None else families_of(inputs)
        text, content_type = expose(self.meter.totals(), served.description, further, accept=accept)
        return Response(text, content_type=content_type)

    def count(self, response: Response) -> Response:
        resource: Resource | None = g.get("resource")
        # A known path with a wrong method has no rule; the meter knows the path all the same.
        rule = request.path if request.url_rule is None else request.url_rule.rule
        route = _route_of(rule) if resource is None else resource.route
        predicts = resource is not None and resource.predicts
        duration_ns = perf_counter_ns() - request.environ[STARTED] if predicts else None
        predicted = request.environ[ROWS] = g.get("predicted", 0)
        if predicts and "refused" in g:
            self.meter.refused(g.refused)
        self.meter.count(route, response.status_code, predicted=predicted, duration_ns=duration_ns)
        return response


def _route_of(rule: str) -> str:
    """Write a rule of Flask as wire formats write their routes."""
    return rule.replace("<", "{").replace(">", "}")


def _add_headers(of_predictions: tuple[tuple[str, str], ...], response: Response) -> Response:
    resource: Resource | None = g.get("resource")
    for name, value in of_predictions if resource is not None and resource.predicts else HEADERS:
        response.headers.setdefault(name, value)
    return compress_file(response) if request.endpoint == "static" else response


def _note_time() -> None:
    """Note when a request came, unless the fast path did."""
    request.environ.setdefault(STARTED, perf_counter_ns())
