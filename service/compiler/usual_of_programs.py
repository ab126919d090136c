"""Finds what is usual for the columns of a compiled model, from its first operations.

`usual_values` does the same for a fitted estimator, which keeps more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from service.compiler import operations, outputs, trees
from service.compiler.usual_values import DEVIATIONS, LIMIT, Told, around, usual_by_name
from service.native.library import CATEGORIES, FEATURE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.compiler.functions import Ask, Operation
    from service.native.forest import Trees
    from service.schema.features import Feature
    from service.schema.usual import Usual


# A forest may have millions of nodes; a part of them tells the range as well.
MOST_NODES = 50_000


def usual_of_program(program: Ask, features: Sequence[Feature]) -> dict[str, Usual]:
    """Give what is usual for the features that are numbers, as far as it is known, by their names."""
    return usual_by_name(features, _of_model(program, list(range(len(features)))))


def _of_model(model: Ask, columns: Sequence[int]) -> Iterator[Told]:
    if isinstance(model, outputs.Average):
        for member in model.models:
            yield from _of_model(member, columns)
    elif isinstance(model, outputs.TurnedBack):
        yield from _of_model(model.model, columns)
    elif isinstance(model, outputs.Chain):
        yield from _of_steps(model.steps, columns)
        if not model.steps:
            yield from _of_model(model.model, columns)
    elif isinstance(model, (outputs.Classifier, outputs.Regressor)):
        yield from _of_steps([model.scores], columns)


def _of_steps(steps: Sequence[Operation], columns: Sequence[int]) -> Iterator[Told]:
    """Tell what the first steps know of these columns of the rows: all after a change know others."""
    for step in steps:
        if isinstance(step, operations.Branches):
            for branch in step.branches:
                yield from _of_steps(branch.steps, [columns[at] for at in branch.columns])
        elif isinstance(step, operations.Table):
            for part in step.parts:
                if isinstance(part, operations.Numbers):
                    yield from _of_steps(part.steps, [columns[at] for at in part.columns])
        else:
            yield from _of_operation(step, columns)
        if not isinstance(step, operations.Fill):
            break


def _of_operation(step: Operation, columns: Sequence[int]) -> Iterator[Told]:
    count = len(columns)
    if isinstance(step, operations.Fill) and np.shape(step.values) == (count,):
        for column, value in zip(columns, np.asarray(step.values).tolist()):
            yield Told(column, "spread", math.nan, math.nan, value)
    elif isinstance(step, operations.Shift) and step.center is not None and step.scale is not None:
        pairs = np.transpose([step.center, step.scale]).tolist()
        for column, (center, scale) in zip(columns, pairs):
            reach = DEVIATIONS * abs(scale)
            yield Told(column, "spread", center - reach, center + reach, center)
    elif isinstance(step, operations.Stretch) and np.shape(step.scale) == np.shape(step.offset) == (count,):
        # What becomes 0 and 1, which a scaler makes of the lowest and the highest number by itself.
        with np.errstate(all="ignore"):
            ends = np.transpose([-step.offset / step.scale, (1.0 - step.offset) / step.scale]).tolist()
        for column, (low, high) in zip(columns, ends):
            yield Told(column, "bounds", low, high, (low + high) / 2)
    elif isinstance(step, (trees.Sums, trees.Votes)):
        yield from _of_trees(step.trees if isinstance(step, trees.Sums) else step.sums.trees, columns)


def _of_trees(held: Trees, columns: Sequence[int]) -> Iterator[Told]:
    nodes = held.nodes[:: len(held.nodes) // MOST_NODES + 1]
    nodes = nodes[(nodes["feature"] & CATEGORIES) == 0]
    positions, thresholds = nodes["feature"] & FEATURE, nodes["threshold"]
    is_usable = np.abs(thresholds) < LIMIT
    for at, column in enumerate(columns):
        found = thresholds[is_usable & (positions == at)]
        if len(found):
            yield around(column, found.tolist())
