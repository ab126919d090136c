"""Hostile ONNX models: see `attacks`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto, helper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import FunctionProto, NodeProto


def graphs(_: str) -> dict[str, bytes]:
    """ONNX models that need another file, or code that is not ONNX's own; and one that is cut short."""
    elsewhere = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[2])
    elsewhere.data_location = TensorProto.EXTERNAL
    elsewhere.external_data.add(key="location", value="../../../etc/passwd")
    foreign = helper.make_node(
        "EPContext", ["X"], ["Y"], domain="com.microsoft", ep_cache_context="/etc/passwd"
    )
    add = helper.make_node("Add", ["X", "w"], ["Y"])
    constant = helper.make_node("Constant", [], ["w"], value=elsewhere)
    branch = helper.make_graph([foreign], "branch", [], [])
    choice = helper.make_node("If", ["X"], ["Y"], then_branch=branch, else_branch=branch)
    function = helper.make_function("", "Mine", ["X"], ["Y"], [foreign], [helper.make_opsetid("", 18)])
    mine = helper.make_node("Mine", ["X"], ["Y"])
    good = _graph(helper.make_node("Neg", ["X"], ["Y"]))
    return {
        "numbers of another file": _graph(add, initializers=[elsewhere]),
        "constant of another file": _graph(constant, add),
        "operator from elsewhere": _graph(foreign),
        "operator from elsewhere in a branch": _graph(choice),
        "operator from elsewhere in a function": _graph(mine, functions=[function]),
        "cut short": good[:-20],
    }


def _graph(
    *nodes: NodeProto, initializers: Sequence[TensorProto] = (), functions: Sequence[FunctionProto] = ()
) -> bytes:
    shape = [None, 2]
    made = helper.make_graph(
        list(nodes),
        "model",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("Y", TensorProto.FLOAT, shape)],
        list(initializers),
    )
    whole = helper.make_model(made, functions=list(functions), opset_imports=[helper.make_opsetid("", 18)])
    data: bytes = whole.SerializeToString()
    return data
