"""From rows to rows, and from rows to scores: each operation with the numbers that it works with.

They are data, as the models are: what a path does can be read off it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from service.compiler.functions import ACTIVATIONS, Array

if TYPE_CHECKING:
    from service.compiler.functions import Step

# The functions of NumPy that a step or a target may be turned by.
FUNCTIONS = frozenset(
    {
        *(
            "abs",
            "absolute",
            "arcsinh",
            "arctan",
            "cbrt",
            "exp",
            "exp2",
            "expm1",
            "log",
            "log10",
            "log1p",
            "log2",
        ),
        *("negative", "reciprocal", "sign", "sin", "sinh", "sqrt", "square", "tanh"),
    }
)


@dataclass(frozen=True)
class Shift:
    """`(rows - center) / scale`, each of which may be left out."""

    center: Array | None
    scale: Array | None

    def __call__(self, rows: Array) -> Array:
        if self.center is None:
            return rows if self.scale is None else rows / self.scale
        shifted = rows - self.center
        if self.scale is not None:
            shifted /= self.scale
        return shifted


@dataclass(frozen=True)
class Stretch:
    """`rows * scale + offset`."""

    scale: Array
    offset: Array

    def __call__(self, rows: Array) -> Array:
        stretched = rows * self.scale
        stretched += self.offset
        return stretched


@dataclass(frozen=True)
class Clip:
    """Rows within limits."""

    low: float
    high: float

    def __call__(self, rows: Array) -> Array:
        return np.clip(rows, self.low, self.high)


@dataclass(frozen=True)
class Take:
    """Some of the columns."""

    columns: Array

    def __call__(self, rows: Array) -> Array:
        return rows.take(self.columns, axis=1)


@dataclass(frozen=True)
class Fill:
    """Missing values replaced, by column."""

    values: Array

    def __call__(self, rows: Array) -> Array:
        return np.where(np.isnan(rows), self.values, rows)


@dataclass(frozen=True)
class Threshold:
    """1 for what is over a threshold, else 0."""

    threshold: float

    def __call__(self, rows: Array) -> Array:
        return (rows > self.threshold).astype(np.float64)


@dataclass(frozen=True)
class Function:
    """A function of NumPy, of each number."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in FUNCTIONS:
            raise ValueError(self.name)

    def __call__(self, rows: Array) -> Array:
        return getattr(np, self.name)(rows)


@dataclass(frozen=True)
class Powers:
    """Products of columns: of each output, the columns to be multiplied, one after the other."""

    factors: list[Array]

    def __call__(self, rows: Array) -> Array:
        made = np.empty((len(rows), len(self.factors)))
        for position, columns in enumerate(self.factors):
            made[:, position] = rows[:, columns].prod(axis=1)
        return made


@dataclass(frozen=True)
class Product:
    """`rows @ coefficients + intercept`: flat, if the coefficients are."""

    coefficients: Array
    intercept: Any

    def __call__(self, rows: Array) -> Array:
        return rows @ self.coefficients + self.intercept


@dataclass(frozen=True)
class Gaussian:
    """The logarithm of the likelihood of rows whose columns are normal, by class."""

    means: Array
    variances: Array
    constant: Array

    def __call__(self, rows: Array) -> Array:
        squares = (rows[:, np.newaxis, :] - self.means) ** 2
        squares /= self.variances
        return self.constant - 0.5 * squares.sum(axis=2)


@dataclass(frozen=True)
class Layers:
    """A neural network up to its last layer, before that one's activation."""

    weights: list[Array]
    intercepts: list[Array]
    activation: str

    def __call__(self, rows: Array) -> Array:
        activate = ACTIVATIONS[self.activation]
        layer = rows
        last = len(self.weights) - 1
        for index, (weights, intercepts) in enumerate(zip(self.weights, self.intercepts)):
            layer = layer @ weights
            layer += intercepts
            if index < last:
                layer = activate(layer)
        return layer


@dataclass(frozen=True)
class Branch:
    """Some columns, and the steps that they go through."""

    columns: list[int]
    steps: list[Step]

    def __call__(self, rows: Array) -> Array:
        return through(self.steps, rows.take(self.columns, axis=1))


@dataclass(frozen=True)
class Branches:
    """What branches make of columns of numbers, side by side."""

    branches: list[Branch]

    def __call__(self, rows: Array) -> Array:
        return np.hstack([branch(rows) for branch in self.branches])


@dataclass(frozen=True)
class Numbers:
    """Of rows as lists of values, some columns of numbers; they go to the columns from `start` to `end`."""

    columns: list[int]
    steps: list[Step]
    start: int
    end: int

    def fill(self, rows: list[list[Any]], table: Array) -> None:
        """Put them into the table; None becomes NaN."""
        numbers = np.array([[row[at] for at in self.columns] for row in rows], dtype=np.float64)
        table[:, self.start : self.end] = through(self.steps, numbers)


@dataclass(frozen=True)
class Lookup:
    """What each value of a column stands for; `filling` stands in for a missing value if it is not None."""

    column: int
    filling: Any
    known: list[tuple[Any, float]]
    gap: float | None
    by_value: dict[Any, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_value", dict(self.known))

    def find(self, row: list[Any]) -> float | None:
        """Give the number that a row's value stands for, or None."""
        value = row[self.column]
        if value is None:
            value = self.filling
            if value is None:
                return self.gap
        return self.by_value.get(value)


@dataclass(frozen=True)
class OneHot:
    """A one in the column of the table that a value stands for."""

    lookups: list[Lookup]

    def fill(self, rows: list[list[Any]], table: Array) -> None:
        """Put the ones into the table; a value that is unknown, or was dropped, is all zeros."""
        for line, row in zip(table, rows):
            for lookup in self.lookups:
                place = lookup.find(row)
                if place is not None:
                    line[int(place)] = 1.0


@dataclass(frozen=True)
class Codes:
    """The number that a value stands for, in the columns of the table from `start` on."""

    lookups: list[Lookup]
    start: int
    unknown: float

    def fill(self, rows: list[list[Any]], table: Array) -> None:
        """Put the numbers into the table."""
        for line, row in zip(table, rows):
            for place, lookup in enumerate(self.lookups, self.start):
                code = lookup.find(row)
                line[place] = self.unknown if code is None else code


@dataclass(frozen=True)
class Table:
    """An array of `width` columns from rows that are lists of values."""

    parts: list[Any]
    width: int

    def __call__(self, rows: list[list[Any]]) -> Array:
        table = np.zeros((len(rows), self.width))
        for part in self.parts:
            part.fill(rows, table)
        return table


def through(steps: list[Step], rows: Array) -> Array:
    """Take rows through steps."""
    for step in steps:
        rows = step(rows)
    return rows
