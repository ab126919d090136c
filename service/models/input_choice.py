"""Chooses what an estimator is given for rows: without pandas where that gives the same, as it is faster."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any, cast

from service.errors import UnusableFile
from service.models import model_input
from service.models.documents import dictionaries
from service.models.estimators import parts_of
from service.models.methods import METHODS
from service.models.model_input import ModelInput, used_numbers
from service.schema.column_types import Reading, takes_texts
from service.schema.entry import is_known, takes_dictionaries, takes_named_columns
from service.schema.parts import positions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from service.schema.features import Feature, Rows, Value
    from service.schema.parts import Part


def choose_input(estimator: object, reading: Reading, features: Sequence[Feature]) -> ModelInput:
    """Give what makes the estimator's input of rows.

    Raises `UnusableFile` where only a DataFrame will do, and there is no pandas.
    """
    is_mixed = model_input.uses_mixed_columns(features)
    if takes_texts(estimator):
        return ModelInput(model_input.strings)
    if takes_dictionaries(estimator):
        return dictionaries(features)
    if not takes_named_columns(estimator, [feature.name for feature in features]):
        return model_input.unnamed_table(features) if is_mixed else used_numbers(features)
    if is_mixed or reading.makes_frames:
        if not _has_pandas():
            reason = "takes named columns of several types, and there is no pandas"
            raise UnusableFile(reason, "Add pandas to the image")
        frame = model_input.mixed_frame(features)
        return frame if is_mixed else ModelInput(lambda rows: frame.make(_as_lists(rows)))
    if any(_may_use_names(part) for part in parts_of(estimator)) and _has_pandas():
        return model_input.named_table(features)
    for transformer in reading.column_transformers:
        _pick_by_position(transformer)
    return used_numbers(features)


def _as_lists(rows: Rows) -> list[list[Value]]:
    """Give the rows of an array as lists of values, None for NaN."""
    numbers = cast("np.ndarray[Any, np.dtype[np.float64]]", rows).tolist()
    return [[None if math.isnan(value) else value for value in row] for row in numbers]


def _has_pandas() -> bool:
    return importlib.util.find_spec("pandas") is not None


def _pick_by_position(transformer: Part) -> None:
    """Let a fitted column transformer pick columns of an array, which have no names."""
    transformer.transformers_ = [
        (
            name,
            part,
            positions_of(transformer, name)[0]
            if isinstance(columns, str)
            else positions_of(transformer, name),
        )
        for name, part, columns in transformer.transformers_
    ]


def _may_use_names(part: object) -> bool:
    """Tell whether a part is fitted code from outside scikit-learn, which may use the columns' names."""
    if hasattr(part, "fit"):
        return not type(part).__module__.startswith("sklearn.")
    # A class of the user's own around a model need not have what scikit-learn's have.
    return not is_known(part) and any(hasattr(part, name) for name in METHODS)
