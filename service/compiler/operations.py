"""Operations: rows in, rows or scores out, as serialisable dataclasses.

Each operation holds the numbers that it computes with. The names of classes and fields are written into
compiled models.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from service.compiler.functions import ACTIVATIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.compiler.functions import Operation
    from service.native.library import Array
    from service.schema.features import Rows, Value

    MixedRows = Sequence[Sequence[Value]]

# The functions of NumPy that `Function` may call: each turns every number into one number.
FUNCTIONS = frozenset(
    {
        *("abs", "absolute", "arcsinh", "arctan", "cbrt", "exp", "exp2", "expm1", "log", "log10", "log1p"),
        *("log2", "negative", "reciprocal", "sign", "sin", "sinh", "sqrt", "square", "tanh"),
    }
)


@dataclass(frozen=True)
class Shift:
    """`(rows - center) / scale`. Either may be None, and is then left out."""

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
    """Numbers below `low` become `low`, and numbers above `high` become `high`."""

    low: float
    high: float

    def __call__(self, rows: Array) -> Array:
        return np.clip(rows, self.low, self.high)


@dataclass(frozen=True)
class Take:
    """Some of the columns, by position."""

    columns: Array

    def __call__(self, rows: Array) -> Array:
        return rows.take(self.columns, axis=1)


@dataclass(frozen=True)
class Fill:
    """Each missing value is replaced by the value of its column."""

    values: Array

    def __call__(self, rows: Array) -> Array:
        return np.where(np.isnan(rows), self.values, rows)


@dataclass(frozen=True)
class Threshold:
    """1 for a number above the threshold, else 0."""

    threshold: float

    def __call__(self, rows: Array) -> Array:
        return (rows > self.threshold).astype(np.float64)


@dataclass(frozen=True)
class Function:
    """A function of NumPy, applied to each number. Raises `ValueError` for a name not in `FUNCTIONS`."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in FUNCTIONS:
            raise ValueError(self.name)

    def __call__(self, rows: Array) -> Array:
        made: Array = getattr(np, self.name)(rows)
        return made


@dataclass(frozen=True)
class Powers:
    """Products of columns: for each output column, the positions of the columns that are multiplied."""

    factors: list[Array]

    def __call__(self, rows: Array) -> Array:
        made = np.empty((len(rows), len(self.factors)))
        for position, columns in enumerate(self.factors):
            made[:, position] = rows[:, columns].prod(axis=1)
        return made


@dataclass(frozen=True)
class Product:
    """`rows @ coefficients + intercept`. The result is flat if the coefficients are flat."""

    coefficients: Array
    intercept: Array | float

    def __call__(self, rows: Array) -> Array:
        made: Array = rows @ self.coefficients + self.intercept
        return made


@dataclass(frozen=True)
class Gaussian:
    """The logarithm of the likelihood of each row by class, where each column has a normal distribution."""

    means: Array
    variances: Array
    constant: Array

    def __call__(self, rows: Array) -> Array:
        squares = (rows[:, np.newaxis, :] - self.means) ** 2
        squares /= self.variances
        likelihoods: Array = self.constant - 0.5 * squares.sum(axis=2)
        return likelihoods


@dataclass(frozen=True)
class Layers:
    """A neural network without the activation of its last layer."""

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
    """Some of the columns, and the operations that they go through."""

    columns: list[int]
    steps: list[Operation]

    def __call__(self, rows: Array) -> Array:
        return through(self.steps, rows.take(self.columns, axis=1))


@dataclass(frozen=True)
class Branches:
    """The columns that the branches give, side by side."""

    branches: list[Branch]

    def __call__(self, rows: Array) -> Array:
        return np.hstack([branch(rows) for branch in self.branches])


@dataclass(frozen=True)
class Numbers:
    """Columns of numbers in mixed rows, and the operations that they go through.

    The results go to the columns from `start` to `end` of the table.
    """

    columns: list[int]
    steps: list[Operation]
    start: int
    end: int

    def fill(self, rows: MixedRows, table: Array) -> None:
        """Write the results for mixed rows into the table; None is read as NaN."""
        numbers = np.array([[row[at] for at in self.columns] for row in rows], dtype=np.float64)
        table[:, self.start : self.end] = through(self.steps, numbers)


@dataclass(frozen=True)
class Lookup:
    """The number for each known value of a column.

    `filling` replaces a missing value. Where it is None, `gap` is the number for a missing value, or None if
    a missing value has no number.
    """

    column: int
    filling: Value
    known: list[tuple[Value, float]]
    gap: float | None
    by_value: dict[Value, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_value", dict(self.known))

    def find(self, row: Sequence[Value]) -> float | None:
        """Give the number for the value of a row, or None for an unknown value."""
        value = row[self.column]
        if value is None:
            value = self.filling
            if value is None:
                return self.gap
        return self.by_value.get(value)


@dataclass(frozen=True)
class OneHot:
    """A one in the column of the table that a lookup gives for a value."""

    lookups: list[Lookup]

    def fill(self, rows: MixedRows, table: Array) -> None:
        """Write the ones into the table, which is zero; an unknown or dropped value writes nothing."""
        for line, row in zip(table, rows):
            for lookup in self.lookups:
                place = lookup.find(row)
                if place is not None:
                    line[int(place)] = 1.0


@dataclass(frozen=True)
class Codes:
    """The number that each lookup gives for a value, in the columns of the table from `start` on."""

    lookups: list[Lookup]
    start: int
    unknown: float

    def fill(self, rows: MixedRows, table: Array) -> None:
        """Write the numbers into the table; `unknown` stands for an unknown value."""
        for line, row in zip(table, rows):
            for place, lookup in enumerate(self.lookups, self.start):
                code = lookup.find(row)
                line[place] = self.unknown if code is None else code


@dataclass(frozen=True)
class Table:
    """An array of `width` columns from mixed rows: lists of values, in the order of the features."""

    parts: list[Codes | Numbers | OneHot]
    width: int

    def __call__(self, rows: MixedRows) -> Array:
        table = np.zeros((len(rows), self.width))
        for part in self.parts:
            part.fill(rows, table)
        return table


def through(operations: Sequence[Operation], rows: Rows) -> Array:
    """Give what the operations make of rows, one operation after the other."""
    for operation in operations:
        rows = operation(rows)
    return rows  # type: ignore[return-value]  # `Table` comes first where rows are lists
