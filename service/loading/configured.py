"""Loads the model that the settings name: for the application, and for the programs that serve nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.loading.declarations import declared_for
from service.loading.model_file import load_model
from service.schema.declared import FILE_NAME

if TYPE_CHECKING:
    from service.loading.model_file import LoadedModel
    from service.settings import Settings


def load_configured(settings: Settings, *, versions_must_match: bool = False) -> LoadedModel:
    """Load the model that the settings name, with what is declared of it; raise `ModelUnloadable`.

    A model of another version of scikit-learn is an error if `versions_must_match` or the settings say so.
    """
    file, kept = settings.model_file, settings.kept
    beside = file.parent / FILE_NAME if kept is None else kept.beside
    return load_model(
        file,
        settings.trusted,
        versions_must_match=versions_must_match or settings.version_mismatch == "error",
        declared=declared_for(beside, settings.model_schema, settings.optional_features),
        kept=None if kept is None else kept.model,
    )
