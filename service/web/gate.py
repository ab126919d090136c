"""The gate before the whole application: it answers what is not let in, and passes on all else."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from service.access.access import ADMINISTRATION
from service.json_values import encode
from service.prediction.exchange import JSON
from service.protocols.error_forms import error_json, protocol_at
from service.web.error_answers import allowed, note_refusal
from service.web.fast_path import HEADERS
from service.web.viewer import POLICY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from service.access.access import Access
    from service.access.origins import Headers, Origins
    from service.access.refusals import Refusal
    from service.prediction.served_model import ModelSlot
    from service.telemetry.counters import Meter

_LOOPBACK = ("127.0.0.1", "::1")
# Who relays a request says so by one of these, and a page of any site by the last one.
_FROM_ELSEWHERE = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA", "HTTP_ORIGIN")


class Gate:
    """A WSGI application that passes those requests on to `application` which `access` lets in."""

    def __init__(self, application: WSGIApplication, access: Access, slot: ModelSlot, meter: Meter) -> None:
        self.application = application
        self._origins = access.origins
        self._access = access
        self._slot = slot
        self._meter = meter

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, or refuse it in the form of its wire format."""
        path = environ["PATH_INFO"]
        is_preflight = False
        if self._origins is not None:
            origin = environ.get("HTTP_ORIGIN", "")
            is_preflight = _is_preflight(environ) and self._origins.allows(origin)
            start_response = _adding(self._origins.headers(origin), start_response)
        refusal = self._access.refusal(
            path,
            host=environ.get("HTTP_HOST", ""),
            authorization=environ.get("HTTP_AUTHORIZATION", ""),
            is_inside=path.startswith(ADMINISTRATION) and _is_inside(environ),
            is_preflight=is_preflight,
        )
        if refusal is not None:
            return self._refuse(refusal, path, environ, start_response)
        if is_preflight and self._origins is not None:
            return self._answer_preflight(self._origins, path, environ, start_response)
        return self.application(environ, start_response)

    def _answer_preflight(
        self, origins: Origins, path: str, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        """Tell a browser what a page may send here, before it sends it."""
        resource = self._slot.served.resources.get(path)
        headers = origins.preflight(
            "GET, HEAD, OPTIONS" if resource is None else allowed(resource),
            headers=environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", ""),
            is_private=environ.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true",
        )
        self._meter.count(path if resource is None else resource.route, HTTPStatus.NO_CONTENT)
        start_response("204 No Content", [*HEADERS, *headers])
        return []

    def _refuse(
        self, refusal: Refusal, path: str, environ: WSGIEnvironment, start_response: StartResponse
    ) -> list[bytes]:
        method = environ["REQUEST_METHOD"]
        resource = self._slot.served.resources.get(path)
        note_refusal(method, path, refusal.message)
        self._meter.count(path if resource is None else resource.route, refusal.status)
        if resource is not None and resource.predicts:
            self._meter.refused([refusal.code])
        headers = [*HEADERS, *refusal.headers]
        if refusal.status == HTTPStatus.UNAUTHORIZED and _is_browser(method, path, environ):
            body = _token_page()
            headers += [("Content-Type", "text/html; charset=utf-8"), ("Content-Security-Policy", POLICY)]
        else:
            body = encode(error_json(protocol_at(path, resource), refusal.code, refusal.message))
            headers.append(("Content-Type", JSON))
        status = f"{refusal.status} {HTTPStatus(refusal.status).phrase}"
        start_response(status, [*headers, ("Content-Length", str(len(body)))])
        return [] if method == "HEAD" else [body]


def _is_preflight(environ: WSGIEnvironment) -> bool:
    return environ["REQUEST_METHOD"] == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in environ


def _adding(added: Headers, start_response: StartResponse) -> StartResponse:
    """Let an answer bear further headers."""

    def start(status: str, headers: list[tuple[str, str]], *more: object) -> Callable[[bytes], object]:
        return start_response(status, [*headers, *added], *more)  # type: ignore[arg-type]

    return start


def _is_inside(environ: WSGIEnvironment) -> bool:
    """Tell whether a request comes from the container itself, or for `infer serve` from this machine."""
    return environ.get("REMOTE_ADDR") in _LOOPBACK and not any(name in environ for name in _FROM_ELSEWHERE)


def _is_browser(method: str, path: str, environ: WSGIEnvironment) -> bool:
    """Tell whether a person opens a page; the page for tokens names its script by a relative path."""
    return method == "GET" and path.count("/") == 1 and "text/html" in environ.get("HTTP_ACCEPT", "")


@lru_cache(maxsize=1)
def _token_page() -> bytes:
    return (Path(__file__).parent / "templates" / "token.html").read_bytes()
