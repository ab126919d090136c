"""A model whose work depends on the values of a row is refused by both sides; that of its shape is taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import inspect_model
from service.errors import ModelFailed, ModelUnloadable
from service.loading.model_file import load_model
from service.models.fitted_model import FittedModel

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import NodeProto


def write(file: Path, *nodes: NodeProto) -> Path:
    """Write a model of the input `x` and the output `y`; `size` is a whole number out of the row."""
    constants = {"one": [1], "far": [10**9], "zero": [0]}
    first = [
        helper.make_node("ReduceMax", ["x"], ["largest"], keepdims=0),
        helper.make_node("Cast", ["largest"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Mul", ["whole", "far"], ["size"]),
        helper.make_node("Shape", ["x"], ["shape"]),
    ]
    graph = helper.make_graph(
        [*first, *nodes, helper.make_node("ReduceSum", ["made", "one"], ["y"], keepdims=1)],
        "model",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [numpy_helper.from_array(np.array(value), name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 17)]
    file.write_bytes(helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString())
    return file


def rounds(count: str) -> list[NodeProto]:
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Add", ["held", "held"], ["next"])],
        "body",
        [
            helper.make_tensor_value_info("at", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("held", TensorProto.FLOAT, [None, 2]),
        ],
        [
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("next", TensorProto.FLOAT, [None, 2]),
        ],
    )
    return [helper.make_node("Loop", [count, "", "x"], ["made"], body=body)]


OF_VALUES = {
    "Loop": rounds("size"),
    "ConstantOfShape": [helper.make_node("ConstantOfShape", ["size"], ["made"])],
    "Expand": [
        helper.make_node("Concat", ["size", "one"], ["wanted"], axis=0),
        helper.make_node("Expand", ["x", "wanted"], ["made"]),
    ],
    "Tile": [
        helper.make_node("Concat", ["one", "size"], ["times"], axis=0),
        helper.make_node("Tile", ["x", "times"], ["made"]),
    ],
    "Range": [
        helper.make_node("Range", ["zero", "size", "one"], ["many"]),
        helper.make_node("Cast", ["many"], ["made"], to=TensorProto.FLOAT),
    ],
}
OF_SHAPES = {
    "a table of the same shape": [
        helper.make_node("ConstantOfShape", ["shape"], ["zeros"]),
        helper.make_node("Add", ["x", "zeros"], ["made"]),
    ],
    "rounds of a constant": rounds("one"),
}


@pytest.mark.parametrize("operator", OF_VALUES)
def test_both_sides_refuse_a_size_out_of_a_row(operator: str, tmp_path: Path) -> None:
    file = write(tmp_path / "model.onnx", *OF_VALUES[operator])

    reason = f"takes a size for {operator} from the values of a row"
    with pytest.raises(ModelUnreadable, match=reason):
        inspect_model(file)
    with pytest.raises(ModelUnloadable, match=reason):
        load_model(file)


@pytest.mark.parametrize("what", OF_SHAPES)
def test_both_sides_take_a_size_out_of_a_shape(what: str, tmp_path: Path) -> None:
    file = write(tmp_path / "model.onnx", *OF_SHAPES[what])

    inspect_model(file)
    model = load_model(file).model

    assert isinstance(model, FittedModel)
    assert len(model.ask([[1.0, 2.0]]).values) == 1


def test_the_runtime_writes_nothing_of_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    far = helper.make_node("Gather", ["x", "far"], ["made"], axis=1)
    model = load_model(write(tmp_path / "model.onnx", far)).model
    assert isinstance(model, FittedModel)

    with pytest.raises(ModelFailed):
        model.ask([[1.0, 2.0]])

    assert capfd.readouterr() == ("", "")
