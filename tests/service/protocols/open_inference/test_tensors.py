"""Tensors in JSON and in binary, and those of results."""

from __future__ import annotations

import math
import struct
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from service.errors import InvalidInput
from service.protocols.open_inference.tensors import (
    DTYPES,
    Tensor,
    binary,
    datatype_of,
    datatype_of_json,
    rows_of,
    shape_of_json,
    tensor_of_bytes,
    tensor_of_json,
    tensors_of_values,
)

LIMITS = {
    **{f"INT{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": (0, 2**bits - 1) for bits in (8, 16, 32, 64)},
}


def values_of(tensor: Tensor) -> list[Any]:
    values = tensor.values
    return values if isinstance(values, list) else values.tolist()


@pytest.mark.parametrize("datatype", LIMITS)
def test_whole_numbers_are_exact_to_the_limits(datatype: str) -> None:
    low, high = LIMITS[datatype]

    assert values_of(tensor_of_json("x", datatype, (2,), [low, high])) == [low, high]
    data = np.array([low, high], DTYPES[datatype]).tobytes()
    assert values_of(tensor_of_bytes("x", datatype, (2,), memoryview(data))) == [low, high]
    for beyond in (low - 1, high + 1):
        with pytest.raises(InvalidInput, match=f"too large for {datatype}"):
            tensor_of_json("x", datatype, (1,), [beyond])


@pytest.mark.parametrize(
    ("datatype", "data", "expected"),
    [
        ("INT64", [1.0, 2.0], [1, 2]),
        ("INT64", [1, None], [1, None]),
        ("FP64", [1, 2.5], [1.0, 2.5]),
        ("FP32", [0.1], [float(np.float32(0.1))]),
        ("FP32", [1e39, -1e39], [math.inf, -math.inf]),
        ("BOOL", [True, False], [True, False]),
        ("BOOL", [True, None], [True, None]),
        ("BYTES", ["a", "", None, "ö"], ["a", "", None, "ö"]),
        ("FP64", [], []),
    ],
)
def test_values_of_json_are_read(datatype: str, data: list[Any], expected: list[Any]) -> None:
    assert values_of(tensor_of_json("x", datatype, (len(data),), data)) == expected


def test_a_missing_number_is_nan() -> None:
    [value] = values_of(tensor_of_json("x", "FP64", (1,), [None]))
    assert math.isnan(value)


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]], [[[1], [2]], [[3], [4]]]])
def test_data_may_be_nested_in_any_way(data: list[Any]) -> None:
    assert values_of(tensor_of_json("x", "FP64", (2, 2), data)) == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("datatype", "data", "message"),
    [
        ("FP64", "1", "must be a list; it is a string"),
        ("FP64", [[1], 2], "mixes lists and values"),
        ("FP64", [1, [2]], "holds a list"),
        ("FP64", [True], "of datatype FP64 holds true"),
        ("FP64", ["1"], "of datatype FP64 holds a string"),
        ("FP64", [10**400], "too large for FP64"),
        ("INT64", [1.5], "of datatype INT64 holds a number"),
        ("INT64", [math.inf], "of datatype INT64 holds a number"),
        ("INT8", [True], "of datatype INT8 holds true"),
        ("BOOL", [1], "of datatype BOOL holds a number"),
        ("BYTES", [1], "of datatype BYTES holds a number"),
        ("BYTES", [["a"], [{}]], "of datatype BYTES holds an object"),
    ],
)
def test_values_of_another_type_are_refused(datatype: str, data: Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        tensor_of_json("x", datatype, (len(data),), data)


@pytest.mark.parametrize("datatype", DTYPES)
def test_binary_elements_are_little_endian(datatype: str) -> None:
    values = np.array([0, 1, 1, 0], DTYPES[datatype])
    tensor = tensor_of_bytes("x", datatype, (2, 2), memoryview(values.tobytes()))

    assert values_of(tensor) == values.tolist()
    assert binary(tensor) == values.tobytes()
    with pytest.raises(InvalidInput, match="has 4 values, and its shape"):
        tensor_of_bytes("x", datatype, (3, 2), memoryview(values.tobytes()))
    if DTYPES[datatype].itemsize > 1:
        with pytest.raises(InvalidInput, match="no multiple"):
            tensor_of_bytes("x", datatype, (2, 2), memoryview(values.tobytes()[:-1]))


def test_any_byte_but_zero_is_true() -> None:
    assert values_of(tensor_of_bytes("x", "BOOL", (3,), memoryview(b"\x00\x01\x02"))) == [False, True, True]


def test_texts_in_binary() -> None:
    texts = ["a", "", "söße"]
    tensor = Tensor("x", "BYTES", (3,), [*texts])

    assert values_of(tensor_of_bytes("x", "BYTES", (3,), memoryview(binary(tensor)))) == texts


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x01", "ends in the middle of a value"),
        (b"\x05\x00\x00\x00ab", "ends in the middle of a value"),
        (b"\xff\xff\xff\xff", "ends in the middle of a value"),
        (b"\x01\x00\x00\x00\xff", "no text in UTF-8"),
        (b"\x01\x00\x00\x00a" * 2, "has 2 values, and its shape"),
        (b"", "has 0 values, and its shape"),
    ],
)
def test_texts_that_lie_about_their_length_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        tensor_of_bytes("x", "BYTES", (1,), memoryview(data))


def test_a_shape_that_no_memory_would_hold_is_compared_only() -> None:
    with pytest.raises(InvalidInput, match=f"needs {2**80}"):
        tensor_of_json("x", "FP64", (2**40, 2**40), [1.0])


@pytest.mark.parametrize("shape", [[], [0], [2, 3], [2**40], [1] * 32])
def test_shapes_are_lists_of_sizes(shape: list[int]) -> None:
    assert shape_of_json("x", shape) == tuple(shape)


@pytest.mark.parametrize(
    "shape", [None, 4, "2x2", {}, [-1], [1.0], ["1"], [True], [None], [[1]], [2**41], [1] * 33]
)
def test_anything_else_is_no_shape(shape: object) -> None:
    with pytest.raises(InvalidInput, match="must be a list of sizes"):
        shape_of_json("x", shape)


def test_numbers_of_16_bits_come_in_binary_only() -> None:
    assert datatype_of_json("x", "FP16", is_binary=True) == "FP16"
    for datatype in ("FP16", "fp64", "STRING", "", None, 7):
        with pytest.raises(InvalidInput, match="the datatype of input"):
            datatype_of_json("x", datatype, is_binary=False)


def test_the_rows_of_a_tensor() -> None:
    assert rows_of(Tensor("x", "BYTES", (2, 2), ["a", "b", "c", "d"])) == [["a", "b"], ["c", "d"]]
    assert rows_of(Tensor("x", "FP64", (2, 1), np.array([1.0, 2.0]))) == [[1.0], [2.0]]
    assert rows_of(Tensor("x", "FP64", (0, 3), [])) == []


@pytest.mark.parametrize(
    ("values", "datatype"),
    [
        ([True, False], "BOOL"),
        ([1, 2], "INT64"),
        ([-(2**63), 2**63 - 1], "INT64"),
        ([0, 2**64 - 1], "UINT64"),
        ([-1, 2**64 - 1], "BYTES"),
        ([2**64], "BYTES"),
        ([1, 2.0], "FP64"),
        ([1.0, None], "FP64"),
        (["a"], "BYTES"),
        ([None], "BYTES"),
        ([True, 1], "BYTES"),
        ([1, "a"], "BYTES"),
    ],
)
def test_the_datatype_that_holds_all_values(values: list[Any], datatype: str) -> None:
    assert datatype_of(values) == datatype


@pytest.mark.parametrize(
    ("values", "tensors"),
    [
        ([1, 2], [("x", "INT64", (2,), [1, 2])]),
        ([[1.0, 2.0], [3.0, 4.0]], [("x", "FP64", (2, 2), [1.0, 2.0, 3.0, 4.0])]),
        ([["a", 1], ["b", True]], [("x", "BYTES", (2, 2), ["a", "1", "b", "true"])]),
        # Dates of models bear no zone.
        ([None, datetime(2026, 1, 31)], [("x", "BYTES", (2,), ["", "2026-01-31T00:00:00"])]),  # noqa: DTZ001
        ([[], []], [("x", "FP64", (2, 0), [])]),
        ([], [("x", "FP64", (0,), [])]),
        (
            [[[0.1, 0.9], [1.0]], [[0.2, 0.8], [1.0]]],
            [("x.0", "FP64", (2, 2), [0.1, 0.9, 0.2, 0.8]), ("x.1", "FP64", (2, 1), [1.0, 1.0])],
        ),
        ([[[0.1, 0.9], [0.5, 0.5]]], [("x", "FP64", (1, 2, 2), [0.1, 0.9, 0.5, 0.5])]),
    ],
)
def test_results_become_tensors(values: list[Any], tensors: list[Any]) -> None:
    assert [tuple(tensor) for tensor in tensors_of_values("x", values)] == tensors


def test_a_sparse_row_is_no_tensor() -> None:
    with pytest.raises(InvalidInput, match="too wide for a tensor"):
        tensors_of_values("transform", [{"size": 20_000, "indices": [1], "values": [1.0]}])


def test_a_text_that_is_no_text_in_utf_8_is_escaped() -> None:
    found = binary(Tensor("x", "BYTES", (1,), ["\ud800"]))

    assert found == struct.pack("<I", 6) + b"\\ud800"
