"""The inspection on the host and the service must tell the same of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection import inspect_model
from service.loading.model_file import load_model
from service.prediction.predictor import Predictor

if TYPE_CHECKING:
    from pathlib import Path


def check_both_sides(file: Path) -> Predictor:
    """Load the model; what the inspection tells of it on the host must be what the service tells."""
    inspection, predictor = inspect_model(file), Predictor(load_model(file).model)
    assert inspection.kind == predictor.model.kind
    assert inspection.classes == (None if predictor.classes is None else tuple(predictor.classes))
    assert inspection.features is not None
    assert [(one.name, one.type, one.required, one.nullable) for one in inspection.features] == [
        (feature.name, feature.type, feature.required, feature.nullable) for feature in predictor.features
    ]
    return predictor
