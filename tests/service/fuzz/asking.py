"""Sends a request through a WSGI application, without a server, as PEP 3333 says it."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from werkzeug.test import run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from tests.service.fuzz.requests import Request


class Answer(NamedTuple):
    """What came back."""

    status: int
    content_type: str
    body: bytes
    # The header that tells where the JSON part of tensors ends.
    length: str | None


def ask(app: WSGIApplication, request: Request) -> Answer:
    """Send a request; an exception of the application is not caught."""
    body, status, headers = run_wsgi_app(app, _environ(request), buffered=True)
    length = headers.get("Inference-Header-Content-Length")
    return Answer(int(status.split()[0]), headers.get("Content-Type", ""), b"".join(body), length)


def _environ(request: Request) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "5000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "127.0.0.1:5000",
        "CONTENT_TYPE": request.content_type,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        # The server ends the body where the client ended it.
        "wsgi.input_terminated": True,
    }
    if request.is_chunked:
        environ["HTTP_TRANSFER_ENCODING"] = "chunked"
    else:
        environ["CONTENT_LENGTH"] = str(len(request.body))
    headers = {
        "HTTP_ACCEPT": request.accept,
        "HTTP_CONTENT_ENCODING": request.encoding,
        "HTTP_INFERENCE_HEADER_CONTENT_LENGTH": request.length,
        request.deadline[0]: request.deadline[1],
    }
    return {**environ, **{name: value for name, value in headers.items() if value}}
