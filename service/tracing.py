"""Spans for OpenTelemetry: the only importer of its packages, which are in images built with `--tracing`.

Its own environment variables say where spans go, and of which requests there are any. Spans wait in a queue
of bounded length, and a thread of each worker sends them. No request waits for it: what the queue has no room
for is dropped.
"""

from __future__ import annotations

import importlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Callable

from service.logs import LOGGER

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Union

    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span, Tracer

    Attributes = Mapping[str, Union[str, int]]

_EXPORTER = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_NO_PACKAGES = (
    "no traces are sent, although OTEL_… variables ask for them: this image has no OpenTelemetry. Build one "
    "that has: infer build --tracing MODEL (or start with infer serve --tracing MODEL)"
)
_NO_EGRESS = (
    "no traces are sent, although OTEL_… variables ask for them: the service may not make connections. Start "
    "it with --egress (EGRESS=1)"
)
# Half of what the server gives a worker to end.
_DRAIN_S = 2.0
# Of an exporter that fails for days, one line a minute says so.
_SILENCE_S = 60.0
_SERVER_ERROR = 500


def can_trace(*, egress: bool) -> bool:
    """Import the packages, so that workers share their memory; say in the log why no traces can be sent."""
    try:
        importlib.import_module(_EXPORTER)
        importlib.import_module("opentelemetry.sdk.trace.export")
    except ImportError:
        LOGGER.warning(_NO_PACKAGES)
        return False
    if not egress:
        LOGGER.warning(_NO_EGRESS)
    return egress


class RequestSpan:
    """The span of one request. `traceparent` names it as W3C's header does."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: Span) -> None:
        self._span = span
        context = span.get_span_context()
        flags = int(context.trace_flags)
        self.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags:02x}"

    def end(self, status: int, attributes: Attributes) -> None:
        """End the span with the status of the answer, and what is known by now."""
        from opentelemetry.trace import StatusCode  # noqa: PLC0415 (only images with tracing have it)

        if self._span.is_recording():
            self._span.set_attributes({"http.response.status_code": status, **attributes})
            if status >= _SERVER_ERROR:
                self._span.set_attribute("error.type", str(status))
                self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Spans:
    """Starts a span for each request, as the child of the span that the request names."""

    def __init__(self, tracer: Tracer) -> None:
        # Only images with tracing have these packages.
        from opentelemetry.context import Context  # noqa: PLC0415
        from opentelemetry.trace import SpanKind  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._tracer = tracer
        self._kind = SpanKind.SERVER
        self._nothing = Context()
        self._propagator = TraceContextTextMapPropagator()

    def start(self, name: str, headers: Mapping[str, str], attributes: Attributes) -> RequestSpan:
        """Start a span; `headers` may hold `traceparent` and `tracestate`, which are ignored if wrong."""
        context = self._propagator.extract(headers, self._nothing) if headers else self._nothing
        return RequestSpan(
            self._tracer.start_span(name, context=context, kind=self._kind, attributes=attributes)
        )


def open_spans(service_name: str, environment: Mapping[str, str]) -> tuple[Spans, Callable[[], None]] | None:
    """Start sending spans from this process; also give what sends the last ones, which takes 2 s at most.

    `service_name` is the name if the variables give none. Gives None, with a line in the log, if what the
    variables say cannot be used.
    """
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    logger = logging.getLogger("opentelemetry")
    logger.handlers, logger.propagate = [_OneLine()], False
    named = environment.get("OTEL_SERVICE_NAME") or "service.name=" in environment.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    try:
        resource = Resource.create({} if named else {"service.name": service_name})
        provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except Exception as error:  # noqa: BLE001 (predictions do not depend on traces)
        LOGGER.warning("no traces are sent: a variable OTEL_… cannot be used: %s", error)
        return None
    return Spans(provider.get_tracer("infer")), lambda: _close(provider)


def _close(provider: TracerProvider) -> None:
    """Send what waits, for as long as the end of a worker may take; a collector may hang."""
    closing = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
    closing.start()
    closing.join(_DRAIN_S)


class _OneLine(logging.Handler):
    """Writes a problem of the exporter as one line of the log of the service, at most one a minute."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._silent_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Write the event, or nothing if another one was written a moment ago."""
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _SILENCE_S
            first_line = record.getMessage().partition("\n")[0]
            LOGGER.warning("traces, not requests, have a problem: %s", first_line)
