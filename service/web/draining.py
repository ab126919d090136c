"""What a worker answers from the moment that it is to end: all requests, each the last of its connection.

`Draining` is for a service that stops, and `Closing` for a worker in whose place there is another one.

A connection that is kept open could be closed just when its client sends the next request, which then has no
answer. So every answer says that the connection ends with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.json_values import encode
from service.prediction.exchange import JSON
from service.web.fast_path import HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# Paths that tell readiness: of this service, of Open Inference, and of SageMaker.
READY_PATHS = frozenset({"/readyz", "/v2/health/ready", "/ping"})
_LAST = ("Connection", "close")


class Closing:
    """A WSGI application before another one: it closes each connection that it answers."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""

        def start(status: str, headers: list[tuple[str, str]], *more: object) -> object:
            return start_response(status, [*headers, _LAST], *more)  # type: ignore[arg-type]  # as it came

        return self.application(environ, start)  # type: ignore[arg-type]  # it does what the other does


class Draining:
    """A WSGI application before another one: it is not ready, and closes each connection that it answers."""

    def __init__(self, application: WSGIApplication, health_route: str) -> None:
        self._closing = Closing(application)
        self._ready_paths = READY_PATHS | {health_route}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if environ["PATH_INFO"] in self._ready_paths:
            body = encode({"status": "stopping"})
            length = ("Content-Length", str(len(body)))
            start_response("503 Service Unavailable", [("Content-Type", JSON), *HEADERS, _LAST, length])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
        return self._closing(environ, start_response)
