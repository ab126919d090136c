"""Values and dtypes have the column type that a request must hold."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection import Global
from infer_cli.inspection.facts.value_types import type_of, type_of_dtype

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.arrays import Plain
    from infer_cli.inspection.nodes.node_types import Node


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param((True, False), "boolean", id="booleans"),
        pytest.param((1, 2.5), "number", id="integers and floats"),
        pytest.param(("a", "b"), "text", id="strings"),
        pytest.param((), None, id="no values"),
        pytest.param((1, True), "number", id="a boolean among integers"),
        pytest.param((1, "a"), None, id="a string among integers"),
        pytest.param((1.5, math.nan), None, id="NaN"),
        pytest.param(("a", None), None, id="None"),
    ],
)
def test_values(values: tuple[Plain, ...], expected: str | None) -> None:
    assert type_of(values) == expected


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        pytest.param("number", "number", id="number"),
        pytest.param("int64", "number", id="with a size"),
        pytest.param("Float32", "number", id="of pandas"),
        pytest.param("datetime64[ns]", "date", id="with a unit"),
        pytest.param("object", "text", id="object"),
        pytest.param("category", "category", id="category"),
        pytest.param(Global("builtins", "bool"), "boolean", id="a class"),
        pytest.param(Global("numpy", "bool_"), "boolean", id="a class of NumPy"),
        pytest.param("timedelta64[ns]", None, id="unknown"),
        pytest.param(3, None, id="neither a string nor a class"),
    ],
)
def test_dtypes_of_selectors(dtype: Node, expected: str | None) -> None:
    assert type_of_dtype(dtype) == expected
