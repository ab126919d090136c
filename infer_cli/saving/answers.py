"""The model's own answers to rows of X, as columns beside them.

They are what `infer predict` writes of the same rows: `service/models/methods.py` chooses among the methods
of a model, `service/protocols/answers.py` names the classes, and `infer_cli/client/answer_columns.py` the
columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.raw_boosters import as_taken, gives_probabilities
from infer_cli.saving.values import answer_value, items_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

# The first of these that a model has answers rows.
METHODS = ("predict", "transform", "kneighbors", "score_samples", "mahalanobis")
# A service answers rows of sparse tables with more columns without their zeros.
_DENSE_COLUMNS_MAX = 10_000
_PREDICTION = "prediction"
_PROBABILITY = "probability_"
_PROBABILITIES = "probabilities"


def check_model(model: object) -> None:
    """Raise `SaveFailed` for an object that answers no rows."""
    if isinstance(model, type):
        message = f"{model.__name__} is a class, and no fitted model"
        raise SaveFailed(message, hint=f"make one of it, and fit it: {model.__name__}().fit(X, y)")
    if any(hasattr(model, name) for name in METHODS):
        return
    kind = type(model).__name__
    message = f"the {kind} is no model that answers rows: it has none of the methods {', '.join(METHODS)}"
    hint = "save a fitted model that has one of them"
    if isinstance(model, dict):
        held = [key for key, value in model.items() if any(hasattr(value, name) for name in METHODS)]
        hint = f"save what it holds: model[{held[0]!r}]" if len(held) == 1 else hint
    raise SaveFailed(message, hint=hint)


def ask(model: Any, given: Any) -> dict[str, list[object]]:  # noqa: ANN401 (any library's)
    """Give the answers of a model in JSON's types, by the usual name of their column.

    Raises `SaveFailed` if the model refuses X.
    """
    try:
        return _ask(model, given)
    except Exception as error:
        message = f"the model does not answer rows of X: {type(error).__name__}: {error}"
        raise SaveFailed(message, hint="give a fitted model, and X as it was given to fit") from error


def _ask(model: Any, given: Any) -> dict[str, list[object]]:  # noqa: ANN401 (any library's)
    given = as_taken(model, given)
    method = next((name for name in METHODS if callable(getattr(model, name, None))), None)
    if method is None:
        return {}
    values = getattr(model, method)(given)
    # The neighbours of a row are told by their distances and their positions.
    values = _dense(values[1] if method == "kneighbors" else values)
    if values is None:
        return {}
    rows = _rows_of(values)
    if gives_probabilities(model):
        return _shares_of(rows)
    answers: dict[str, list[object]] = {_PREDICTION: rows}
    # Some classes have the method only for some of their parameters.
    probabilities = getattr(model, "predict_proba", None)
    classes = getattr(model, "classes_", None)
    if method == "predict" and callable(probabilities) and classes is not None:
        answers |= _probabilities(probabilities(given), classes)
    return answers


def _dense(values: Any) -> Any:  # noqa: ANN401 (any library's)
    if not hasattr(values, "toarray"):
        return values
    return None if values.shape[1] > _DENSE_COLUMNS_MAX else values.toarray()


def _rows_of(values: Any) -> list[object]:  # noqa: ANN401 (any library's)
    """List an array or a DataFrame by its rows."""
    values = values.to_numpy() if hasattr(values, "columns") else values
    return [answer_value(value) for value in items_of(values)]


def _probabilities(shares: Any, classes: Any) -> dict[str, list[object]]:  # noqa: ANN401 (any library's)
    labels = items_of(classes)
    if isinstance(shares, list):
        outputs = [
            _by_class(_rows_of(part), items_of(names)) for part, names in zip(shares, labels, strict=True)
        ]
        return {_PROBABILITIES: [list(row) for row in zip(*outputs, strict=True)]}
    rows = _by_class(_rows_of(shares), labels)
    if not all(isinstance(row, dict) for row in rows):
        return {_PROBABILITIES: rows}
    return {
        f"{_PROBABILITY}{name}": [row[name] for row in rows if isinstance(row, dict)]
        for name in class_names(labels)
    }


def _shares_of(rows: Sequence[object]) -> dict[str, list[object]]:
    """Give the answers of a booster as probabilities: of the class 1, or of all classes."""
    if not rows or not isinstance(rows[0], list):
        return {f"{_PROBABILITY}1": list(rows)}
    return {
        f"{_PROBABILITY}{at}": [row[at] for row in rows if isinstance(row, list)]
        for at in range(len(rows[0]))
    }


def _by_class(rows: Sequence[object], classes: Sequence[object]) -> list[object]:
    """Give the probabilities of each row by class; as they are where they are not one for each class."""
    names = class_names(classes)
    return [
        dict(zip(names, row, strict=True)) if isinstance(row, list) and len(row) == len(names) else row
        for row in rows
    ]


def class_names(classes: Sequence[object]) -> list[str]:
    """Name each class by a string of its own; see `service/protocols/answers.py`."""
    texts = [str(label) for label in classes]
    if len(set(texts)) == len(texts):
        return texts
    names: list[str] = []
    for text in texts:
        name, number = text, 2
        while name in names or (name != text and name in texts):
            name, number = f"{text}_{number}", number + 1
        names.append(name)
    return names


def free_names(taken: Collection[str], wanted: Sequence[str]) -> dict[str, str]:
    """Give each answer column a name that no column of X has; see `infer_cli/client/answer_columns.py`."""
    names = {name: name for name in wanted if name not in taken}
    used = {*taken, *names}
    for name in wanted:
        number = 2
        while name not in names:
            if f"{name}_{number}" not in used:
                names[name] = f"{name}_{number}"
                used.add(names[name])
            number += 1
    return names
