"""What each part of a compiled model's file holds. No other name in a file is known."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from service.compiler import operations, outputs, trees
from service.compiler.codec import WrongField, among, array_of, list_of, optional, pair, part, plain
from service.compiler.functions import ACTIVATIONS, DECISIONS, LINKS, Outcome
from service.compiler.parity import Trial
from service.compiler.saved import Origin, Parity, Saved
from service.native.forest import Trees
from service.native.library import NODE
from service.schema.features import Feature

if TYPE_CHECKING:
    from service.compiler.codec import Fields, Reader
    from service.compiler.functions import Array

KINDS = ("classifier", "regressor")
FEATURE_TYPES = ("number", "text", "category", "boolean", "date", "any")
NUMBER_KINDS = "fiub"


def _nodes(reader: Reader, value: object) -> Array:
    array = reader.array(value)
    if array.dtype != NODE or array.ndim != 1:
        raise WrongField
    return array


def _value(_: Reader, value: object) -> object:
    """Read what a row may hold."""
    if isinstance(value, dict) and value.keys() == {"date"}:
        try:
            return datetime.fromisoformat(str(value["date"]))
        except ValueError:
            raise WrongField from None
    if value is not None and type(value) not in {bool, int, float, str}:
        raise WrongField
    return value


def _number_or_numbers(reader: Reader, value: object) -> object:
    return float(value) if type(value) in {int, float} else NUMBERS(reader, value)  # type: ignore[arg-type]


def _rows(reader: Reader, value: object) -> object:
    return list_of(list_of(_value))(reader, value) if isinstance(value, list) else TABLE(reader, value)


def _categories(reader: Reader, value: object) -> object:
    return tuple(list_of(_value)(reader, value))


TEXT, TRUTH, WHOLE, FLOAT = plain(str), plain(bool), plain(int), plain(float)
NUMBERS, POSITIONS, TABLE = array_of(NUMBER_KINDS), array_of("iu", 1), array_of(NUMBER_KINDS, 2)
STEPS = (
    *(
        operations.Branches,
        operations.Clip,
        operations.Fill,
        operations.Function,
        operations.Gaussian,
        operations.Layers,
        operations.Powers,
    ),
    *(
        operations.Product,
        operations.Shift,
        operations.Stretch,
        operations.Table,
        operations.Take,
        operations.Threshold,
    ),
    *(trees.Sums, trees.Votes),
)
STEP, SEVERAL_STEPS = part(*STEPS), list_of(part(*STEPS))
MODEL = part(outputs.Average, outputs.Chain, outputs.Classifier, outputs.Regressor, outputs.TurnedBack)
# What each part of a file holds; a test compares it with the classes.
FIELDS: Fields = {
    outputs.Average: {"models": list_of(MODEL), "weights": optional(NUMBERS), "is_classifier": TRUTH},
    outputs.Chain: {"steps": SEVERAL_STEPS, "model": MODEL},
    outputs.Classifier: {
        "scores": STEP,
        "decision": among(DECISIONS),
        "link": among(LINKS),
        "is_flat": TRUTH,
    },
    outputs.Regressor: {"scores": STEP, "link": optional(part(operations.Function))},
    outputs.TurnedBack: {"model": MODEL, "back": SEVERAL_STEPS},
    operations.Branch: {"columns": list_of(WHOLE), "steps": SEVERAL_STEPS},
    operations.Branches: {"branches": list_of(part(operations.Branch))},
    operations.Clip: {"low": FLOAT, "high": FLOAT},
    operations.Codes: {"lookups": list_of(part(operations.Lookup)), "start": WHOLE, "unknown": FLOAT},
    operations.Fill: {"values": NUMBERS},
    operations.Function: {"name": among(operations.FUNCTIONS)},
    operations.Gaussian: {"means": NUMBERS, "variances": NUMBERS, "constant": NUMBERS},
    operations.Layers: {
        "weights": list_of(NUMBERS),
        "intercepts": list_of(NUMBERS),
        "activation": among(ACTIVATIONS),
    },
    operations.Lookup: {
        "column": WHOLE,
        "filling": _value,
        "known": list_of(pair(_value, FLOAT)),
        "gap": optional(FLOAT),
    },
    operations.Numbers: {"columns": list_of(WHOLE), "steps": SEVERAL_STEPS, "start": WHOLE, "end": WHOLE},
    operations.OneHot: {"lookups": list_of(part(operations.Lookup))},
    operations.Powers: {"factors": list_of(POSITIONS)},
    operations.Product: {"coefficients": NUMBERS, "intercept": _number_or_numbers},
    operations.Shift: {"center": optional(NUMBERS), "scale": optional(NUMBERS)},
    operations.Stretch: {"scale": NUMBERS, "offset": NUMBERS},
    operations.Table: {
        "parts": list_of(part(operations.Codes, operations.Numbers, operations.OneHot)),
        "width": WHOLE,
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
        "outputs": WHOLE,
    },
    Outcome: {"values": NUMBERS, "probabilities": optional(TABLE)},
    Trial: {"rows": _rows, "wanted": part(Outcome)},
    Feature: {
        "name": TEXT,
        "type": among(FEATURE_TYPES),
        "required": TRUTH,
        "nullable": TRUTH,
        "categories": optional(_categories),
        "is_open": TRUTH,
        "dtype": TEXT,
        "has_none": TRUTH,
    },
    Origin: {
        "file": TEXT,
        "size_bytes": WHOLE,
        "digest": TEXT,
        "estimator": TEXT,
        "packages": list_of(pair(TEXT, TEXT)),
    },
    Parity: {
        "rows": WHOLE,
        "different_labels": WHOLE,
        "value_difference": FLOAT,
        "probability_difference": FLOAT,
    },
    Saved: {
        "kind": among(KINDS),
        "features": list_of(part(Feature)),
        "classes": optional(list_of(plain(bool, int, float, str))),
        "path": MODEL,
        "trial": part(Trial),
        "origin": part(Origin),
        "generated": part(Parity),
        "given": optional(part(Parity)),
    },
}
