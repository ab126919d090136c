"""Composes the application: settings in, a WSGI application out."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from service import __version__
from service.access.access import Access
from service.access.hosts import ANY, HostCheck
from service.access.origins import Origins
from service.access.tokens import TokenFile
from service.admission import Admission, Memory
from service.drift.input_counts import InputCounts
from service.loading.configured import load_configured
from service.logs import LOGGER
from service.prediction.model_names import ModelNames
from service.prediction.predictor import Predictor, numbers_of_answer
from service.prediction.served_model import ModelSlot, ServedModel
from service.protocols.description import describe
from service.protocols.infer import InferEndpoint
from service.protocols.interfaces import USUAL, Interface, make_resources
from service.protocols.openapi import PATH as OPENAPI
from service.protocols.openapi import OpenApi
from service.schema.row_limit import MOST_ROWS, RowLimit
from service.schema.usual import UsualValues
from service.web.app import create_app
from service.web.draining import Closing, Draining
from service.web.gate import Gate
from service.web.request_log import RequestLog
from service.web.traced import Traced

if TYPE_CHECKING:
    from collections.abc import Mapping

    from _typeshed.wsgi import WSGIApplication

    from service.json_values import JsonValue
    from service.loading.model_file import LoadedModel
    from service.settings import Settings
    from service.telemetry.counters import Meter
    from service.tracing import Spans


@dataclass(frozen=True)
class Application:
    """What a worker serves: the WSGI application, the slot of its model, and what counts its requests.

    When the worker is to end, `draining` takes the place of `wsgi`, or `closing` if another worker has taken
    this one's place. `facts` tell the model from another one, in JSON's types.
    """

    wsgi: WSGIApplication
    slot: ModelSlot
    meter: Meter
    draining: WSGIApplication
    closing: WSGIApplication
    admission: Admission
    facts: Mapping[str, JsonValue]


def make_served_model(
    loaded: LoadedModel,
    interface: Interface = USUAL,
    *,
    refuses_unknown: bool = False,
    counts_inputs: bool = False,
    max_rows: int = MOST_ROWS,
    memory: Memory | None = None,
) -> ServedModel:
    """Make everything that answers requests from a loaded model, in all wire formats.

    With `refuses_unknown`, a category that the model does not know is an error where the model takes it. With
    `counts_inputs`, the values of rows are counted, to compare them with the training data. A request may
    have `max_rows` rows, and `memory` is what requests may take.
    """
    usual = UsualValues(loaded.declared, loaded.model.usual)
    inputs = InputCounts(loaded.model.features, usual) if counts_inputs else None
    admit = None
    if memory is not None and memory.total is not None:
        admit = partial(memory.take_answer, numbers_of_answer(loaded.model))
    predictor = Predictor(
        loaded.model,
        refuses_unknown=refuses_unknown,
        inputs=inputs,
        limit=RowLimit(max_rows),
        admit=admit,
    )
    endpoint = InferEndpoint(predictor)
    names = ModelNames.of(interface.model_names, loaded.file.name, loaded.digest)
    description = describe(loaded, predictor.features)
    resources = make_resources(endpoint, predictor, names, interface, usual)
    document = OpenApi(
        predictor, names, description, usual, interface.version, asks_token=interface.asks_token
    )
    return ServedModel(
        predictor=predictor,
        endpoint=endpoint,
        description=description,
        features=predictor.features,
        digest=loaded.digest,
        usual=usual,
        names=names,
        resources={**resources, OPENAPI: document.resource()},
    )


# Kept, so that a worker that is forked finds the application of its parent, model included, in the memory
# that they share. A worker that is spawned builds its own.
@lru_cache(maxsize=1)
def build_application(settings: Settings) -> Application:
    """Load the model and make the application.

    Raise `ModelUnloadable` if that cannot be done, and `WrongSettings` for a file of tokens that is wrong.
    """
    access = make_access(settings)
    loaded = load_configured(settings)
    memory = Memory.beside_the_model(settings.memory_bytes, settings.workers or 1)
    most_body_bytes = memory.most_body_bytes(settings.max_body_bytes)
    if most_body_bytes < settings.max_body_bytes:
        LOGGER.info(
            "bodies may have %d bytes, and not %d: the service may use %d MB of memory",
            *(most_body_bytes, settings.max_body_bytes, (settings.memory_bytes or 0) // 2**20),
        )
    interface = Interface(
        model_names=settings.model_names,
        predict_route=settings.predict_route,
        health_route=settings.health_route,
        max_body_bytes=most_body_bytes,
        version=__version__,
        records=settings.log_inputs > 0,
        asks_token=settings.tokens_file is not None,
    )
    refuses_unknown = settings.unknown_categories == "error"
    served = make_served_model(
        loaded,
        interface,
        refuses_unknown=refuses_unknown,
        counts_inputs=settings.drift,
        max_rows=settings.max_rows or MOST_ROWS,
        memory=memory,
    )
    slot = ModelSlot(served)
    admission = Admission(memory=memory)
    app, meter = create_app(
        slot,
        admission,
        max_body_bytes=most_body_bytes,
        request_seconds=settings.request_seconds,
        tells_reasons=settings.tokens_file is None,
    )
    wsgi: WSGIApplication = Gate(app.wsgi_app, access, slot, meter)
    if settings.request_log or settings.log_inputs:
        wsgi = RequestLog(wsgi, slot, share=settings.log_inputs, only_inputs=not settings.request_log)
    return Application(
        wsgi,
        slot,
        meter,
        draining=Draining(wsgi, settings.health_route),
        closing=Closing(wsgi),
        admission=admission,
        facts=_facts_of(loaded, served),
    )


def with_spans(application: Application, spans: Spans) -> Application:
    """Give the application with a span for each request."""

    def traced(wsgi: WSGIApplication) -> WSGIApplication:
        return Traced(wsgi, application.slot, spans, application.meter.routes)

    return replace(
        application,
        wsgi=traced(application.wsgi),
        draining=traced(application.draining),
        closing=traced(application.closing),
    )


def _facts_of(loaded: LoadedModel, served: ServedModel) -> dict[str, JsonValue]:
    return {
        "digest": served.digest,
        "kind": served.predictor.model.kind,
        "inputs": [[one.name, one.type, one.required] for one in served.features],
        # What is declared of a model changes its answers as well.
        "declared": zlib.crc32(repr(loaded.declared).encode("utf-8", "replace")),
    }


def make_access(settings: Settings) -> Access:
    """Make the checks of who may ask."""
    is_any = not settings.allowed_hosts or ANY in settings.allowed_hosts
    hosts = None if is_any else HostCheck(settings.allowed_hosts)
    return Access(
        hosts=hosts,
        tokens=TokenFile(settings.tokens_file) if settings.tokens_file is not None else None,
        origins=Origins(settings.cors_origins) if settings.cors_origins else None,
        health_route=settings.health_route,
        predict_route=settings.predict_route,
    )
