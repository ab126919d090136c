"""A span for each request, with the attributes of OpenTelemetry's conventions for HTTP servers.

It stands before the whole application, and only in a service that sends traces. No attribute holds a value of
a feature: the query and the body are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.access.access import HEALTH
from service.web.fast_path import ROWS

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from service.prediction.served_model import ModelSlot
    from service.tracing import Spans

# Whether the service is well is asked all the time, and no one looks for these requests.
UNTRACED = frozenset((*HEALTH, "/metrics"))
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})
_HEADERS = (("traceparent", "HTTP_TRACEPARENT"), ("tracestate", "HTTP_TRACESTATE"))
_LONGEST_PATH = 200


class Traced:
    """A WSGI application that makes a span for each request which `application` answers.

    `routes` are the paths that the service has besides those of wire formats.
    """

    def __init__(
        self, application: WSGIApplication, slot: ModelSlot, spans: Spans, routes: Container[str]
    ) -> None:
        self.application = application
        self._slot = slot
        self._spans = spans
        self._routes = routes

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request within a span. The request log finds the span in the header `traceparent`."""
        path = environ["PATH_INFO"]
        if path in UNTRACED:
            return self.application(environ, start_response)
        served = self._slot.served
        resource = served.resources.get(path)
        method = environ["REQUEST_METHOD"] if environ["REQUEST_METHOD"] in _METHODS else "_OTHER"
        attributes = {
            "http.request.method": method,
            "url.path": path[:_LONGEST_PATH],
            "url.scheme": environ["wsgi.url_scheme"],
            "infer.model.digest": served.digest,
        }
        name = "HTTP" if method == "_OTHER" else method
        if resource is not None:
            attributes["infer.protocol"] = resource.protocol
        if resource is not None or path in self._routes:
            route = attributes["http.route"] = path if resource is None else resource.route
            name = f"{name} {route}"
        given = {header: environ[key] for header, key in _HEADERS if key in environ}
        span = self._spans.start(name, given, attributes)
        environ["HTTP_TRACEPARENT"] = span.traceparent
        seen = 500

        def start(status: str, headers: list[tuple[str, str]], *more: object) -> Callable[[bytes], object]:
            nonlocal seen
            seen = int(status[:3])
            return start_response(status, headers, *more)  # type: ignore[arg-type]

        try:
            return self.application(environ, start)
        finally:
            span.end(seen, {"infer.rows": environ.get(ROWS, 0)})
