"""Requests and answers without HTTP's own parts: what a wire format reads, and what it gives.

A `Resource` is what stands at one path. The fast path and Flask both find it in `ServedModel.resources`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter_ns
from typing import TYPE_CHECKING, Callable, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

JSON = "application/json"
# The key of the environment under which a request has its record, if its values are logged: see `recording`.
RECORD = "infer.record"
# The key under which stands when the request came, in ns of perf_counter_ns.
STARTED = "infer.started"


class Asked:
    """A request: its query and headers, read from the environment of WSGI (PEP 3333), and its body."""

    __slots__ = ("_environ", "body")

    def __init__(self, environ: Mapping[str, object], body: bytes = b"") -> None:
        self._environ = environ
        self.body = body

    @property
    def query(self) -> str:
        """The part of the URL after `?`, still with its escapes."""
        return str(self._environ.get("QUERY_STRING", ""))

    @property
    def record(self) -> object:
        """The record of a request whose values are logged; None for any other request."""
        return self._environ.get(RECORD)

    @property
    def started_ns(self) -> int:
        """When the request came, by `perf_counter_ns`."""
        started = self._environ.get(STARTED)
        return started if isinstance(started, int) else perf_counter_ns()

    @property
    def content_type(self) -> str:
        """The media type of the body in lower case, without parameters; empty if the request names none."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        """Give the value of a header; empty if it is absent."""
        key = name.upper().replace("-", "_")
        return str(self._environ.get(key if key == "CONTENT_TYPE" else f"HTTP_{key}", ""))


class Answer(NamedTuple):
    """An answer with status 200; `rows` are the rows for which it holds predictions."""

    body: bytes
    rows: int = 0
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


Handler = Callable[[Asked], Answer]


@dataclass(frozen=True)
class Resource:
    """What stands at one path: what answers each of its methods, which are `GET` and `POST`.

    `route` is the path without names of models, for metrics, and `protocol` the wire format. A resource that
    `predicts` calls the model, so it takes an admission slot.
    """

    route: str
    protocol: str
    methods: Mapping[str, Handler] = field(compare=False)
    predicts: bool = False


def constant(route: str, protocol: str, answer: Answer) -> Resource:
    """Give a resource that answers each GET alike."""
    return Resource(route, protocol, {"GET": lambda _: answer})
