"""Builds the one application that the server serves."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from service.loading.model_file import load_model
from service.prediction.predictor import Predictor
from service.web.app import create_app

if TYPE_CHECKING:
    from flask import Flask

    from service.settings import Settings


# Kept, so that a worker that is forked finds the application of its parent, model included, in the memory
# that they share. A worker that starts afresh builds its own.
@lru_cache(maxsize=1)
def build_app(settings: Settings) -> Flask:
    """Load the model and make the application; raise `ModelUnloadable` if that cannot be done."""
    model = load_model(
        settings.model_file,
        settings.trusted,
        versions_must_match=settings.version_mismatch == "error",
    )
    return create_app(Predictor(model), settings)
