"""KServe's protocol, version 1, and that of Vertex AI: `instances` in, `predictions` out.

See KServe's page "V1 Inference Protocol" and Google's page "Custom container requirements for inference".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.errors import InvalidInput
from service.native.library import LISTS, OBJECTS
from service.prediction.exchange import Answer, Asked, Resource, constant
from service.protocols.json_tables import answer_json, by_row
from service.protocols.one_row import OneRow
from service.protocols.outputs import Outputs
from service.protocols.row_checks import RowChecks, json_type_of
from service.protocols.tables import TableReader

if TYPE_CHECKING:
    from service.json_values import JsonValue
    from service.native.library import Array
    from service.prediction.model_names import ModelNames
    from service.prediction.predictor import Predictor
    from service.protocols.number_tables import Places
    from service.schema.features import Rows

MODELS = "/v1/models"
PROTOCOL = "kserve_v1"
# Where a body has tables.
PLACES: Places = {("instances",): (LISTS, OBJECTS), ("inputs",): (LISTS, OBJECTS)}


class KServeV1:
    """Answers the protocol for one model."""

    def __init__(self, predictor: Predictor, names: ModelNames) -> None:
        self.names = names
        self._outputs = Outputs(predictor)
        self._reader = TableReader(predictor)
        self._row = OneRow(predictor)

    def resources(self) -> dict[str, Resource]:
        """Give what stands at each path."""
        found = {MODELS: _get(MODELS, {"models": [*self.names.names]})}
        for path, name in self.names.paths(MODELS):
            pattern = f"{MODELS}/{{model}}" + ("/versions/{version}" if "/versions/" in path else "")
            found[path] = _get(pattern, {"name": name, "ready": True})
            found[f"{path}:predict"] = self.predicting(f"{pattern}:predict")
        return found

    def predicting(self, route: str) -> Resource:
        """Give what answers predictions in this protocol, to stand at any path."""
        return Resource(route, PROTOCOL, {"POST": self._predict}, predicts=True)

    def _predict(self, asked: Asked) -> Answer:
        document = self._reader.decode(asked.body, PLACES)
        usual = self._usual(document, asked)
        if usual is not None:
            return usual
        if not isinstance(document, dict):
            raise InvalidInput(f"The body must be an object with instances; it is {json_type_of(document)}")
        given = [name for name in ("instances", "inputs") if name in document]
        if len(given) != 1:
            raise InvalidInput("The body must have either instances or inputs: a list with one row in each")
        rows = document[given[0]]
        if not isinstance(rows, (list, np.ndarray)):
            raise InvalidInput(f"{given[0]} must be a list of rows; it is {json_type_of(rows)}")
        chosen = self._outputs.of_query(asked.query) or [self._outputs.main]
        checks = RowChecks(self._reader.rules)
        read = self._read(rows, checks)
        results = self._outputs.ask(read, chosen, is_empty=not len(read))
        return answer_json({"predictions": by_row(results)}, checks, len(read))

    def _usual(self, document: object, asked: Asked) -> Answer | None:
        """Answer one row of numbers, if nothing else is asked; None for any other request."""
        if (
            not self._row.may_be(asked.body)
            or asked.query
            or not isinstance(document, dict)
            or len(document) != 1
        ):
            return None
        rows = document.get("instances")
        prediction = self._row.prediction(rows[0]) if isinstance(rows, list) and len(rows) == 1 else None
        return None if prediction is None else Answer(b'{"predictions":[%s]}\n' % prediction, 1)

    def _read(self, rows: list[object] | Array, checks: RowChecks) -> Rows:
        has_objects = isinstance(rows, list) and bool(rows) and isinstance(rows[0], dict)
        return self._reader.of_rows([_scalars(row) for row in rows] if has_objects else rows, checks)


def _scalars(row: object) -> object:
    """Take the element of each list of one element: clients of TensorFlow write a scalar that way."""
    if not isinstance(row, dict):
        return row
    listed = {name: value[0] for name, value in row.items() if isinstance(value, list) and len(value) == 1}
    if listed:
        # The object itself remembers the names that it has twice.
        row.update(listed)
    return row


def _get(route: str, value: JsonValue) -> Resource:
    return constant(route, PROTOCOL, answer_json(value))
