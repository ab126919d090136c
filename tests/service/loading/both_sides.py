"""The inspection on the host and the service must tell the same of a model."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from service.loading.model_file import load_model
from service.prediction.predictor import Predictor

if TYPE_CHECKING:
    from pathlib import Path


def check_both_sides(file: Path) -> Predictor:
    """Load the model; what the inspection tells of it on the host must be what the service tells.

    The host needs a newer Python than the service: on an older one, nothing is compared.
    """
    predictor = Predictor(load_model(file).model)
    if sys.version_info < (3, 11):
        return predictor
    from infer_cli.inspection import inspect_model  # noqa: PLC0415 (see above)

    inspection = inspect_model(file)
    assert inspection.kind == predictor.model.kind
    classes = predictor.classes or [[]]
    # The inspection tells no classes of a model with several outputs.
    has_lists = any(isinstance(label, list) for label in classes)
    assert inspection.classes == (None if has_lists else tuple(classes))
    assert inspection.features is not None
    assert [(one.name, one.type, one.required, one.nullable) for one in inspection.features] == [
        (feature.name, feature.type, feature.required, feature.nullable) for feature in predictor.features
    ]
    return predictor
