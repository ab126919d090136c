"""ONNX models: what they say of their inputs, outputs and classes, and whether all of it is in the file.

The numbers of the fields are those of `onnx/onnx.proto`. Weights, the bulk of a file, are passed over.
`service/loading/onnx_graph.py` reads the same of a model that it loads, and is what counts when it is served.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.onnx_graph import (
    ELEMENTS,
    INTEGERS,
    ITEMS_MAX,
    TEXT,
    OnnxModel,
    Operator,
    Value,
)
from infer_cli.inspection.formats.protobuf import fields_of, numbers_of, raw_of, text_of

if TYPE_CHECKING:
    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.formats.onnx_graph import Classes
    from infer_cli.inspection.formats.protobuf import Field

DIMENSIONS_MAX = 32
DEPTH_MAX = 50
# A list of classes is not larger; weights are.
CLASSES_BYTES_MAX = 64 * 1024
# What the operators of ONNX's own domains are called by; others are code from elsewhere, or read other files.
_DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
# Those of ONNX Runtime that skl2onnx writes, for texts and for distances.
_RUNTIME_DOMAIN = "com.microsoft"
_RUNTIME_OPERATORS = ("CDist", "Tokenizer")
_CLASS_LABELS = frozenset({"classlabels_strings", "classlabels_int64s", "classlabels_ints"})


class _Model:
    PRODUCER, PRODUCER_VERSION, GRAPH, METADATA, FUNCTION = 2, 3, 7, 14, 25


class _Graph:
    NODE, INITIALIZER, INPUT, OUTPUT, SPARSE_INITIALIZER = 1, 5, 11, 12, 15


class _Node:
    INPUT, OUTPUT, OPERATOR, ATTRIBUTE, DOMAIN = 1, 2, 4, 5, 7


class _Function:
    NODE, ATTRIBUTE = 7, 11


class _Attribute:
    NAME, TENSOR, GRAPH, INTS, STRINGS, TENSORS, GRAPHS = 1, 5, 6, 8, 9, 10, 11
    SPARSE_TENSOR, SPARSE_TENSORS = 22, 23


class _Tensor:
    TYPE, STRINGS, NAME, RAW, EXTERNAL, LOCATION = 2, 6, 8, 9, 13, 14
    # Those of 32 bits, and of 64.
    INTEGERS = (5, 7)


class _SparseTensor:
    VALUES, INDICES = 1, 2


class _Value:
    NAME, TYPE = 1, 2


class _Type:
    TENSOR, SEQUENCE = 1, 4


class _TensorType:
    ELEMENT, SHAPE = 1, 2


# From a shape to the size of a dimension.
_DIMENSION, _SIZE = 1, 1
_KEY, _VALUE = 1, 2


def read_onnx(stream: Stream) -> OnnxModel:
    """Read what is wanted of a file; refuse it if it is not ONNX, or not all there."""
    model = OnnxModel()
    for part in fields_of(stream):
        match part.number:
            case _Model.PRODUCER:
                model.producer = text_of(stream, part)
            case _Model.PRODUCER_VERSION:
                model.producer_version = text_of(stream, part)
            case _Model.GRAPH if part.is_block:
                model.has_graph = True
                _read_graph(stream, part, model, 0)
            case _Model.METADATA if part.is_block:
                model.metadata |= _read_entry(stream, part)
            case _Model.FUNCTION if part.is_block:
                _read_function(stream, part, model)
    if not model.has_graph:
        reason = "is neither a pickle nor an ONNX model"
        raise Refused(reason, hint="Save the model with joblib.dump(model, path).")
    return model


def _read_graph(stream: Stream, graph: Field, model: OnnxModel, depth: int) -> None:
    """Read a graph; of one within an operator, only whether it may be run."""
    kept = model if depth == 0 else OnnxModel(operators=model.operators)
    for part in fields_of(stream, graph.value):
        if part.is_block:
            _read_graph_part(stream, part, kept, depth)
        if len(kept.makers) + len(kept.operators) + len(kept.values) + len(kept.outputs) > ITEMS_MAX:
            reason = "holds more operators and inputs than infer looks at"
            raise Refused(reason)


def _read_graph_part(stream: Stream, part: Field, model: OnnxModel, depth: int) -> None:
    match part.number:
        case _Graph.NODE:
            operator = _read_node(stream, part, model, depth)
            model.makers |= dict.fromkeys(operator.outputs, operator)
        case _Graph.INITIALIZER:
            name, classes = _read_tensor(stream, part)
            model.constants[name] = classes
        case _Graph.SPARSE_INITIALIZER:
            model.constants[_read_sparse_tensor(stream, part)] = None
        case _Graph.INPUT:
            model.values.append(_read_value(stream, part))
        case _Graph.OUTPUT:
            model.outputs.append(_read_value(stream, part))


def _read_function(stream: Stream, function: Field, model: OnnxModel) -> None:
    for part in fields_of(stream, function.value):
        if part.number == _Function.NODE and part.is_block:
            _read_node(stream, part, model, 1)
        elif part.number == _Function.ATTRIBUTE and part.is_block:
            _read_attribute(stream, part, model, 1)


def _read_node(stream: Stream, node: Field, model: OnnxModel, depth: int) -> Operator:
    operator = Operator()
    for part in fields_of(stream, node.value):
        match part.number:
            case _Node.OPERATOR:
                operator.name = text_of(stream, part)
            case _Node.DOMAIN:
                operator.domain = text_of(stream, part)
            case _Node.INPUT:
                operator.inputs.append(text_of(stream, part))
            case _Node.OUTPUT:
                operator.outputs.append(text_of(stream, part))
            case _Node.ATTRIBUTE if part.is_block:
                operator.classes = _read_attribute(stream, part, model, depth) or operator.classes
    is_known = operator.domain == _RUNTIME_DOMAIN and operator.name in _RUNTIME_OPERATORS
    if operator.domain not in _DOMAINS and not is_known:
        reason = f"uses {operator.name[:60]!r} of {operator.domain[:60]!r}, which is not part of ONNX"
        raise Refused(reason, hint="Convert the model with operators of ONNX alone.")
    model.operators.add(operator.name)
    return operator


def _read_attribute(stream: Stream, attribute: Field, model: OnnxModel, depth: int) -> Classes:
    """Give the classes, if the attribute has them."""
    if depth > DEPTH_MAX:
        reason = "has operators within operators without end"
        raise Refused(reason)
    name = ""
    classes: list[str | int] = []
    for part in fields_of(stream, attribute.value):
        # The name comes first; the node arrays of a forest follow theirs.
        is_wanted = name in _CLASS_LABELS and len(classes) <= ITEMS_MAX
        match part.number:
            case _Attribute.NAME:
                name = text_of(stream, part)
            case _Attribute.STRINGS if is_wanted:
                classes.append(text_of(stream, part))
            case _Attribute.INTS if is_wanted:
                classes.extend(islice(numbers_of(stream, part), ITEMS_MAX + 1))
            case _Attribute.TENSOR | _Attribute.TENSORS if part.is_block:
                _read_tensor(stream, part)
            case _Attribute.SPARSE_TENSOR | _Attribute.SPARSE_TENSORS if part.is_block:
                _read_sparse_tensor(stream, part)
            case _Attribute.GRAPH | _Attribute.GRAPHS if part.is_block:
                _read_graph(stream, part, model, depth + 1)
    return tuple(classes) if name in _CLASS_LABELS and 0 < len(classes) <= ITEMS_MAX else None


def _read_sparse_tensor(stream: Stream, tensor: Field) -> str:
    """Read the values and the indices, which are tensors; give the name of the values."""
    found = ""
    for part in fields_of(stream, tensor.value):
        if part.number in {_SparseTensor.VALUES, _SparseTensor.INDICES} and part.is_block:
            name, _ = _read_tensor(stream, part)
            found = name if part.number == _SparseTensor.VALUES else found
    return found


def _read_tensor(stream: Stream, tensor: Field) -> tuple[str, Classes]:
    """Give a tensor's name, and its elements if it is small enough to be a list of classes."""
    name, element, raw = "", 0, b""
    texts: list[str] = []
    numbers: list[int] = []
    is_small = tensor.value <= CLASSES_BYTES_MAX
    for part in fields_of(stream, tensor.value):
        if part.number == _Tensor.EXTERNAL or (part.number == _Tensor.LOCATION and part.value):
            _refuse_external()
        elif part.number == _Tensor.NAME:
            name = text_of(stream, part)
        elif part.number == _Tensor.TYPE and not part.is_block:
            element = part.value
        elif part.number == _Tensor.STRINGS and is_small:
            texts.append(text_of(stream, part))
        elif part.number in _Tensor.INTEGERS and is_small:
            numbers.extend(numbers_of(stream, part))
        elif part.number == _Tensor.RAW and is_small:
            raw = raw_of(stream, part)
    return name, _elements(element, texts, numbers, raw) if is_small else None


def _elements(element: int, texts: list[str], numbers: list[int], raw: bytes) -> Classes:
    """Give the elements of a tensor of texts or whole numbers; the numbers may come as bytes."""
    if element == TEXT:
        return tuple(texts)
    size = INTEGERS.get(element)
    if size is None or len(raw) % size:
        return None
    found = [int.from_bytes(raw[at : at + size], "little", signed=True) for at in range(0, len(raw), size)]
    return tuple(found or numbers)


def _refuse_external() -> None:
    reason = "keeps numbers in another file"
    hint = "Save it as one file: onnx.save(model, path, save_as_external_data=False)."
    raise Refused(reason, hint=hint)


def _read_entry(stream: Stream, entry: Field) -> dict[str, str]:
    found = {part.number: text_of(stream, part) for part in fields_of(stream, entry.value) if part.is_block}
    return {found.get(_KEY, ""): found.get(_VALUE, "")}


def _read_value(stream: Stream, described: Field) -> Value:
    value = Value()
    for part in fields_of(stream, described.value):
        match part.number:
            case _Value.NAME:
                value = replace(value, name=text_of(stream, part))
            case _Value.TYPE if part.is_block:
                value = _read_type(stream, part, value)
    return value


def _read_type(stream: Stream, described: Field, value: Value) -> Value:
    for kind in fields_of(stream, described.value):
        if kind.number == _Type.TENSOR and kind.is_block:
            for part in fields_of(stream, kind.value):
                if part.number == _TensorType.ELEMENT and not part.is_block:
                    value = replace(value, element=part.value if part.value in ELEMENTS else 0)
                elif part.number == _TensorType.SHAPE and part.is_block:
                    sizes = islice(fields_of(stream, part.value), DIMENSIONS_MAX)
                    value = replace(value, shape=tuple(_read_size(stream, size) for size in sizes))
    return value


def _read_size(stream: Stream, dimension: Field) -> int | None:
    if dimension.number != _DIMENSION or not dimension.is_block:
        return None
    sizes = (
        part.value
        for part in fields_of(stream, dimension.value)
        if not part.is_block and part.number == _SIZE
    )
    size = next(sizes, None)
    return size if size is not None and 0 < size < 1 << 63 else None
