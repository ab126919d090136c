"""Turns predictions into JSON values of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.json_values import JsonValue
    from service.schema.predictions import Predictions


class AnswerWriter:
    """Writes the predictions of one model; `classes` are as in `Model`."""

    def __init__(self, classes: Sequence[object] | None) -> None:
        self._classes = classes
        is_flat = bool(classes) and not any(isinstance(label, list) for label in classes or ())
        self._values = cast("list[JsonValue]", list(classes or ()))
        self._labels = class_names(classes or ()) if is_flat else []

    def answer(self, predictions: Predictions) -> dict[str, JsonValue]:
        """Give `predictions`, and `probabilities` and scores if there are any, with one element per row."""
        answer: dict[str, JsonValue] = {"predictions": predictions.values}
        if predictions.probabilities is not None:
            answer["probabilities"] = self._by_class(predictions.probabilities)
        answer.update(cast("dict[str, JsonValue]", predictions.scores or {}))
        return answer

    def single(self, predictions: Predictions) -> dict[str, JsonValue]:
        """Give the `prediction` of the only row, and its `probabilities` and scores where there are any."""
        answer: dict[str, JsonValue] = {"prediction": predictions.values[0]}
        if predictions.probabilities is not None:
            answer["probabilities"] = self._by_class(predictions.probabilities)[0]
        for name, scores in (predictions.scores or {}).items():
            answer[name] = scores[0]
        return answer

    def row(self, position: int, numbers: list[float]) -> tuple[JsonValue, JsonValue]:
        """Give the prediction of a row, and its probabilities or None.

        `position` and `numbers` are what a row program answers: see `RowProgram`.
        """
        if self._labels:
            shares = cast("JsonValue", dict(zip(self._labels, numbers))) if numbers else None
            return self._values[position], shares
        return numbers[0] if len(numbers) == 1 else cast("JsonValue", numbers), None

    def _by_class(self, rows: list[JsonValue]) -> list[JsonValue]:
        first, labels = rows[0], self._labels
        # True of nearly all models. The rows come from one array, so all are of the first one's length.
        if labels and isinstance(first, list) and len(first) == len(labels):
            return [dict(zip(labels, row)) for row in cast("list[list[JsonValue]]", rows)]
        return [probabilities_json(row, self._classes) for row in rows]


def probabilities_json(row: object, classes: Sequence[object] | None) -> JsonValue:
    """Give the probabilities of a row by class, or a list with one such object for each output of the model.

    A key of a JSON object is a string: a class that is a number or a boolean is written as Python's `str`
    writes it (`"1"`, `"True"`); see `class_names`. A row of another length than the classes stays a list. The
    numbers may be NaN or an infinity.
    """
    if not isinstance(row, list) or not classes or len(row) != len(classes):
        return cast("JsonValue", row)
    outputs = [labels for labels in classes if isinstance(labels, list)]
    if outputs:
        return [probabilities_json(part, labels) for part, labels in zip(row, outputs)]
    return dict(zip(class_names(classes), row))


def class_names(classes: Sequence[object]) -> list[str]:
    """Name each class by a string of its own, for the keys of an object.

    Where several classes are written alike, such as 1 and "1", the later ones get the first number from 2 on
    that makes their name free: `1_2`.
    """
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
