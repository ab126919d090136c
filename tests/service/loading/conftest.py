from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import onnx
import pytest
import skops.io
from onnx import helper

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def save_skops(tmp_path: Path) -> Callable[..., Path]:
    """Save a model with skops, with a change to its schema."""

    def save(model: object, change: Callable[[str], str] = str) -> Path:
        plain, file = tmp_path / "plain.skops", tmp_path / "model.skops"
        skops.io.dump(model, plain)
        with zipfile.ZipFile(plain) as source, zipfile.ZipFile(file, "w") as target:
            for name in source.namelist():
                data = source.read(name)
                target.writestr(name, change(data.decode()) if name == "schema.json" else data)
        return file

    return save


@pytest.fixture
def write_graph(tmp_path: Path) -> Callable[..., Path]:
    """Write a model of one operator that takes inputs, each given by its name, element type and shape."""

    def write(*inputs: tuple[str, int, list[int | None]], **metadata: str) -> Path:
        nodes = [helper.make_node("Identity", [inputs[0][0]], ["Y"])]
        values = [helper.make_tensor_value_info(*one) for one in inputs]
        output = helper.make_tensor_value_info("Y", inputs[0][1], inputs[0][2])
        graph = helper.make_graph(nodes, "model", values, [output])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        helper.set_model_props(model, metadata)
        file = tmp_path / "model.onnx"
        onnx.save(model, file)
        return file

    return write
