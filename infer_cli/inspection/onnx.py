"""ONNX models: what they say of their inputs and classes.

The numbers of the fields are those of `onnx/onnx.proto`. Weights, the bulk of a file, are passed over.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from infer_cli.inspection.protobuf import fields_of, numbers_of, text_of
from infer_cli.inspection.refusal import Refused

if TYPE_CHECKING:
    from infer_cli.inspection.model import Kind
    from infer_cli.inspection.protobuf import Field
    from infer_cli.inspection.stream import Stream

# Real models have a few hundred operators at most, and as many inputs as features.
ITEMS_MAX = 100_000
DIMENSIONS_MAX = 32
_CLASS_LABELS = frozenset({"classlabels_strings", "classlabels_int64s", "classlabels_ints"})


class _Model:
    PRODUCER, PRODUCER_VERSION, GRAPH = 2, 3, 7


class _Graph:
    NODE, INPUT = 1, 11


class _Node:
    OPERATOR, ATTRIBUTE = 4, 5


class _Attribute:
    NAME, INTS, STRINGS = 1, 8, 9


class _Input:
    NAME, TYPE = 1, 2


# From an input's type to the size of a dimension: TypeProto.tensor_type, .shape, .dim, .dim_value.
_TENSOR, _SHAPE, _DIMENSION, _SIZE = 1, 2, 1, 1


@dataclass(slots=True)
class OnnxModel:
    """What was read of an ONNX model; `inputs` are the names and the shapes, None where any size will do."""

    producer: str = ""
    producer_version: str = ""
    has_graph: bool = False
    operators: set[str] = field(default_factory=set)
    inputs: list[tuple[str, tuple[int | None, ...]]] = field(default_factory=list)
    classes: tuple[str | int, ...] | None = None

    @property
    def kind(self) -> Kind:
        """What the operators make of it."""
        if self.classes is not None or any(name.endswith("Classifier") for name in self.operators):
            return "classifier"
        return "regressor" if any(name.endswith("Regressor") for name in self.operators) else "other"

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the inputs, if each is one column."""
        if len(self.inputs) > 1 and all(shape[1:] == (1,) for _, shape in self.inputs):
            return tuple(name for name, _ in self.inputs)
        return None

    @property
    def feature_count(self) -> int | None:
        """The number of columns, if it is fixed."""
        if self.feature_names is not None:
            return len(self.feature_names)
        match self.inputs:
            case [(_, (_, int(count)))]:
                return count
        return None


def read_onnx(stream: Stream) -> OnnxModel:
    """Read what is wanted of a file; refuse it if it is not ONNX."""
    model = OnnxModel()
    for part in fields_of(stream):
        match part.number:
            case _Model.PRODUCER:
                model.producer = text_of(stream, part)
            case _Model.PRODUCER_VERSION:
                model.producer_version = text_of(stream, part)
            case _Model.GRAPH if part.is_block:
                model.has_graph = True
                _read_graph(stream, part, model)
    if not model.has_graph:
        reason = "is neither a pickle nor an ONNX model"
        raise Refused(reason, hint="Save the model with joblib.dump(model, path).")
    return model


def _read_graph(stream: Stream, graph: Field, model: OnnxModel) -> None:
    for part in fields_of(stream, graph.value):
        match part.number:
            case _Graph.NODE if part.is_block:
                _read_node(stream, part, model)
            case _Graph.INPUT if part.is_block:
                model.inputs.append(_read_input(stream, part))
        if len(model.operators) + len(model.inputs) > ITEMS_MAX:
            reason = "holds more operators and inputs than infer looks at"
            raise Refused(reason)


def _read_node(stream: Stream, node: Field, model: OnnxModel) -> None:
    for part in fields_of(stream, node.value):
        match part.number:
            case _Node.OPERATOR:
                model.operators.add(text_of(stream, part))
            case _Node.ATTRIBUTE if part.is_block:
                model.classes = _read_classes(stream, part) or model.classes


def _read_classes(stream: Stream, attribute: Field) -> tuple[str | int, ...] | None:
    name = ""
    classes: list[str | int] = []
    for part in fields_of(stream, attribute.value):
        match part.number:
            case _Attribute.NAME:
                name = text_of(stream, part)
            case _Attribute.STRINGS:
                classes.append(text_of(stream, part))
            case _Attribute.INTS:
                classes.extend(islice(numbers_of(stream, part), ITEMS_MAX + 1))
        if name not in _CLASS_LABELS or len(classes) > ITEMS_MAX:
            # The name comes first; the node arrays of a forest follow theirs.
            return None
    return tuple(classes)


def _read_input(stream: Stream, described: Field) -> tuple[str, tuple[int | None, ...]]:
    name = ""
    shape: tuple[int | None, ...] = ()
    for part in fields_of(stream, described.value):
        match part.number:
            case _Input.NAME:
                name = text_of(stream, part)
            case _Input.TYPE if part.is_block:
                shape = _read_shape(stream, part)
    return name, shape


def _read_shape(stream: Stream, described: Field) -> tuple[int | None, ...]:
    for tensor in fields_of(stream, described.value):
        if tensor.number == _TENSOR and tensor.is_block:
            for shape in fields_of(stream, tensor.value):
                if shape.number == _SHAPE and shape.is_block:
                    sizes = islice(fields_of(stream, shape.value), DIMENSIONS_MAX)
                    return tuple(_read_size(stream, size) for size in sizes)
    return ()


def _read_size(stream: Stream, dimension: Field) -> int | None:
    sizes = (part.value for part in fields_of(stream, dimension.value) if not part.is_block)
    return next(sizes, None) if dimension.number == _DIMENSION and dimension.is_block else None
