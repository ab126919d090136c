"""Reads the graph of an ONNX model: inputs, outputs and classes, and whether the file holds all of the model.

ONNX Runtime tells no classes, and it would read other files. The messages and the numbers of their fields are
those of `onnx/onnx.proto`, as far as they are needed here. protobuf parses the file, as it does in ONNX
Runtime. `infer_cli/inspection/formats/onnx.py` and `onnx_graph.py` beside it read the same of a file that is
not loaded.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from service.errors import UnusableFile
from service.loading.onnx_sizes import check_sizes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    # A message of an ONNX model. protobuf makes its class when it runs, so the class has no type.
    Message = Any

# The fields of each message: the number of a field, and its type with a star where the field is repeated.
MESSAGES: dict[str, dict[str, tuple[int, str]]] = {
    "Model": {"graph": (7, "Graph"), "metadata": (14, "*Entry"), "functions": (25, "*Function")},
    "Entry": {"key": (1, "string"), "value": (2, "string")},
    "Function": {"nodes": (7, "*Node"), "attributes": (11, "*Attribute")},
    "Graph": {
        "nodes": (1, "*Node"),
        "initializers": (5, "*Tensor"),
        "inputs": (11, "*Value"),
        "outputs": (12, "*Value"),
        "sparse_initializers": (15, "*SparseTensor"),
    },
    "Node": {
        "inputs": (1, "*string"),
        "outputs": (2, "*string"),
        "operator": (4, "string"),
        "attributes": (5, "*Attribute"),
        "domain": (7, "string"),
    },
    "Attribute": {
        "name": (1, "string"),
        "string": (4, "bytes"),
        "tensor": (5, "Tensor"),
        "graph": (6, "Graph"),
        "floats": (7, "*float"),
        "integers": (8, "*int64"),
        "strings": (9, "*bytes"),
        "tensors": (10, "*Tensor"),
        "graphs": (11, "*Graph"),
        "sparse_tensor": (22, "SparseTensor"),
        "sparse_tensors": (23, "*SparseTensor"),
    },
    "Tensor": {
        "dimensions": (1, "*int64"),
        "type": (2, "int32"),
        "integers32": (5, "*int32"),
        "strings": (6, "*bytes"),
        "integers": (7, "*int64"),
        "name": (8, "string"),
        "raw": (9, "bytes"),
        "external": (13, "*Entry"),
        "location": (14, "int32"),
    },
    "SparseTensor": {"values": (1, "Tensor"), "indices": (2, "Tensor")},
    "Value": {"name": (1, "string"), "type": (2, "Type")},
    "Type": {"tensor": (1, "TensorType"), "sequence": (4, "Other")},
    "TensorType": {"element": (1, "int32"), "shape": (2, "Shape")},
    "Shape": {"dimensions": (1, "*Dimension")},
    "Dimension": {"size": (1, "int64")},
    "Other": {},
}
# The domains of ONNX's own operators. An operator of another domain is code from elsewhere, or reads files.
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
# The operators of ONNX Runtime that skl2onnx writes: for the distances of neighbors, and for text.
RUNTIME_DOMAIN = "com.microsoft"
RUNTIME_OPERATORS = ("CDist", "Tokenizer")
# The element types by the numbers of `TensorProto.DataType`: dtypes of NumPy, and two column types.
ELEMENTS = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "text",
    9: "boolean",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
}
FLOATS = ("float16", "float32", "float64")
LABELS = ("text", "boolean", "int32", "int64")
# Operators that give the elements of their input, perhaps in another shape or type.
PASSING = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze")
# Operators that make probabilities of scores.
NORMALIZING = ("Exp", "Normalizer", "Sigmoid", "Softmax")
# The attributes of a classifier that list its classes.
CLASS_LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
# The key of the metadata under which a model may list the names of its columns, as JSON.
NAMES_KEY = "feature_names"
# How many operators may stand between the output with the labels and the operator that makes them.
STEPS_MAX = 20


@dataclass(frozen=True)
class Value:
    """An input or output of a graph.

    `element` is its element type, one of `ELEMENTS`, or "" if it is no tensor. `shape` has the size of each
    dimension, None where any size will do. `is_sequence`: it is a list, such as a list of maps.
    """

    name: str
    element: str
    shape: tuple[int | None, ...]
    is_sequence: bool


@dataclass(frozen=True)
class Graph:
    """What a file says of an ONNX model.

    `labels` and `probabilities` are two of the `outputs`. `classes` are in the order of the probabilities.
    `names` are the names of the columns, if the metadata lists them.
    """

    kind: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    labels: Value | None
    probabilities: Value | None
    classes: tuple[str | int, ...] | None
    names: tuple[str, ...] | None


def read_graph(data: bytes) -> Graph:
    """Read the graph of a model; raise `UnusableFile` if the data is not ONNX, or not complete."""
    model = _parse(data)
    _check_domains(model)
    _check_tensors(model)
    given = {tensor.name for tensor in model.graph.initializers}
    given |= {tensor.values.name for tensor in model.graph.sparse_initializers}
    # Up to version 3 of the format, constants are inputs as well.
    inputs = tuple(_value(value) for value in model.graph.inputs if value.name not in given)
    outputs = tuple(_value(value) for value in model.graph.outputs)
    check_sizes(_nodes(model), [value.name for value in inputs])
    if not inputs or not outputs:
        raise UnusableFile("has no inputs or no outputs")
    labels = next((output for output in outputs if output.element in LABELS), None)
    tracing = _Tracing(model.graph)
    classes = None if labels is None else tracing.classes(labels.name)
    is_classifier = labels is not None and (classes is not None or _looks_like_classifier(model, outputs))
    metadata = {entry.key: entry.value for entry in model.metadata}
    return Graph(
        kind="classifier" if is_classifier else _other_kind(model, outputs),
        inputs=inputs,
        outputs=outputs,
        labels=labels,
        probabilities=tracing.probabilities(outputs) if is_classifier else None,
        classes=classes if is_classifier else None,
        names=_names(metadata.get(NAMES_KEY)),
    )


def _parse(data: bytes) -> Message:
    message: Any = importlib.import_module("google.protobuf.message")
    model = _messages()()
    try:
        model.ParseFromString(data)
    except message.DecodeError:
        raise UnusableFile("is no ONNX model, or is cut short") from None
    if not model.HasField("graph"):
        raise UnusableFile("is no ONNX model")
    return model


def _messages() -> Callable[[], Message]:
    """Give the class of the message `Model`, which protobuf makes of `MESSAGES`."""
    # protobuf comes with ONNX Runtime, and has no types.
    descriptor: Any = importlib.import_module("google.protobuf.descriptor_pb2")
    factory: Any = importlib.import_module("google.protobuf.message_factory")
    pool: Any = importlib.import_module("google.protobuf.descriptor_pool").DescriptorPool()
    file = descriptor.FileDescriptorProto(name="model.proto", package="infer", syntax="proto2")
    field_type = descriptor.FieldDescriptorProto
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, starred) in fields.items():
            kind = starred.lstrip("*")
            label = field_type.LABEL_REPEATED if starred != kind else field_type.LABEL_OPTIONAL
            added = message.field.add(name=field, number=number, label=label)
            if kind in MESSAGES:
                added.type, added.type_name = field_type.TYPE_MESSAGE, f".infer.{kind}"
            else:
                added.type = getattr(field_type, f"TYPE_{kind.upper()}")
    pool.Add(file)
    model_class: Callable[[], Message] = factory.GetMessageClass(pool.FindMessageTypeByName("infer.Model"))
    return model_class


def _nodes(model: Message) -> Iterator[Message]:
    """Give all operators, also the operators in the branches and loops of other operators."""
    waiting = [*model.graph.nodes, *(node for function in model.functions for node in function.nodes)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attributes:
            for graph in (attribute.graph, *attribute.graphs):
                waiting += graph.nodes


def _check_domains(model: Message) -> None:
    for node in _nodes(model):
        is_known = node.domain == RUNTIME_DOMAIN and node.operator in RUNTIME_OPERATORS
        if node.domain not in DOMAINS and not is_known:
            reason = f"uses {node.operator[:60]!r} of {node.domain[:60]!r}, which is not part of ONNX"
            raise UnusableFile(reason, "Convert the model with operators of ONNX alone")


def _check_tensors(model: Message) -> None:
    for tensor in _tensors(model):
        if tensor.location or tensor.external:
            reason = "keeps numbers in another file"
            raise UnusableFile(
                reason, "Save it as one file: onnx.save(model, path, save_as_external_data=False)"
            )


def _tensors(model: Message) -> Iterator[Message]:
    attributes = [attribute for node in _nodes(model) for attribute in node.attributes]
    attributes += [attribute for function in model.functions for attribute in function.attributes]
    inner = [graph for attribute in attributes for graph in (attribute.graph, *attribute.graphs)]
    for graph in (model.graph, *inner):
        yield from graph.initializers
        yield from _parts(graph.sparse_initializers)
    for attribute in attributes:
        yield from (attribute.tensor, *attribute.tensors)
        yield from _parts((attribute.sparse_tensor, *attribute.sparse_tensors))


def _parts(sparse_tensors: Iterable[Message]) -> Iterator[Message]:
    for tensor in sparse_tensors:
        yield tensor.values
        yield tensor.indices


def _value(value: Message) -> Value:
    tensor = value.type.tensor
    sizes = (size.size if size.HasField("size") else None for size in tensor.shape.dimensions)
    return Value(
        value.name,
        ELEMENTS.get(tensor.element, ""),
        tuple(size if size is None or size > 0 else None for size in sizes),
        is_sequence=value.type.HasField("sequence"),
    )


def _looks_like_classifier(model: Message, outputs: tuple[Value, ...]) -> bool:
    return any(node.operator.endswith("Classifier") for node in _nodes(model)) or any(
        "probabilit" in output.name.lower() for output in outputs
    )


def _other_kind(model: Message, outputs: tuple[Value, ...]) -> str:
    """Tell a regressor by its operators, or by its outputs: one number for each row and nothing else."""
    first = outputs[0]
    is_named = any(node.operator.endswith("Regressor") for node in _nodes(model))
    is_single = len(outputs) == 1 and first.shape[1:] in ((), (1,)) and bool(first.shape)
    return "regressor" if first.element in FLOATS and (is_named or is_single) else "other"


def _names(listed: str | None) -> tuple[str, ...] | None:
    try:
        names = json.loads(listed or "null")
    except (ValueError, RecursionError):
        return None
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if is_list else None


class _Tracing:
    """Goes back from an output to the operators that make it."""

    def __init__(self, graph: Message) -> None:
        self._makers = {output: node for node in graph.nodes for output in node.outputs}
        self._constants = {tensor.name: tensor for tensor in graph.initializers}

    def _maker(self, name: str) -> Message | None:
        """Give the operator that makes a value; operators that only pass the value on are skipped."""
        for _ in range(STEPS_MAX):
            node = self._makers.get(name)
            if node is None or node.operator not in PASSING or not node.inputs:
                return node
            name = node.inputs[0]
        return None

    def classes(self, labels: str) -> tuple[str | int, ...] | None:
        """Give the classes in the order of the probabilities; None if the graph lists none.

        They are an attribute of the classifier, or a constant list from which an operator picks the labels.
        """
        node = self._maker(labels)
        if node is None:
            return None
        if node.operator.endswith("Classifier"):
            return _class_labels(node)
        if node.operator in ("ArrayFeatureExtractor", "Gather") and node.inputs[0] in self._constants:
            return _elements(self._constants[node.inputs[0]])
        return None

    def probabilities(self, outputs: Iterable[Value]) -> Value | None:
        """Give the output with the probabilities; None if there is none, or if it holds other scores."""
        for output in outputs:
            if output.is_sequence or (output.element in FLOATS and len(output.shape) == 2):  # noqa: PLR2004
                return None if self._are_scores(output.name) else output
        return None

    def _are_scores(self, name: str) -> bool:
        """Tell whether a value is made of a classifier's scores, of which no operator made probabilities."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            node = self._makers.get(waiting.pop())
            if node is None or node.operator in NORMALIZING or node.outputs[0] in seen:
                continue
            if _gives_scores(node):
                return True
            seen.add(node.outputs[0])
            waiting += node.inputs
        return False


def _gives_scores(node: Message) -> bool:
    """Tell whether an operator is a classifier whose scores are no probabilities."""
    attributes = {attribute.name: attribute for attribute in node.attributes}
    if node.operator == "LinearClassifier":
        transform = attributes.get("post_transform")
        return transform is None or transform.string == b"NONE"
    return node.operator == "SVMClassifier" and not ("prob_a" in attributes and attributes["prob_a"].floats)


def _class_labels(node: Message) -> tuple[str | int, ...] | None:
    for attribute in node.attributes:
        if attribute.name in CLASS_LABELS and (attribute.strings or attribute.integers):
            return tuple(string.decode("utf-8", "replace") for string in attribute.strings) or tuple(
                attribute.integers
            )
    return None


def _elements(tensor: Message) -> tuple[str | int, ...] | None:
    """Give the elements of a tensor of strings or integers; None for any other tensor."""
    element = ELEMENTS.get(tensor.type, "")
    if element == "text":
        return tuple(string.decode("utf-8", "replace") for string in tensor.strings)
    if element not in ("int32", "int64"):
        return None
    if tensor.raw:
        return tuple(np.frombuffer(tensor.raw, np.dtype(element).newbyteorder("<")).tolist())
    return tuple(tensor.integers if element == "int64" else tensor.integers32)
