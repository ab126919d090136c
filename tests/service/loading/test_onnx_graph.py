"""What a graph tells of its columns, and graphs that cannot be served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from onnx import TensorProto

from tests.service.loading.both_sides import check_both_sides
from tests.service.loading.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_column_names_come_from_the_metadata(write_graph: Callable[..., Path]) -> None:
    file = write_graph(("X", TensorProto.FLOAT, [None, None]), feature_names='["length", "width"]')

    predictor = check_both_sides(file)

    assert [feature.name for feature in predictor.features] == ["length", "width"]
    assert predictor.predict([[1.5, 2.0]]).values == [[1.5, 2.0]]


def test_an_input_of_one_dimension_is_one_column(write_graph: Callable[..., Path]) -> None:
    predictor = check_both_sides(write_graph(("X", TensorProto.DOUBLE, [None])))

    assert predictor.model.kind == "regressor"
    assert predictor.predict([[0.1], [0.2]]).values == [0.1, 0.2]


@pytest.mark.parametrize(
    ("inputs", "metadata", "problem"),
    [
        pytest.param(
            [("X", TensorProto.FLOAT, [None, 3, 8, 8])],
            {},
            "it takes 'X' with 4 dimensions, which is no table. ",
            id="images",
        ),
        pytest.param(
            [("X", TensorProto.COMPLEX64, [None, 2])],
            {},
            "it takes 'X', which is no table of numbers, strings or booleans. ",
            id="complex numbers",
        ),
        pytest.param(
            [("X", TensorProto.FLOAT, [4, 2])], {}, "it takes exactly 4 rows at a time. ", id="four rows"
        ),
        pytest.param(
            [("X", TensorProto.FLOAT, [None, None])],
            {},
            "it does not say how many features it takes. Convert it with a fixed number",
            id="any number of columns",
        ),
        pytest.param(
            [("X", TensorProto.FLOAT, [None, 2])],
            {"feature_names": '["a"]'},
            "it has 1 names in its metadata for 2 features. ",
            id="other names",
        ),
        pytest.param(
            [("X", TensorProto.FLOAT, [None, 2]), ("Z", TensorProto.FLOAT, [None, 1])],
            {},
            "it takes several inputs, and 'X' is not one column. Convert it with one input for all",
            id="several tables",
        ),
    ],
)
def test_a_model_without_rows_of_columns_cannot_be_served(
    inputs: list[tuple[str, int, list[int | None]]],
    metadata: dict[str, str],
    problem: str,
    write_graph: Callable[..., Path],
) -> None:
    assert problem_of(write_graph(*inputs, **metadata)).startswith(problem)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"\x08\x07", "it is no ONNX model. "),
        (b"\x08\x07\x12\x40ORTM", "it is of ONNX Runtime's own format. Save it as .onnx."),
        (b"\x08\x07\x3a\x40", "it is no ONNX model, or is cut short. "),
        (b"\x08\x07\x3a\x00", "it has no inputs or no outputs. "),
    ],
)
def test_a_file_that_is_no_onnx_model(data: bytes, problem: str, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(data)

    assert problem_of(file).startswith(problem)
