"""Composes the application: settings in, a WSGI application out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from service.loading.configured import load_configured
from service.prediction.predictor import Predictor
from service.prediction.served_model import ModelSlot, ServedModel
from service.protocols.description import describe
from service.protocols.infer import InferEndpoint
from service.web.app import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from service.loading.model_file import LoadedModel
    from service.settings import Settings
    from service.telemetry.counters import Meter


@dataclass(frozen=True)
class Application:
    """What a worker serves: the WSGI application, the slot of its model, and what counts its requests."""

    wsgi: WSGIApplication
    slot: ModelSlot
    meter: Meter


def make_served_model(loaded: LoadedModel, *, refuses_unknown: bool = False) -> ServedModel:
    """Make everything that answers requests from a loaded model.

    With `refuses_unknown`, a category that the model does not know is an error where the model takes it.
    """
    predictor = Predictor(loaded.model, refuses_unknown=refuses_unknown)
    return ServedModel(
        predictor=predictor,
        endpoint=InferEndpoint(predictor),
        description=describe(loaded, predictor.features),
        features=predictor.features,
        digest=loaded.digest,
        declared=loaded.declared,
    )


# Kept, so that a worker that is forked finds the application of its parent, model included, in the memory
# that they share. A worker that is spawned builds its own.
@lru_cache(maxsize=1)
def build_application(settings: Settings) -> Application:
    """Load the model and make the application; raise `ModelUnloadable` if that cannot be done."""
    loaded = load_configured(settings)
    slot = ModelSlot(make_served_model(loaded, refuses_unknown=settings.unknown_categories == "error"))
    app, meter = create_app(slot, max_body_bytes=settings.max_body_bytes)
    return Application(app.wsgi_app, slot, meter)
