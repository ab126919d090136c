"""An ONNX model with the methods and attributes of an estimator of scikit-learn."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Union, cast

import numpy as np

from service.errors import UnusableFile
from service.loading.onnx_graph import ELEMENTS, read_graph

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from service.loading.onnx_graph import Graph
    from service.loading.onnx_graph import Value as Input
    from service.schema.features import Value

    Array = np.ndarray[tuple[int, ...], np.dtype[np.generic]]
    # The rows: lists of values of several types, or an array of numbers.
    Table = Union["list[list[Value]]", Array]
    # What ONNX Runtime gives for an output: an array, or a map for each row, from a label to its probability.
    Output = Union[Array, "list[dict[str | int, float]]"]
    # The outputs by name.
    Outputs = dict[str, Output]
    # A session of ONNX Runtime, which has no types.
    Session = Any

COLUMN_DIMENSIONS = 1
TABLE_DIMENSIONS = 2
# Where a file of ONNX Runtime's own format is marked as such.
OWN_FORMAT = slice(4, 8), b"ORTM"


def load_onnx(file: Path) -> OnnxModel:
    """Load a model; raise `UnusableFile` if the file is not ONNX, or does not hold all of the model."""
    data = file.read_bytes()
    place, mark = OWN_FORMAT
    if data[place] == mark:
        raise UnusableFile("is of ONNX Runtime's own format", "Save it as .onnx")
    model = OnnxModel(read_graph(data))
    # Made of the bytes that were checked: the file may have changed since then.
    model.session = _session(data)
    return model


def _session(data: bytes) -> Session:
    runtime: Any = importlib.import_module("onnxruntime")
    options = runtime.SessionOptions()
    # The workers are the parallelism. A session without threads of its own also works in forked workers.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    # With these two options a session would keep memory for each number of rows that was ever asked for.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    # Nothing but the end of the process: the service tells each error itself, in one line.
    options.log_severity_level = 4
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # Its many errors have no base class in common.
        reason = " ".join(str(error).split())
        raise UnusableFile(f"is refused by ONNX Runtime {runtime.__version__}: {reason}") from error


class OnnxModel:
    """An ONNX Runtime session as an estimator: with `predict`, and with attributes that tell its columns.

    `columns` are the element types of the columns: dtypes of NumPy, `text` or `boolean`. `feature_names_in_`,
    `classes_` and `predict_proba` are there only if the model tells names, classes and probabilities.
    Raises `UnusableFile` for a model that takes no rows of columns.
    """

    classes_: list[str | int]
    feature_names_in_: list[str]

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.session: Session = None
        # The last table and its outputs: `predict_proba` is usually called with the same table right after
        # `predict`.
        self._answered: tuple[object, Outputs] | None = None
        self._estimator_type = graph.kind
        names, self.columns = _columns(graph)
        self.n_features_in_ = len(self.columns)
        if names is not None:
            self.feature_names_in_ = list(names)
        if graph.classes is not None:
            self.classes_ = list(graph.classes)
        if graph.probabilities is not None:
            self.predict_proba = self._predict_proba

    def predict(self, table: Table) -> object:
        """Give the label or number for each row."""
        answer = self._run(table)
        self._answered = (table, answer)
        output = self._graph.outputs[0]
        if self._graph.kind == "classifier" and self._graph.labels is not None:
            output = self._graph.labels
        return _flat(answer[output.name])

    def _predict_proba(self, table: Table) -> object:
        """Give the probabilities for each row, in the order of the classes if the model tells them."""
        answered, self._answered = self._answered, None
        answer = answered[1] if answered is not None and answered[0] is table else self._run(table)
        output = self._graph.probabilities
        found = answer[output.name] if output is not None else None
        if isinstance(found, list):
            # Maps from labels to probabilities.
            labels = getattr(self, "classes_", None) or sorted(found[0] if found else ())
            return np.array([[row[label] for label in labels] for row in found])
        return found

    def _run(self, table: Table) -> Outputs:
        inputs = self._graph.inputs
        if inputs[0].shape[0] == 1 and len(table) > 1:
            # The model was saved for one row at a time.
            answers = [self._run(table[at : at + 1]) for at in range(len(table))]
            return {name: _joined([answer[name] for answer in answers]) for name in answers[0]}
        if len(inputs) == 1:
            fed = {inputs[0].name: _array(inputs[0], table)}
        else:
            fed = {one.name: _array(one, _column(table, at)) for at, one in enumerate(inputs)}
        names = [output.name for output in self._graph.outputs]
        return dict(zip(names, self.session.run(names, fed)))


def _columns(graph: Graph) -> tuple[Sequence[str] | None, list[str]]:
    """Give the names of the columns, None without names, and the element types of the columns."""
    for one in graph.inputs:
        if one.element not in ELEMENTS.values():
            raise UnusableFile(f"takes {one.name!r}, which is no table of numbers, strings or booleans")
        if one.shape and one.shape[0] not in (None, 1):
            raise UnusableFile(
                f"takes exactly {one.shape[0]} rows at a time", "Save it for any number of rows"
            )
    if len(graph.inputs) > 1:
        return _columns_apart(graph.inputs)
    table = graph.inputs[0]
    if len(table.shape) not in (COLUMN_DIMENSIONS, TABLE_DIMENSIONS):
        raise UnusableFile(f"takes {table.name!r} with {len(table.shape)} dimensions, which is no table")
    count = 1 if len(table.shape) == COLUMN_DIMENSIONS else table.shape[1]
    if count is None:
        count = len(graph.names or ())
    if not count:
        advice = "Convert it with a fixed number of columns, or write their names as feature_names"
        raise UnusableFile("does not say how many features it takes", advice)
    if graph.names is not None and len(graph.names) != count:
        raise UnusableFile(f"has {len(graph.names)} names in its metadata for {count} features")
    return graph.names, [table.element] * count


def _columns_apart(inputs: Sequence[Input]) -> tuple[Sequence[str], list[str]]:
    for one in inputs:
        if len(one.shape) not in (COLUMN_DIMENSIONS, TABLE_DIMENSIONS) or one.shape[1:] not in ((), (1,)):
            raise UnusableFile(
                f"takes several inputs, and {one.name!r} is not one column",
                "Convert it with one input for all columns, or with one for each",
            )
    return [one.name for one in inputs], [one.element for one in inputs]


def _column(table: Table, at: int) -> Array | list[Value]:
    return table[:, at] if isinstance(table, np.ndarray) else [row[at] for row in table]


def _array(taken: Input, values: Table | list[Value]) -> object:
    """Make the array that an input takes, of one column or of all."""
    dtype = {"text": "object", "boolean": "bool"}.get(taken.element, taken.element)
    array = np.asarray(values, dtype=dtype)
    return array.reshape(-1) if len(taken.shape) == COLUMN_DIMENSIONS else array.reshape(len(array), -1)


def _flat(values: Output) -> Output:
    """Make a list of values of a table with one column; any other values stay as they are."""
    is_column = isinstance(values, np.ndarray) and values.ndim == TABLE_DIMENSIONS and values.shape[1] == 1
    return values.reshape(-1) if is_column and isinstance(values, np.ndarray) else values


def _joined(parts: list[Output]) -> Output:
    if isinstance(parts[0], list):
        return [row for part in parts for row in part]
    return np.concatenate(cast("list[Array]", parts))
