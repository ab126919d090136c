"""The model's own answers to rows of X, as columns beside them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.values import items_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_PREDICTION = "prediction"
_PROBABILITY = "probability_"


def ask(model: Any, given: Any) -> dict[str, list[object]]:  # noqa: ANN401 (any library's)
    """Give the answers of a model, by the column that they belong in.

    A model without `predict`, or with several outputs, gives none. Raises `SaveFailed` if it refuses X.
    """
    try:
        return _ask(model, given)
    except Exception as error:
        message = f"the model does not answer rows of X: {type(error).__name__}: {error}"
        raise SaveFailed(message, hint="give X as it was given to fit") from error


def _ask(model: Any, given: Any) -> dict[str, list[object]]:  # noqa: ANN401 (any library's)
    if not callable(getattr(model, "predict", None)):
        return {}
    predictions = items_of(model.predict(given))
    if predictions and isinstance(predictions[0], list):
        if any(len(row) != 1 for row in predictions if isinstance(row, list)):
            return {}
        predictions = [row[0] for row in predictions if isinstance(row, list)]
    answers: dict[str, list[object]] = {_PREDICTION: predictions}
    # Some classes have the method only for some of their parameters.
    probabilities = getattr(model, "predict_proba", None)
    classes = getattr(model, "classes_", None)
    if callable(probabilities) and classes is not None:
        rows = items_of(probabilities(given))
        for at, label in enumerate(items_of(classes)):
            answers[f"{_PROBABILITY}{label}"] = [row[at] for row in rows if isinstance(row, list)]
    return answers


def can_hold_answers(names: Sequence[str]) -> bool:
    """Tell whether no column of X is called as an answer is."""
    return not any(name == _PREDICTION or name.startswith(_PROBABILITY) for name in names)


def is_finite(row: dict[str, object]) -> bool:
    """Tell whether JSON has every value of the row."""
    return not any(isinstance(value, float) and not math.isfinite(value) for value in row.values())
