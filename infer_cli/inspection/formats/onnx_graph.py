"""What an ONNX model says of itself, whatever it was read from."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from infer_cli.inspection.facts.model import Feature

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import ColumnType, EstimatorKind

Classes: TypeAlias = "tuple[str | int, ...] | None"

# Real models have a few thousand operators at most, and as many inputs as features.
ITEMS_MAX = 100_000
# How far what gives the labels may be from the output.
STEPS_MAX = 20
# They pass on the elements that they take.
_PASSING = frozenset({"Cast", "Flatten", "Identity", "Reshape", "Squeeze"})
_PICKING = frozenset({"ArrayFeatureExtractor", "Gather"})
# Where a model may say how its columns are called: a list of texts in JSON.
_NAMES_KEY = "feature_names"
# The types of elements, by ONNX's numbers; whole numbers with the bytes that each takes.
TEXT, BOOLEAN = 8, 9
INTEGERS = {6: 4, 7: 8}
_LABELS = (*INTEGERS, TEXT, BOOLEAN)
_FLOATS = (1, 10, 11)
# All numbers, texts and truth values.
ELEMENTS = range(1, 14)


@dataclass(frozen=True, slots=True)
class Value:
    """An input or output: the type of its elements, 0 if it is no tensor, and its size in each dimension.

    A size is None if any will do.
    """

    name: str = ""
    element: int = 0
    shape: tuple[int | None, ...] = ()


@dataclass(slots=True)
class Operator:
    """What makes values of others; `classes` are those that it tells apart, if it is a classifier."""

    name: str = ""
    domain: str = ""
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    classes: Classes = None


@dataclass(slots=True)
class OnnxModel:
    """What was read of an ONNX model; `constants` are lists of classes among its weights, None for others."""

    producer: str = ""
    producer_version: str = ""
    has_graph: bool = False
    operators: set[str] = field(default_factory=set)
    values: list[Value] = field(default_factory=list)
    outputs: list[Value] = field(default_factory=list)
    constants: dict[str, Classes] = field(default_factory=dict)
    makers: dict[str, Operator] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    @property
    def inputs(self) -> list[Value]:
        """The inputs that are no constants, which were inputs too up to the third version of the format."""
        return [value for value in self.values if value.name not in self.constants]

    @property
    def kind(self) -> EstimatorKind:
        """What the operators and outputs make of it."""
        if self._labels is not None and (
            self._traced is not None
            or any(name.endswith("Classifier") for name in self.operators)
            or any("probabilit" in output.name.lower() for output in self.outputs)
        ):
            return "classifier"
        first = self.outputs[0] if self.outputs else Value()
        is_named = any(name.endswith("Regressor") for name in self.operators)
        is_single = len(self.outputs) == 1 and bool(first.shape) and first.shape[1:] in {(), (1,)}
        return "regressor" if first.element in _FLOATS and (is_named or is_single) else "other"

    @property
    def classes(self) -> Classes:
        """The classes in the order of the probabilities, if the graph tells them."""
        return self._traced if self.kind == "classifier" else None

    @property
    def feature_names(self) -> tuple[str, ...] | None:
        """The names of the inputs if each is one column, or those that the metadata has for one table."""
        if len(self.inputs) > 1 and all(_is_column(value) for value in self.inputs):
            return tuple(value.name for value in self.inputs)
        return self._names if len(self.inputs) == 1 else None

    @property
    def feature_count(self) -> int | None:
        """The number of columns, if it is fixed."""
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
        """The columns with what they take, if they are known and are no images or the like."""
        count, names = self.feature_count, self.feature_names
        if count is None or count > ITEMS_MAX or any(v.element not in ELEMENTS for v in self.inputs):
            return None
        elements = [value.element for value in self.inputs]
        elements = elements if len(elements) > 1 else elements * count
        listed = names or [f"x{at}" for at in range(count)]
        return tuple(Feature(name, _kind_of(element)) for name, element in zip(listed, elements, strict=True))

    @property
    def _names(self) -> tuple[str, ...] | None:
        try:
            names = json.loads(self.metadata.get(_NAMES_KEY) or "null")
        except (ValueError, RecursionError):
            return None
        is_list = isinstance(names, list) and all(isinstance(name, str) for name in names)
        return tuple(names) if is_list else None

    @property
    def _labels(self) -> Value | None:
        return next((output for output in self.outputs if output.element in _LABELS), None)

    @property
    def _traced(self) -> Classes:
        """Go back from the labels to a classifier's own classes, or to a list that they are picked from."""
        name = self._labels.name if self._labels is not None else ""
        for _ in range(STEPS_MAX):
            maker = self.makers.get(name)
            if maker is None:
                return None
            if maker.name.endswith("Classifier"):
                return maker.classes
            if maker.name in _PICKING and maker.inputs:
                return self.constants.get(maker.inputs[0])
            if maker.name not in _PASSING or not maker.inputs:
                return None
            name = maker.inputs[0]
        return None


def _is_column(value: Value) -> bool:
    return bool(value.shape) and value.shape[1:] in {(), (1,)}


def _kind_of(element: int) -> ColumnType:
    if element in {TEXT, BOOLEAN}:
        return "text" if element == TEXT else "boolean"
    return "number"
