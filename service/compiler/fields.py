"""The classes that the file of a compiled model may name, and how each of their fields is read.

The names are written into files, so they stay as they are. No other name is known to the reader.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from service.compiler import operations, outputs, trees
from service.compiler.codec import among, array_of, list_of, optional, pair, part, plain
from service.compiler.functions import ACTIVATIONS, DECISIONS, LINKS, Outcome
from service.compiler.parity import Trial
from service.compiler.saved import Origin, Parity, Saved
from service.errors import WrongField
from service.native.forest import Trees
from service.native.library import NODE
from service.schema.features import Feature

if TYPE_CHECKING:
    from service.compiler.codec import Fields, Reader
    from service.native.library import Array

KINDS = ("classifier", "regressor")
FEATURE_TYPES = ("number", "text", "category", "boolean", "date", "any")
# The kinds of NumPy's dtypes for floats, integers, unsigned integers and booleans.
NUMBER_KINDS = "fiub"


def _nodes(reader: Reader, value: object) -> Array:
    array = reader.array(value)
    if array.dtype != NODE or array.ndim != 1:
        raise WrongField
    return array


def _value(_: Reader, value: object) -> object:
    """Read a value of a row: null, boolean, number, string or date."""
    if isinstance(value, dict) and value.keys() == {"date"}:
        try:
            return datetime.fromisoformat(str(value["date"]))
        except ValueError:
            raise WrongField from None
    if value is not None and type(value) not in {bool, int, float, str}:
        raise WrongField
    return value


def _number_or_numbers(reader: Reader, value: object) -> object:
    return float(value) if type(value) is int or type(value) is float else NUMBERS(reader, value)


def _rows(reader: Reader, value: object) -> object:
    return list_of(list_of(_value))(reader, value) if isinstance(value, list) else TABLE(reader, value)


def _categories(reader: Reader, value: object) -> object:
    return tuple(cast("list[object]", list_of(_value)(reader, value)))


STRING, BOOLEAN, INTEGER, FLOAT = plain(str), plain(bool), plain(int), plain(float)
NUMBERS, POSITIONS, TABLE = array_of(NUMBER_KINDS), array_of("iu", 1), array_of(NUMBER_KINDS, 2)
OPERATION = part(
    *(operations.Branches, operations.Clip, operations.Fill, operations.Function, operations.Gaussian),
    *(operations.Layers, operations.Powers, operations.Product, operations.Shift, operations.Stretch),
    *(operations.Table, operations.Take, operations.Threshold, trees.Sums, trees.Votes),
)
STEPS = list_of(OPERATION)
PROGRAM = part(outputs.Average, outputs.Chain, outputs.Classifier, outputs.Regressor, outputs.TurnedBack)
# tests/service/compiler/test_fields.py compares the fields with the fields of the classes.
FIELDS: Fields = {
    outputs.Average: {"models": list_of(PROGRAM), "weights": optional(NUMBERS), "is_classifier": BOOLEAN},
    outputs.Chain: {"steps": STEPS, "model": PROGRAM},
    outputs.Classifier: {
        "scores": OPERATION,
        "decision": among(DECISIONS),
        "link": among(LINKS),
        "is_flat": BOOLEAN,
    },
    outputs.Regressor: {"scores": OPERATION, "link": optional(part(operations.Function))},
    outputs.TurnedBack: {"model": PROGRAM, "back": STEPS},
    operations.Branch: {"columns": list_of(INTEGER), "steps": STEPS},
    operations.Branches: {"branches": list_of(part(operations.Branch))},
    operations.Clip: {"low": FLOAT, "high": FLOAT},
    operations.Codes: {"lookups": list_of(part(operations.Lookup)), "start": INTEGER, "unknown": FLOAT},
    operations.Fill: {"values": NUMBERS},
    operations.Function: {"name": among(operations.FUNCTIONS)},
    operations.Gaussian: {"means": NUMBERS, "variances": NUMBERS, "constant": NUMBERS},
    operations.Layers: {
        "weights": list_of(NUMBERS),
        "intercepts": list_of(NUMBERS),
        "activation": among(ACTIVATIONS),
    },
    operations.Lookup: {
        "column": INTEGER,
        "filling": _value,
        "known": list_of(pair(_value, FLOAT)),
        "gap": optional(FLOAT),
    },
    operations.Numbers: {"columns": list_of(INTEGER), "steps": STEPS, "start": INTEGER, "end": INTEGER},
    operations.OneHot: {"lookups": list_of(part(operations.Lookup))},
    operations.Powers: {"factors": list_of(POSITIONS)},
    operations.Product: {"coefficients": NUMBERS, "intercept": _number_or_numbers},
    operations.Shift: {"center": optional(NUMBERS), "scale": optional(NUMBERS)},
    operations.Stretch: {"scale": NUMBERS, "offset": NUMBERS},
    operations.Table: {
        "parts": list_of(part(operations.Codes, operations.Numbers, operations.OneHot)),
        "width": INTEGER,
    },
    operations.Take: {"columns": POSITIONS},
    operations.Threshold: {"threshold": FLOAT},
    trees.Sums: {"trees": part(Trees), "start": array_of("f", 1), "divisor": FLOAT},
    trees.Votes: {"sums": part(trees.Sums)},
    Trees: {
        "nodes": _nodes,
        "leaf": POSITIONS,
        "values": array_of("f", 2),
        "sets": array_of("u", 2),
        "roots": POSITIONS,
        "columns": POSITIONS,
        "outputs": INTEGER,
    },
    Outcome: {"values": NUMBERS, "probabilities": optional(TABLE)},
    Trial: {"rows": _rows, "wanted": part(Outcome)},
    Feature: {
        "name": STRING,
        "type": among(FEATURE_TYPES),
        "required": BOOLEAN,
        "nullable": BOOLEAN,
        "categories": optional(_categories),
        "is_open": BOOLEAN,
        "dtype": STRING,
        "has_none": BOOLEAN,
    },
    Origin: {
        "file": STRING,
        "size_bytes": INTEGER,
        "digest": STRING,
        "estimator": STRING,
        "packages": list_of(pair(STRING, STRING)),
    },
    Parity: {
        "rows": INTEGER,
        "different_labels": INTEGER,
        "value_difference": FLOAT,
        "probability_difference": FLOAT,
    },
    Saved: {
        "kind": among(KINDS),
        "features": list_of(part(Feature)),
        "classes": optional(list_of(plain(bool, int, float, str))),
        "path": PROGRAM,
        "trial": part(Trial),
        "origin": part(Origin),
        "generated": part(Parity),
        "given": optional(part(Parity)),
    },
}
