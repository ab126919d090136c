"""Bodies that are compressed: of requests, within a limit, and of answers for clients that ask for it."""

from __future__ import annotations

import gzip
import zlib
from http import HTTPStatus
from time import perf_counter_ns
from typing import TYPE_CHECKING

from flask import Response, abort, request

from service.admission import SHORT_BODY_GRACE_S
from service.errors import IncompleteBody, InvalidInput, WrongContentType
from service.prediction.exchange import STARTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed.wsgi import WSGIEnvironment

# `deflate` means the format of zlib (RFC 9110); 16 lets zlib expect the head of gzip.
_WINDOWS = {"gzip": zlib.MAX_WBITS + 16, "x-gzip": zlib.MAX_WBITS + 16, "deflate": zlib.MAX_WBITS}
_CHUNK = 65_536
# A name with blanks around it.
LONGEST_WAY = 12
# A level that is fast: an answer is compressed while its client waits.
_LEVEL = 1


def expected_bytes(most_bytes: int) -> int:
    """Give how long the body of the request will be, at most: it may not say so, or be compressed."""
    length = request.content_length
    if length is None or "Content-Encoding" in request.headers:
        return most_bytes
    return min(length, most_bytes)


def read_body(most_bytes: int) -> bytes:
    """Read the body of the request, unpacked; 413 if it is too long, whether or not it said its length."""
    body = request.get_data(cache=False)
    if len(body) > most_bytes:
        abort(413)
    # The server ends a body that does not come any more without a word.
    if len(body) < (request.content_length or 0):
        taken_s = (perf_counter_ns() - request.environ[STARTED]) / 1e9
        raise IncompleteBody(is_late=taken_s > SHORT_BODY_GRACE_S)
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in _WINDOWS:
        raise WrongContentType(f"A body can be compressed by gzip or deflate, and not by {encoding[:80]}.")
    size, parts = 0, []
    for part in _unpacked(body, _WINDOWS[encoding]):
        size += len(part)
        if size > most_bytes:
            abort(413)
        parts.append(part)
    return b"".join(parts)


def is_to_compress(environ: WSGIEnvironment) -> bool:
    """Tell whether a client accepts exactly one of gzip and deflate, and nothing else."""
    header = environ.get("HTTP_ACCEPT_ENCODING", "")
    # Nearly all clients send nothing, or a list that is longer than one name.
    return 0 < len(header) < LONGEST_WAY and accepted_way(header) is not None


def accepted_way(header: str) -> str | None:
    """Give the one way to compress in `Accept-Encoding`; None if there are several, or others."""
    name = header.strip().lower()
    return name if name in ("gzip", "deflate") else None


def compress(response: Response) -> Response:
    """Compress an answer for a client that accepts exactly one of gzip and deflate.

    HTTP libraries accept both by themselves, and compressing takes longer than most predictions.
    """
    accepted = accepted_way(request.headers.get("Accept-Encoding", ""))
    return response if accepted is None else _packed(response, accepted)


def compress_file(response: Response) -> Response:
    """Compress a file that is worth it for any client that accepts gzip, as every browser does."""
    response.headers["Vary"] = "Accept-Encoding"
    if response.status_code != HTTPStatus.OK or not request.accept_encodings["gzip"]:
        return response
    response.direct_passthrough = False
    # The same file, in other bytes.
    response.set_etag(response.get_etag()[0] or "", weak=True)
    return _packed(response, "gzip")


def _packed(response: Response, way: str) -> Response:
    data = response.get_data()
    # A file, which the new data take the place of.
    response.close()
    response.set_data(gzip.compress(data, _LEVEL, mtime=0) if way == "gzip" else zlib.compress(data, _LEVEL))
    response.headers["Content-Encoding"] = way
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _unpacked(body: bytes, window: int) -> Iterator[bytes]:
    """Give a body in parts that are not long, however far it expands."""
    unpacker = zlib.decompressobj(window)
    try:
        rest = body
        while rest and not unpacker.eof:
            yield unpacker.decompress(rest, _CHUNK)
            rest = unpacker.unconsumed_tail
        # What is left is more than the window of zlib held back.
        yield unpacker.flush()
    except zlib.error as error:
        raise InvalidInput(f"The body cannot be unpacked: {error}") from None
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidInput("The body cannot be unpacked: it is not complete, or something follows it")
