"""Reading an ONNX model: its inputs, outputs and classes, and whether the file holds all of it.

The field numbers are those of `onnx/onnx.proto`. Weights, the bulk of a file, are skipped. Refused are
numbers in another file, and operators that are not ONNX's own: some of them read files.
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
    STRING,
    Graph,
    Operator,
    Value,
)
from infer_cli.inspection.formats.onnx_sizes import check_sizes
from infer_cli.inspection.formats.protobuf import fields_of, numbers_of, raw_of, string_of

if TYPE_CHECKING:
    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.formats.onnx_graph import Classes
    from infer_cli.inspection.formats.protobuf import Field

# How many dimensions of a tensor are read, and how deep operators may lie within operators.
DIMENSIONS_MAX = 32
DEPTH_MAX = 50
# A tensor that is a list of classes is at most this large. A larger one holds weights.
CLASSES_BYTES_MAX = 64 * 1024
# The domains of ONNX's own operators. The code of an operator of another domain is not part of ONNX.
DOMAINS = ("", "ai.onnx", "ai.onnx.ml")
# The operators of ONNX Runtime that skl2onnx writes: for the distances of neighbors, and for text.
RUNTIME_DOMAIN = "com.microsoft"
RUNTIME_OPERATORS = ("CDist", "Tokenizer")
# The attributes of a classifier that list its classes.
CLASS_LABELS = frozenset({"classlabels_strings", "classlabels_int64s", "classlabels_ints"})


# Field numbers, by message.


class _ModelFields:
    PRODUCER, PRODUCER_VERSION, GRAPH, METADATA, FUNCTION = 2, 3, 7, 14, 25


class _GraphFields:
    NODE, INITIALIZER, INPUT, OUTPUT, SPARSE_INITIALIZER = 1, 5, 11, 12, 15


class _NodeFields:
    INPUT, OUTPUT, OPERATOR, ATTRIBUTE, DOMAIN = 1, 2, 4, 5, 7


class _FunctionFields:
    NODE, ATTRIBUTE = 7, 11


class _AttributeFields:
    NAME, TENSOR, GRAPH, INTS, STRINGS, TENSORS, GRAPHS = 1, 5, 6, 8, 9, 10, 11
    SPARSE_TENSOR, SPARSE_TENSORS = 22, 23


class _TensorFields:
    TYPE, STRINGS, NAME, RAW, EXTERNAL, LOCATION = 2, 6, 8, 9, 13, 14
    # Of 32 bits, and of 64 bits.
    INTEGERS = (5, 7)


class _SparseTensorFields:
    VALUES, INDICES = 1, 2


class _ValueFields:
    NAME, TYPE = 1, 2


class _TypeFields:
    TENSOR, SEQUENCE = 1, 4


class _TensorTypeFields:
    ELEMENT, SHAPE = 1, 2


# A shape has dimensions, a dimension a size. An entry of the metadata has a key and a value.
_DIMENSION, _SIZE = 1, 1
_KEY, _VALUE = 1, 2


def read_graph(stream: Stream) -> Graph:
    """Read the graph of an ONNX model; raise `Refused` if the file is not ONNX, or not complete."""
    model = Graph()
    for part in fields_of(stream):
        match part.number:
            case _ModelFields.PRODUCER:
                model.producer = string_of(stream, part)
            case _ModelFields.PRODUCER_VERSION:
                model.producer_version = string_of(stream, part)
            case _ModelFields.GRAPH if part.is_block:
                model.has_graph = True
                _read_graph(stream, part, model, 0)
            case _ModelFields.METADATA if part.is_block:
                model.metadata |= _read_entry(stream, part)
            case _ModelFields.FUNCTION if part.is_block:
                _read_function(stream, part, model)
    if not model.has_graph:
        reason = "is neither a pickle nor an ONNX model"
        raise Refused(reason, hint="Save the model with joblib.dump(model, path).")
    check_sizes(model.all_operators, [value.name for value in model.inputs])
    return model


def _read_graph(stream: Stream, graph: Field, model: Graph, depth: int) -> None:
    """Read a graph; a graph inside an operator is only checked."""
    kept = model if depth == 0 else Graph(operators=model.operators, all_operators=model.all_operators)
    for part in fields_of(stream, graph.value):
        if part.is_block:
            _read_graph_part(stream, part, kept, depth)
        if len(kept.all_operators) + len(kept.makers) + len(kept.all_inputs) + len(kept.outputs) > ITEMS_MAX:
            reason = "holds more operators and inputs than infer reads"
            raise Refused(reason)


def _read_graph_part(stream: Stream, part: Field, model: Graph, depth: int) -> None:
    match part.number:
        case _GraphFields.NODE:
            operator = _read_node(stream, part, model, depth)
            model.makers |= dict.fromkeys(operator.outputs, operator)
        case _GraphFields.INITIALIZER:
            name, classes = _read_tensor(stream, part)
            model.constants[name] = classes
        case _GraphFields.SPARSE_INITIALIZER:
            model.constants[_read_sparse_tensor(stream, part)] = None
        case _GraphFields.INPUT:
            model.all_inputs.append(_read_value(stream, part))
        case _GraphFields.OUTPUT:
            model.outputs.append(_read_value(stream, part))


def _read_function(stream: Stream, function: Field, model: Graph) -> None:
    """Check the operators of a function: a model may define operators of its own as functions."""
    for part in fields_of(stream, function.value):
        if part.number == _FunctionFields.NODE and part.is_block:
            _read_node(stream, part, model, 1)
        elif part.number == _FunctionFields.ATTRIBUTE and part.is_block:
            _read_attribute(stream, part, model, 1)


def _read_node(stream: Stream, node: Field, model: Graph, depth: int) -> Operator:
    """Read an operator; refuse one that is not ONNX's own."""
    operator = Operator()
    for part in fields_of(stream, node.value):
        match part.number:
            case _NodeFields.OPERATOR:
                operator.name = string_of(stream, part)
            case _NodeFields.DOMAIN:
                operator.domain = string_of(stream, part)
            case _NodeFields.INPUT:
                operator.inputs.append(string_of(stream, part))
            case _NodeFields.OUTPUT:
                operator.outputs.append(string_of(stream, part))
            case _NodeFields.ATTRIBUTE if part.is_block:
                operator.classes = _read_attribute(stream, part, model, depth) or operator.classes
    is_known = operator.domain == RUNTIME_DOMAIN and operator.name in RUNTIME_OPERATORS
    if operator.domain not in DOMAINS and not is_known:
        reason = f"uses {operator.name[:60]!r} of {operator.domain[:60]!r}, which is not part of ONNX"
        raise Refused(reason, hint="Convert the model with operators of ONNX alone.")
    model.operators.add(operator.name)
    model.all_operators.append(operator)
    return operator


def _read_attribute(stream: Stream, attribute: Field, model: Graph, depth: int) -> Classes:
    """Read an attribute of an operator; give the classes if it lists them, else None."""
    if depth > DEPTH_MAX:
        reason = f"has operators within operators, more than {DEPTH_MAX} levels deep"
        raise Refused(reason)
    name = ""
    classes: list[str | int] = []
    for part in fields_of(stream, attribute.value):
        # The name comes first. Other attributes, such as the node arrays of a forest, may be large.
        is_wanted = name in CLASS_LABELS and len(classes) <= ITEMS_MAX
        match part.number:
            case _AttributeFields.NAME:
                name = string_of(stream, part)
            case _AttributeFields.STRINGS if is_wanted:
                classes.append(string_of(stream, part))
            case _AttributeFields.INTS if is_wanted:
                classes.extend(islice(numbers_of(stream, part), ITEMS_MAX + 1))
            case _AttributeFields.TENSOR | _AttributeFields.TENSORS if part.is_block:
                _read_tensor(stream, part)
            case _AttributeFields.SPARSE_TENSOR | _AttributeFields.SPARSE_TENSORS if part.is_block:
                _read_sparse_tensor(stream, part)
            case _AttributeFields.GRAPH | _AttributeFields.GRAPHS if part.is_block:
                _read_graph(stream, part, model, depth + 1)
    return tuple(classes) if name in CLASS_LABELS and 0 < len(classes) <= ITEMS_MAX else None


def _read_sparse_tensor(stream: Stream, tensor: Field) -> str:
    """Read a sparse tensor, whose values and indices are tensors; give the name of the values."""
    found = ""
    for part in fields_of(stream, tensor.value):
        if part.number in {_SparseTensorFields.VALUES, _SparseTensorFields.INDICES} and part.is_block:
            name, _ = _read_tensor(stream, part)
            found = name if part.number == _SparseTensorFields.VALUES else found
    return found


def _read_tensor(stream: Stream, tensor: Field) -> tuple[str, Classes]:
    """Read a tensor; give its name, and its elements if it is small enough to be a list of classes."""
    name, element, raw = "", 0, b""
    strings: list[str] = []
    numbers: list[int] = []
    is_small = tensor.value <= CLASSES_BYTES_MAX
    for part in fields_of(stream, tensor.value):
        if part.number == _TensorFields.EXTERNAL or (part.number == _TensorFields.LOCATION and part.value):
            _refuse_external()
        elif part.number == _TensorFields.NAME:
            name = string_of(stream, part)
        elif part.number == _TensorFields.TYPE and not part.is_block:
            element = part.value
        elif part.number == _TensorFields.STRINGS and is_small:
            strings.append(string_of(stream, part))
        elif part.number in _TensorFields.INTEGERS and is_small:
            numbers.extend(numbers_of(stream, part))
        elif part.number == _TensorFields.RAW and is_small:
            raw = raw_of(stream, part)
    return name, _elements(element, strings, numbers, raw) if is_small else None


def _elements(element: int, strings: list[str], numbers: list[int], raw: bytes) -> Classes:
    """Give the elements of a tensor of strings or integers; integers may come as raw little-endian bytes."""
    if element == STRING:
        return tuple(strings)
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
    found = {part.number: string_of(stream, part) for part in fields_of(stream, entry.value) if part.is_block}
    return {found.get(_KEY, ""): found.get(_VALUE, "")}


def _read_value(stream: Stream, described: Field) -> Value:
    value = Value()
    for part in fields_of(stream, described.value):
        match part.number:
            case _ValueFields.NAME:
                value = replace(value, name=string_of(stream, part))
            case _ValueFields.TYPE if part.is_block:
                value = _read_type(stream, part, value)
    return value


def _read_type(stream: Stream, described: Field, value: Value) -> Value:
    """Give the value with its element type and shape, if it is a tensor."""
    for choice in fields_of(stream, described.value):
        if choice.number == _TypeFields.TENSOR and choice.is_block:
            for part in fields_of(stream, choice.value):
                if part.number == _TensorTypeFields.ELEMENT and not part.is_block:
                    value = replace(value, element=part.value if part.value in ELEMENTS else 0)
                elif part.number == _TensorTypeFields.SHAPE and part.is_block:
                    sizes = islice(fields_of(stream, part.value), DIMENSIONS_MAX)
                    value = replace(value, shape=tuple(_read_size(stream, size) for size in sizes))
    return value


def _read_size(stream: Stream, dimension: Field) -> int | None:
    """Read the size of a dimension; None if any size will do."""
    if dimension.number != _DIMENSION or not dimension.is_block:
        return None
    sizes = (
        part.value
        for part in fields_of(stream, dimension.value)
        if not part.is_block and part.number == _SIZE
    )
    size = next(sizes, None)
    return size if size is not None and 0 < size < 1 << 63 else None
