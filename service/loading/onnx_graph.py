"""Reads what an ONNX model says of itself: its inputs, its outputs, its classes, and whether it is all there.

ONNX Runtime does not tell these. The messages and the numbers of their fields are those of `onnx/onnx.proto`,
as far as they are needed here; the file is parsed by the library that ONNX Runtime parses it with.
`infer_cli/inspection/formats/onnx.py` reads the same of a file that is not loaded.
"""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from service.errors import UnusableFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# A message's fields: its number and its type, with a star where there may be several.
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
        "text": (4, "bytes"),
        "tensor": (5, "Tensor"),
        "graph": (6, "Graph"),
        "floats": (7, "*float"),
        "integers": (8, "*int64"),
        "texts": (9, "*bytes"),
        "tensors": (10, "*Tensor"),
        "graphs": (11, "*Graph"),
        "sparse_tensor": (22, "SparseTensor"),
        "sparse_tensors": (23, "*SparseTensor"),
    },
    "Tensor": {
        "dimensions": (1, "*int64"),
        "type": (2, "int32"),
        "integers32": (5, "*int32"),
        "texts": (6, "*bytes"),
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
# What the operators of ONNX's own domains are called by; others are code from elsewhere, or read other files.
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
# Those of ONNX Runtime that skl2onnx writes, for texts and for distances.
RUNTIME_DOMAIN = "com.microsoft"
RUNTIME_OPERATORS = ("CDist", "Tokenizer")
# NumPy's names for the types of elements, by ONNX's numbers.
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
# They pass on the elements that they take.
PASSING = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze")
# They make probabilities of scores.
NORMALIZING = ("Exp", "Normalizer", "Sigmoid", "Softmax")
CLASS_LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
# Where a model may say how its columns are called: a list of texts in JSON.
NAMES_KEY = "feature_names"
# How far what gives the labels may be from the output.
STEPS_MAX = 20


@dataclass(frozen=True)
class Value:
    """An input or output: the type of its elements, "" if it is no tensor, and its size in each dimension.

    A size is None if any will do.
    """

    name: str
    element: str
    shape: tuple[int | None, ...]
    is_sequence: bool


@dataclass(frozen=True)
class Graph:
    """What a model says of itself; `names` are those of its columns if its metadata has them."""

    kind: str
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]
    labels: Value | None
    probabilities: Value | None
    classes: tuple[str | int, ...] | None
    names: tuple[str, ...] | None


def read_graph(data: bytes) -> Graph:
    """Read a model; raise `UnusableFile` if it is none, or if it needs anything that is not in it."""
    model = _parse(data)
    _check_domains(model)
    _check_tensors(model)
    given = {tensor.name for tensor in model.graph.initializers}
    given |= {tensor.values.name for tensor in model.graph.sparse_initializers}
    # Up to the third version of the format, constants were inputs too.
    inputs = tuple(_value(value) for value in model.graph.inputs if value.name not in given)
    outputs = tuple(_value(value) for value in model.graph.outputs)
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


def _parse(data: bytes) -> Any:  # noqa: ANN401 (a message)
    message: Any = importlib.import_module("google.protobuf.message")
    model = _messages()()
    try:
        model.ParseFromString(data)
    except message.DecodeError:
        raise UnusableFile("is no ONNX model, or is cut short") from None
    if not model.HasField("graph"):
        raise UnusableFile("is no ONNX model")
    return model


def _messages() -> Any:  # noqa: ANN401 (a class that is made here)
    """Give the class of models that protobuf makes of `MESSAGES`."""
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
    return factory.GetMessageClass(pool.FindMessageTypeByName("infer.Model"))


def _nodes(model: Any) -> Iterator[Any]:  # noqa: ANN401
    """Go through all operators, also those in the branches and loops of others."""
    waiting = [*model.graph.nodes, *(node for function in model.functions for node in function.nodes)]
    while waiting:
        node = waiting.pop()
        yield node
        for attribute in node.attributes:
            for graph in (attribute.graph, *attribute.graphs):
                waiting += graph.nodes


def _check_domains(model: Any) -> None:  # noqa: ANN401
    for node in _nodes(model):
        is_known = node.domain == RUNTIME_DOMAIN and node.operator in RUNTIME_OPERATORS
        if node.domain not in DOMAINS and not is_known:
            reason = f"uses {node.operator[:60]!r} of {node.domain[:60]!r}, which is not part of ONNX"
            raise UnusableFile(reason, "Convert the model with operators of ONNX alone")


def _check_tensors(model: Any) -> None:  # noqa: ANN401
    for tensor in _tensors(model):
        if tensor.location or tensor.external:
            reason = "keeps numbers in another file"
            raise UnusableFile(
                reason, "Save it as one file: onnx.save(model, path, save_as_external_data=False)"
            )


def _tensors(model: Any) -> Iterator[Any]:  # noqa: ANN401
    attributes = [attribute for node in _nodes(model) for attribute in node.attributes]
    attributes += [attribute for function in model.functions for attribute in function.attributes]
    inner = [graph for attribute in attributes for graph in (attribute.graph, *attribute.graphs)]
    for graph in (model.graph, *inner):
        yield from graph.initializers
        yield from _parts(graph.sparse_initializers)
    for attribute in attributes:
        yield from (attribute.tensor, *attribute.tensors)
        yield from _parts((attribute.sparse_tensor, *attribute.sparse_tensors))


def _parts(sparse_tensors: Iterable[Any]) -> Iterator[Any]:
    for tensor in sparse_tensors:
        yield tensor.values
        yield tensor.indices


def _value(value: Any) -> Value:  # noqa: ANN401
    tensor = value.type.tensor
    sizes = (size.size if size.HasField("size") else None for size in tensor.shape.dimensions)
    return Value(
        value.name,
        ELEMENTS.get(tensor.element, ""),
        tuple(size if size is None or size > 0 else None for size in sizes),
        is_sequence=value.type.HasField("sequence"),
    )


def _looks_like_classifier(model: Any, outputs: tuple[Value, ...]) -> bool:  # noqa: ANN401
    return any(node.operator.endswith("Classifier") for node in _nodes(model)) or any(
        "probabilit" in output.name.lower() for output in outputs
    )


def _other_kind(model: Any, outputs: tuple[Value, ...]) -> str:  # noqa: ANN401
    """Tell a regressor by its operators, or by giving one number a row and nothing else."""
    first = outputs[0]
    is_named = any(node.operator.endswith("Regressor") for node in _nodes(model))
    is_single = len(outputs) == 1 and first.shape[1:] in ((), (1,)) and bool(first.shape)
    return "regressor" if first.element in FLOATS and (is_named or is_single) else "other"


def _names(text: str | None) -> tuple[str, ...] | None:
    try:
        names = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return tuple(names) if is_list else None


class _Tracing:
    """Goes from outputs back to what makes them."""

    def __init__(self, graph: Any) -> None:  # noqa: ANN401
        self._makers = {output: node for node in graph.nodes for output in node.outputs}
        self._constants = {tensor.name: tensor for tensor in graph.initializers}

    def _maker(self, name: str) -> Any:  # noqa: ANN401
        """Give the operator that makes a value, past those that only pass it on; None if none does."""
        for _ in range(STEPS_MAX):
            node = self._makers.get(name)
            if node is None or node.operator not in PASSING or not node.inputs:
                return node
            name = node.inputs[0]
        return None

    def classes(self, labels: str) -> tuple[str | int, ...] | None:
        """Give the classes in the order of the probabilities: a classifier's, or a list to pick from."""
        node = self._maker(labels)
        if node is None:
            return None
        if node.operator.endswith("Classifier"):
            return _class_labels(node)
        if node.operator in ("ArrayFeatureExtractor", "Gather") and node.inputs[0] in self._constants:
            return _elements(self._constants[node.inputs[0]])
        return None

    def probabilities(self, outputs: Iterable[Value]) -> Value | None:
        """Give the output with the probabilities; None if there is none, or if it has other scores."""
        for output in outputs:
            if output.is_sequence or (output.element in FLOATS and len(output.shape) == 2):  # noqa: PLR2004
                return None if self._are_scores(output.name) else output
        return None

    def _are_scores(self, name: str) -> bool:
        """Tell whether a value comes from a classifier's scores that nothing made probabilities of."""
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


def _gives_scores(node: Any) -> bool:  # noqa: ANN401
    attributes = {attribute.name: attribute for attribute in node.attributes}
    if node.operator == "LinearClassifier":
        transform = attributes.get("post_transform")
        return transform is None or transform.text == b"NONE"
    return node.operator == "SVMClassifier" and not ("prob_a" in attributes and attributes["prob_a"].floats)


def _class_labels(node: Any) -> tuple[str | int, ...] | None:  # noqa: ANN401
    for attribute in node.attributes:
        if attribute.name in CLASS_LABELS and (attribute.texts or attribute.integers):
            return tuple(text.decode("utf-8", "replace") for text in attribute.texts) or tuple(
                attribute.integers
            )
    return None


def _elements(tensor: Any) -> tuple[str | int, ...] | None:  # noqa: ANN401
    """Give the elements of a constant list of texts or whole numbers."""
    element = ELEMENTS.get(tensor.type, "")
    if element == "text":
        return tuple(text.decode("utf-8", "replace") for text in tensor.texts)
    if element not in ("int32", "int64"):
        return None
    if tensor.raw:
        return tuple(np.frombuffer(tensor.raw, np.dtype(element).newbyteorder("<")).tolist())
    return tuple(tensor.integers if element == "int64" else tensor.integers32)
