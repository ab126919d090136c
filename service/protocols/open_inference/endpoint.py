"""The Open Inference Protocol, version 2, over REST: inference, and what the model is.

Paths and fields are those of the protocol's page "rest_predict_v2" and of Triton's extensions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from service.errors import InvalidInput
from service.json_values import encode
from service.prediction.deadlines import Deadline, kept
from service.prediction.exchange import Answer, Asked, Resource
from service.protocols.one_row import OneRow
from service.protocols.open_inference.messages import InferRequest, read_request, write_answer
from service.protocols.open_inference.one_row import UsualRequest
from service.protocols.open_inference.results import ResultTensors
from service.protocols.open_inference.tensors import BYTES, DTYPES, Tensor, rows_of
from service.protocols.row_checks import RowChecks, shortened
from service.protocols.tables import TableReader
from service.schema.usual import NOTHING_USUAL

if TYPE_CHECKING:
    from service.json_values import JsonValue
    from service.prediction.exchange import Handler
    from service.prediction.model_names import ModelNames
    from service.prediction.predictor import Predictor
    from service.schema.features import Feature, Rows
    from service.schema.usual import UsualValues

ROOT = "/v2"
MODELS = f"{ROOT}/models"
# KServe calls the extension model_repository by another name, so both are listed.
EXTENSIONS = (
    *("binary_tensor_data", "classification", "model_configuration", "model_repository"),
    *("model_repository_extension", "statistics", "parameters"),
)
PROTOCOL = "open_inference"
# What a model of numbers alone calls its one input; an input of any other name will do.
INPUT = "input-0"
# `config` must say a number; a request may have as many rows as the setting MAX_ROWS allows.
BATCH_MAX = 1024
TABLE_DIMENSIONS = 2
ALWAYS_LOADED = "this service always has its model loaded; `infer stop` ends the service"


class OpenInference:
    """Answers the protocol for one model."""

    def __init__(
        self,
        predictor: Predictor,
        names: ModelNames,
        *,
        version: str,
        usual: UsualValues = NOTHING_USUAL,
    ) -> None:
        self.names = names
        self._version = version
        self._predictor = predictor
        self._reader = TableReader(predictor)
        self._row = OneRow(predictor)
        self._results = ResultTensors(predictor, self._reader, usual)
        self._platform = f"sklearn_{predictor.model.kind}"

    def resources(self) -> dict[str, Resource]:
        """Give what stands at each path."""
        found = {
            ROOT: _get(ROOT, self._server),
            f"{ROOT}/": _get(ROOT, self._server),
            f"{ROOT}/health/live": _get(f"{ROOT}/health/live", {"live": True}),
            f"{ROOT}/health/ready": _get(f"{ROOT}/health/ready", {"ready": True}),
            MODELS: _get(MODELS, {"models": [*self.names.names]}),
            f"{ROOT}/repository/index": _post(f"{ROOT}/repository/index", self._index),
        }
        for path, name in self.names.paths(MODELS):
            pattern = f"{MODELS}/{{model}}" + ("/versions/{version}" if "/versions/" in path else "")
            found[path] = _get(pattern, partial(self._metadata, name))
            found[f"{path}/ready"] = _get(f"{pattern}/ready", {"name": name, "ready": True})
            found[f"{path}/config"] = _get(f"{pattern}/config", partial(self._config, name))
            infer = {"POST": self.inferring(name)}
            found[f"{path}/infer"] = Resource(f"{pattern}/infer", PROTOCOL, infer, predicts=True)
        for name in self.names.names:
            path = f"{ROOT}/repository/models/{name}/unload"
            found[path] = _post(f"{ROOT}/repository/models/{{model}}/unload", _refuse)
        return found

    def inferring(self, name: str) -> Handler:
        """Give what answers requests for inference, to stand at any path."""
        usual = None
        if self._row.can_answer:
            column = self._reader.names[0] if self._row.width == 1 else None
            usual = UsualRequest(name, self.names.versions[0], self._row, column)
        return partial(self._infer, name, usual)

    def _infer(self, name: str, usual: UsualRequest | None, asked: Asked) -> Answer:
        answer = usual.answer(asked) if usual and usual.may_be(asked) else None
        return self._infer_any(name, asked) if answer is None else answer

    def _infer_any(self, name: str, asked: Asked) -> Answer:
        """Answer a request for inference; raise `InvalidInput` for one that cannot be answered."""
        request = read_request(asked, self._reader.rules, self._reader.tables)
        if request.timeout_us is None:
            return self._answer(name, request)
        deadline = Deadline.after(request.timeout_us * 1000, asked.started_ns, "the parameter timeout")
        with kept(deadline):
            return self._answer(name, request)

    def _answer(self, name: str, request: InferRequest) -> Answer:
        checks = RowChecks(self._reader.rules)
        rows = self._rows(request, checks)
        wanted = self._results.wanted(request.outputs)
        tensors: list[tuple[Tensor, bool]] = []
        for (one, _), found in zip(wanted, self._results.ask(rows, wanted)):
            is_binary = request.is_binary if one.is_binary is None else one.is_binary
            tensors += [(tensor, is_binary) for tensor in found]
        head: dict[str, JsonValue] = {"model_name": name, "model_version": self.names.versions[0]}
        if request.request_id is not None:
            head["id"] = request.request_id
        if checks.warnings:
            said = "; ".join(str(one["message"]) for one in checks.warnings if isinstance(one, dict))
            head["parameters"] = {"warnings": said}
        return write_answer(head, tensors, len(rows))

    def _rows(self, request: InferRequest, checks: RowChecks) -> Rows:
        if request.raw is not None:
            return self._rows_of_raw(request.raw, checks)
        tensors = request.tensors
        names = self._reader.names
        first = tensors[0]
        if len(tensors) == 1 and (first.name not in self._reader.rules.known or _width(first) == len(names)):
            return self._rows_of_matrix(first, checks)
        columns = {}
        for tensor in tensors:
            if len(tensor.shape) != 1 and _width(tensor) != 1:
                found = f'input "{shortened(tensor.name)}" has the shape {list(tensor.shape)}'
                raise InvalidInput(f"{found}; a column must be of shape [rows] or [rows, 1]. {self._form()}")
            if tensor.name in columns:
                raise InvalidInput(f'input "{shortened(tensor.name)}" is given more than once')
            columns[tensor.name] = tensor.values
        return self._reader.of_columns(columns, checks)

    def _rows_of_matrix(self, tensor: Tensor, checks: RowChecks) -> Rows:
        width = len(self._reader.names)
        if width == 1 and len(tensor.shape) == 1:
            tensor = tensor._replace(shape=(*tensor.shape, 1))
        if _width(tensor) != width:
            found = f'input "{shortened(tensor.name)}" has the shape {list(tensor.shape)}'
            raise InvalidInput(f"{found}. {self._form()}")
        if not tensor.shape[0]:
            return []
        if isinstance(tensor.values, list):
            return self._reader.of_lists(rows_of(tensor), checks)
        return self._reader.of_matrix(tensor.values.reshape(tensor.shape), checks)

    def _rows_of_raw(self, raw: memoryview, checks: RowChecks) -> Rows:
        """Read a body that is nothing but the numbers of the one input."""
        width = len(self._reader.names)
        if not self._predictor.takes_numbers:
            raise InvalidInput("a body without JSON is for models of numbers alone; this one takes columns")
        size = DTYPES["FP64"].itemsize * width
        if len(raw) % size:
            raise InvalidInput(f"the body has {len(raw)} bytes, no multiple of the {size} of a row of FP64")
        numbers = np.frombuffer(raw, DTYPES["FP64"]).reshape(-1, width)
        return self._reader.of_matrix(numbers, checks) if len(numbers) else []

    def _form(self) -> str:
        return (
            f"Send one input of shape [rows, {len(self._reader.names)}], or one input for each column: "
            f"{self._reader.expected()}"
        )

    def _server(self, _: Asked) -> Answer:
        return _json({"name": "infer", "version": self._version, "extensions": [*EXTENSIONS]})

    def _index(self, _: Asked) -> Answer:
        return _json(
            [
                {"name": name, "version": self.names.versions[0], "state": "READY", "reason": ""}
                for name in self.names.names
            ]
        )

    def _metadata(self, name: str, _: Asked) -> Answer:
        return _json(
            {
                "name": name,
                "versions": [*self.names.versions],
                "platform": self._platform,
                "inputs": [_described(*one) for one in self._inputs()],
                "outputs": [_described(*one) for one in self._results.described()],
            }
        )

    def _config(self, name: str, _: Asked) -> Answer:
        """Describe the model as Triton's `ModelConfig`, in which shapes have no batch dimension."""
        return _json(
            {
                "name": name,
                "platform": self._platform,
                "backend": "infer",
                "max_batch_size": min(BATCH_MAX, self._predictor.limit.rows),
                "input": [_configured(*one) for one in self._inputs()],
                "output": [_configured(*one) for one in self._results.described()],
            }
        )

    def _inputs(self) -> list[tuple[str, str, list[int]]]:
        features = self._reader.rules.features
        if self._predictor.takes_numbers:
            return [(INPUT, "FP64", [-1, len(features)])]
        return [(feature.name, _datatype_of(feature), [-1, 1]) for feature in features]


def _width(tensor: Tensor) -> int | None:
    return tensor.shape[1] if len(tensor.shape) == TABLE_DIMENSIONS else None


def _datatype_of(feature: Feature) -> str:
    numbers = feature.type == "number" or (
        feature.type == "category" and all(type(one) in (int, float) for one in feature.categories or ("",))
    )
    return "FP64" if numbers else "BOOL" if feature.type == "boolean" else BYTES


def _described(name: str, datatype: str, shape: list[int]) -> JsonValue:
    return {"name": name, "datatype": datatype, "shape": [*shape]}


def _configured(name: str, datatype: str, shape: list[int]) -> JsonValue:
    # Triton's `DataType` is named as here, but for texts.
    kind = "TYPE_STRING" if datatype == BYTES else f"TYPE_{datatype}"
    return {"name": name, "data_type": kind, "dims": [*shape[1:]] or [1]}


def _json(value: object) -> Answer:
    return Answer(encode(value))


def _get(route: str, value: Handler | JsonValue) -> Resource:
    handler = value if callable(value) else lambda _: _json(value)
    return Resource(route, PROTOCOL, {"GET": handler})


def _post(route: str, handler: Handler) -> Resource:
    return Resource(route, PROTOCOL, {"POST": handler})


def _refuse(_: Asked) -> Answer:
    raise InvalidInput(ALWAYS_LOADED)
