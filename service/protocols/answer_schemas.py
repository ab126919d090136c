"""What the answers of a model hold, as schemas of OpenAPI 3.0.

Whether a label comes alone or in a list, and what comes beside it, the answer to a row of usual values shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from service.errors import InvalidInput, ModelFailed
from service.protocols.answers import AnswerWriter
from service.protocols.description import MOST_CATEGORIES, example_row
from service.protocols.row_checks import RowChecks
from service.protocols.tables import TableReader
from service.protocols.value_schemas import Schema, any_of, labels_schema

if TYPE_CHECKING:
    from service.json_values import JsonValue
    from service.prediction.predictor import Predictor
    from service.schema.usual import UsualValues

# JSON has no NaN: an answer has null for it.
NUMBER: Schema = {"type": "number", "format": "double", "nullable": True}
WHOLE: Schema = {"type": "integer"}
# Kinds whose answers are positions or numbers of clusters.
KINDS_OF_WHOLE_NUMBERS = ("clusterer", "neighbors")


def answer_schemas(predictor: Predictor, usual: UsualValues) -> dict[str, Schema]:
    """Describe each part of the answer to a row: `prediction`, and `probabilities` and scores if it has any.

    Of a model that does not answer the row of usual values, any prediction is described.
    """
    try:
        reader = TableReader(predictor)
        rows = reader.of_objects([example_row(predictor.features, usual)], RowChecks(reader.rules))
        answer = AnswerWriter(predictor.classes).single(predictor.predict(rows))
    except (InvalidInput, ModelFailed):
        return {"prediction": {}}
    found = {name: schema_of(part) for name, part in answer.items()}
    found["prediction"] = _prediction(predictor, answer["prediction"])
    return found


def schema_of(value: JsonValue) -> Schema:
    """Describe a part of an answer by one such part: numbers may be missing, lists keep their length."""
    if isinstance(value, (bool, str)):
        return {"type": "boolean" if isinstance(value, bool) else "string"}
    if isinstance(value, list):
        return _list_of(any_of(map(schema_of, value)) if value else {}, len(value))
    return _object_of(value) if isinstance(value, dict) else NUMBER


def _object_of(value: dict[str, JsonValue]) -> Schema:
    if "indices" in value:
        return _sparse_row()
    parts = {name: schema_of(part) for name, part in value.items()}
    if len(parts) > MOST_CATEGORIES:
        return {"type": "object", "additionalProperties": any_of(parts.values())}
    return closed_object(parts)


def closed_object(properties: dict[str, Schema]) -> Schema:
    """Describe an object that has just these parts."""
    found: Schema = {"type": "object", "properties": cast("JsonValue", properties)}
    found.update({"required": [*properties], "additionalProperties": False})
    return found


def _prediction(predictor: Predictor, value: JsonValue) -> Schema:
    kind, classes = predictor.model.kind, predictor.classes or []
    if kind == "outlier_detector":
        return {"type": "integer", "enum": [1, -1]}
    if kind in KINDS_OF_WHOLE_NUMBERS:
        is_list = isinstance(value, list) and all(type(one) is int for one in value)
        if is_list or type(value) is int:
            return _list_of(WHOLE, len(value)) if isinstance(value, list) else WHOLE
    outputs = [labels for labels in classes if isinstance(labels, list)]
    if outputs and isinstance(value, list) and len(value) == len(outputs):
        return _list_of(any_of(map(labels_schema, outputs)), len(outputs))
    # Of several labels that a row may have, the classes are the positions in a list.
    is_label = bool(classes) and not outputs and not isinstance(value, (list, dict))
    if kind == "classifier" and is_label:
        return labels_schema(classes)
    return schema_of(value)


def _list_of(items: Schema, length: int) -> Schema:
    return {"type": "array", "items": items, "minItems": length, "maxItems": length}


def _sparse_row() -> Schema:
    """Describe a row without its zeros: see `models.methods.listed`."""
    return closed_object(
        {
            "size": WHOLE,
            "indices": {"type": "array", "items": WHOLE},
            "values": {"type": "array", "items": NUMBER},
        }
    )
