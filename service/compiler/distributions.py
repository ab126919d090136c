"""Finds how the columns of numbers were distributed in training, where a fitted estimator keeps it.

Kept are the rows of the training data themselves, or their quantiles. A mean with a deviation tells no
distribution: it is the same for any form, and few columns are normal. The thresholds of trees tell none,
either.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from service.compiler.column_parts import NONE, column_parts
from service.schema.distribution import Distribution, distribution_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Fitted

# Rows of the training data in nearest neighbours and Gaussian processes, and quantiles by column, each of
# which stands for as many rows.
_TABLES = ("_fit_X", "X_train_", "quantiles_")
# Of a large table, a part of the rows is enough.
_MOST_ROWS = 10_000


def distributions(estimator: Fitted, count: int) -> dict[int, Distribution]:
    """Give the distributions of the columns of an estimator with `count` columns, by their positions."""
    found: dict[int, Distribution] = {}
    # A part of another library may have attributes of the same names with anything in them.
    with suppress(Exception):
        for part, columns in column_parts(estimator, list(range(count))):
            with suppress(Exception):
                for at, distribution in _kept_by(part, len(columns)):
                    if columns[at] != NONE:
                        found.setdefault(columns[at], distribution)
    return found


def _kept_by(part: Fitted, count: int) -> Iterator[tuple[int, Distribution]]:
    for name in _TABLES:
        table = getattr(part, name, None)
        if not isinstance(table, np.ndarray) or np.shape(table)[1:] != (count,):
            continue
        sample = table[:: len(table) // _MOST_ROWS + 1]
        for at in range(count):
            distribution = distribution_of(sample[:, at])
            if distribution is not None:
                yield at, distribution
