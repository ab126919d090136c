"""The graph of an ONNX model, and the facts that follow from it: estimator kind, classes and features.

The service's `Graph` tells the same of a model that it loads: `service/loading/onnx_graph.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from infer_cli.inspection.facts.features import Feature

if TYPE_CHECKING:
    from infer_cli.inspection.facts.features import ColumnType
    from infer_cli.inspection.facts.model import EstimatorKind

Classes: TypeAlias = "tuple[str | int, ...] | None"

# A real model has a few thousand operators at most, and as many inputs as features.
ITEMS_MAX = 100_000
# How many operators may stand between the output with the labels and the operator that makes them.
STEPS_MAX = 20
# Operators that give the elements of their input, perhaps in another shape or type.
PASSING = frozenset({"Cast", "Flatten", "Identity", "Reshape", "Squeeze"})
# Operators that pick elements from a list, which is their first input.
PICKING = frozenset({"ArrayFeatureExtractor", "Gather"})
# The key of the metadata under which a model may list the names of its columns, as JSON.
NAMES_KEY = "feature_names"
# Element types, by the numbers of `TensorProto.DataType`. Integers have their size in bytes.
STRING, BOOLEAN = 8, 9
INTEGERS = {6: 4, 7: 8}
LABELS = (*INTEGERS, STRING, BOOLEAN)
FLOATS = (1, 10, 11)
# All numbers, strings and booleans.
ELEMENTS = range(1, 14)


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output of a graph.

    `element` is the number of its element type, 0 if it is no tensor. `shape` has the size of each dimension,
    None where any size will do.
    """

    name: str = ""
    element: int = 0
    shape: tuple[int | None, ...] = ()


@dataclass(slots=True)
class Operator:
    """An operator of a graph, with the names of its inputs and outputs; a classifier has `classes`."""

    name: str = ""
    domain: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    classes: Classes = None


@dataclass(slots=True)
class Graph:
    """What a file says of an ONNX model.

    `all_inputs` are the inputs of the graph. `constants` are its tensors by name: a list of strings or
    integers, or None for any other tensor. `makers` are the operators by the names of their outputs, and
    `all_operators` also the operators within operators.
    """

    producer: str = ""
    producer_version: str = ""
    has_graph: bool = False
    operators: set[str] = field(default_factory=set)
    all_operators: list[Operator] = field(default_factory=list)
    all_inputs: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    constants: dict[str, Classes] = field(default_factory=dict)
    makers: dict[str, Operator] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> list[Value]:
        """The inputs without the constants, which up to version 3 of the format are inputs as well."""
        return [value for value in self.all_inputs if value.name not in self.constants]

    @property
    def kind(self) -> EstimatorKind:
        """The estimator kind, as the operators and outputs tell it."""
        if self._labels is not None and (
            self._traced_classes is not None
            or any(name.endswith("Classifier") for name in self.operators)
            or any("probabilit" in output.name.lower() for output in self.outputs)
        ):
            return "classifier"
        first = self.outputs[0] if self.outputs else Value()
        is_named = any(name.endswith("Regressor") for name in self.operators)
        is_single = len(self.outputs) == 1 and bool(first.shape) and first.shape[1:] in {(), (1,)}
        return "regressor" if first.element in FLOATS and (is_named or is_single) else "other"

    @property
    def classes(self) -> Classes:
        """The classes of a classifier, in the order of its probabilities; None if the graph lists none."""
        return self._traced_classes if self.kind == "classifier" else None

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of inputs of one column each, or those in the metadata if one input has all columns."""
        if len(self.inputs) > 1 and all(_is_column(value) for value in self.inputs):
            return tuple(value.name for value in self.inputs)
        return self._names if len(self.inputs) == 1 else None

    @property
    def feature_count(self) -> int | None:
        """The number of columns; None if it is not fixed."""
        if self.feature_names is not None:
            return len(self.feature_names)
        match [value.shape for value in self.inputs]:
            case [(_,)]:
                return 1
            case [(_, int(count))]:
                return count
        return None

    @property
    def features(self) -> tuple[Feature, ...] | None:
        """The columns with their types; None if their number is unknown, or if an input has no columns."""
        count, names = self.feature_count, self.feature_names
        if count is None or count > ITEMS_MAX or any(v.element not in ELEMENTS for v in self.inputs):
            return None
        elements = [value.element for value in self.inputs]
        elements = elements if len(elements) > 1 else elements * count
        listed = names or [f"x{at}" for at in range(count)]
        return tuple(Feature(name, _type_of(element)) for name, element in zip(listed, elements, strict=True))

    @property
    def _names(self) -> tuple[str, ...] | None:
        try:
            names = json.loads(self.metadata.get(NAMES_KEY) or "null")
        except (ValueError, RecursionError):
            return None
        is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
        return tuple(names) if is_list else None

    @property
    def _labels(self) -> Value | None:
        return next((output for output in self.outputs if output.element in LABELS), None)

    @property
    def _traced_classes(self) -> Classes:
        """Go back from the labels to the classifier that makes them, or to the list that holds them."""
        name = self._labels.name if self._labels is not None else ""
        for _ in range(STEPS_MAX):
            maker = self.makers.get(name)
            if maker is None:
                return None
            if maker.name.endswith("Classifier"):
                return maker.classes
            if maker.name in PICKING and maker.inputs:
                return self.constants.get(maker.inputs[0])
            if maker.name not in PASSING or not maker.inputs:
                return None
            name = maker.inputs[0]
        return None


def _is_column(value: Value) -> bool:
    return bool(value.shape) and value.shape[1:] in {(), (1,)}


def _type_of(element: int) -> ColumnType:
    if element in {STRING, BOOLEAN}:
        return "text" if element == STRING else "boolean"
    return "number"
