"""What the tests of both clients of Triton send."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pandas as pd
from tritonclient.http import InferInput
from tritonclient.utils import np_to_triton_dtype

if TYPE_CHECKING:
    from tests.clients.cases import Case

WAYS = list(itertools.product([True, False], [True, False]))
WAY_IDS = ["binary both ways", "binary to JSON", "JSON to binary", "JSON both ways"]


def inputs_of(case: Case, *, is_binary: bool) -> list[InferInput]:
    """One matrix of numbers, or one input for each column of a table with more than numbers."""
    if not isinstance(case.table, pd.DataFrame) or all(dtype.kind == "f" for dtype in case.table.dtypes):
        return [tensor("any name", case.numbers, is_binary=is_binary)]
    return [
        tensor(name, column.to_numpy().reshape(-1, 1), is_binary=is_binary)
        for name, column in case.table.items()
    ]


def tensor(name: str, values: Any, *, is_binary: bool = True) -> InferInput:
    given = InferInput(name, list(values.shape), np_to_triton_dtype(values.dtype))
    return given.set_data_from_numpy(values, binary_data=is_binary)


def arrays_of(result: Any) -> dict[str, Any]:
    return {output["name"]: result.as_numpy(output["name"]) for output in result.get_response()["outputs"]}
