"""Answers as columns beside the columns of a table: their names, and the values that JSON cannot say.

An answer column is called `prediction`, `probability_CLASS`, `probabilities`, `decision_function`,
`score_samples`, `distances`, `warnings` or `non_finite`. It never replaces another column: where the name is
taken, the answer column gets the first number from 2 on that makes it free, such as `prediction_2`.
"""

from __future__ import annotations

import json
import math
import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from infer_cli.client.predictions import Predictions
    from infer_cli.client.rows import Row

PREDICTION = "prediction"
PROBABILITY = "probability_"
PROBABILITIES = "probabilities"
WARNINGS = "warnings"
NON_FINITE = "non_finite"

_NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
_STEP = re.compile(r"\[(\d+)\]|\.(.*)", re.DOTALL)


class AnswerNames:
    """Names for answer columns that none of the `taken` columns has.

    A name that is free stays as it is, so `wanted` must hold all names at once. `all` are the names given.
    """

    def __init__(self, taken: Iterable[str], wanted: Iterable[str]) -> None:
        used = set(taken)
        free = dict.fromkeys(wanted)
        self._names = {name: name for name in free if name not in used}
        used.update(self._names)
        for name in free:
            if name not in self._names:
                number = 2
                while f"{name}_{number}" in used:
                    number += 1
                self._names[name] = f"{name}_{number}"
                used.add(self._names[name])
        self.all = frozenset(self._names.values())

    @classmethod
    def saved(cls, names: Mapping[str, str]) -> AnswerNames:
        """The names that were found for the same table before, as `given` gave them."""
        found = cls((), ())
        found._names = dict(names)
        found.all = frozenset(names.values())
        return found

    @property
    def given(self) -> dict[str, str]:
        """The name of each answer column, by its usual name."""
        return dict(self._names)

    def __getitem__(self, name: str) -> str:
        return self._names[name]

    @property
    def changed(self) -> dict[str, str]:
        """The answer columns whose usual name is taken, with the name that each of them got."""
        return {name: given for name, given in self._names.items() if given != name}


def answer_values(answer: Predictions, index: int) -> Row:
    """The answer to one row by the usual names; infinities and NaN stand in their places as floats.

    A model of several outputs gives `probabilities`, a list with one object for each output. Some models give
    scores besides, such as `decision_function`.
    """
    probabilities = answer.probabilities[index] if answer.probabilities else None
    scores = {name: given[index] for name, given in answer.scores.items()}
    places: Row = {PREDICTION: answer.predictions[index], PROBABILITIES: probabilities, **scores}
    if non_finite := answer.non_finite_of(index):
        places = deepcopy(places)
        for entry in non_finite:
            _put(places, str(entry.get("field")), _NOT_FINITE.get(str(entry.get("value")), math.nan))
        probabilities = places[PROBABILITIES]
    values: Row = {PREDICTION: places[PREDICTION]}
    if isinstance(probabilities, dict):
        values |= {f"{PROBABILITY}{label}": value for label, value in probabilities.items()}
    elif probabilities is not None:
        values[PROBABILITIES] = probabilities
    return {**values, **{name: places[name] for name in scores}}


def as_cell(value: object) -> object:
    """A value of an answer as a CSV cell: `inf`, `-inf` and `nan` for what JSON cannot say, lists as JSON."""
    if isinstance(value, float):
        return value if math.isfinite(value) else _not_finite_text(value)
    return json.dumps(_json_value(value), ensure_ascii=False) if isinstance(value, (list, dict)) else value


def warnings_text(warnings: Collection[Row]) -> str:
    """The messages of the warnings of one row, for a cell."""
    return "; ".join(str(warning.get("message", warning.get("problem"))) for warning in warnings)


def _json_value(value: object) -> object:
    if isinstance(value, dict):
        return {name: _json_value(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_json_value(part) for part in value]
    return _not_finite_text(value) if isinstance(value, float) and not math.isfinite(value) else value


def _not_finite_text(value: float) -> str:
    return "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"


def _put(places: Row, field: str, value: float) -> None:
    """Put a value where `field` says: at `prediction`, `prediction[2]` or `probabilities.CLASS`."""
    name = re.split(r"[\[.]", field, maxsplit=1)[0]
    steps: list[str | int] = [name]
    rest = field[len(name) :]
    while rest and (step := _STEP.match(rest)):
        steps.append(int(step[1]) if step[1] else step[2])
        rest = rest[step.end() :]
    place: object = places
    for step_at, key in enumerate(steps, 1):
        is_there = (
            key in place if isinstance(place, dict) else isinstance(place, list) and key in range(len(place))
        )
        if not is_there or not isinstance(place, dict | list):
            return
        inside: Any = place
        if step_at == len(steps):
            inside[key] = value
        place = inside[key]
