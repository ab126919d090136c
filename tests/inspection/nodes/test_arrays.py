"""NumPy's dtypes and arrays are read only where they are fully understood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection.nodes.arrays import DTYPE, dtype_of, scalar_of, shape_of, values_of
from infer_cli.inspection.nodes.node_types import Array, Blob, DictNode, Global, Instance, ListNode

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node

RECONSTRUCT = Global("numpy._core.multiarray", "_reconstruct")
SCALAR = Global("numpy._core.multiarray", "scalar")


def _dtype(code: str, *state: Node) -> Instance:
    return Instance(DTYPE, (code, False, True), states=(state,) if state else ())


SHORT = _dtype("i2", 3, "<", None, None, None, -1, -1, 0)
FIELDS = DictNode(["a", (SHORT, 0)])
ITSELF = _dtype("V2")
ITSELF.states = ((3, "|", None, ("a",), DictNode(["a", (ITSELF, 0)]), 2, 1, 0),)


@pytest.mark.parametrize(
    ("dtype", "itemsize"),
    [
        (SHORT, 2),
        (_dtype("f8"), 8),
        (_dtype("U3", 3, "<", None, None, None, 12, 4, 8), 12),
        (_dtype("V2", 3, "|", None, ("a",), FIELDS, 2, 1, 16), 2),
        (_dtype("V6", 3, "|", (SHORT, (3,)), None, None, 6, 1, 0), 6),
        (_dtype("M8", 4, "<", None, None, None, -1, -1, 0, (None, ("ns", 1, 1, 1))), 8),
    ],
    ids=["short", "no state", "text", "fields", "subarray", "date"],
)
def test_dtypes(dtype: Instance, itemsize: int) -> None:
    found = dtype_of(dtype)

    assert found is not None
    assert found.itemsize == itemsize
    assert not found.has_objects


@pytest.mark.parametrize(
    "node",
    [
        None,
        Instance(Global("mine", "dtype"), ("f8",)),
        Instance(DTYPE, ()),
        Instance(DTYPE, ("f8",), DictNode([])),
        Instance(DTYPE, ("f8",), states=(None,)),
        Instance(DTYPE, ("f8",), states=((), ())),
        _dtype("float64"),
        _dtype("T16"),
        _dtype("f8", 3, "<", None, None, None, 4, 4, 0),
        _dtype("f8", 3, "<", None, None, None, -1, -1, 1),
        _dtype("O8", 3, "|", None, None, None, -1, -1, 0),
        _dtype("O8", 3, "|", None, None, None, -1, -1, 1),
        _dtype("f8", 3, "|", None, ("a",), FIELDS, 8, 1, 0),
        _dtype("V2", 3, "|", None, ("a",), None, 2, 1, 0),
        _dtype("V2", 3, "|", None, ("a",), ListNode([]), 2, 1, 0),
        _dtype("V2", 3, "|", None, ("a",), DictNode(["a", SHORT]), 2, 1, 0),
        _dtype("V2", 3, "|", None, ("a",), DictNode(["a", (None, 0)]), 2, 1, 0),
        _dtype("V2", 3, "|", (None, (2,)), None, None, 2, 1, 0),
        _dtype("V2", 3, "|", None, ("a",), FIELDS, 2, 1, 63),
        ITSELF,
    ],
)
def test_dtypes_that_are_not_understood(node: Node) -> None:
    assert dtype_of(node) is None


@pytest.mark.parametrize(
    ("node", "shape", "values"),
    [
        (Array(SHORT, (2,), b"\1\0\2\0"), (2,), (1, 2)),
        (Array(SHORT, (2,), Blob(4)), (2,), None),
        (Array(SHORT, (3,), b"\1\0\2\0"), (3,), None),
        (Array(SHORT, (1,), b"\1"), (1,), None),
        (Array(_dtype("U1"), (1,), b"\xff\xff\xff\xff"), (1,), None),
        (Array(None, (1,), b"\1"), None, None),
        (Instance(RECONSTRUCT, (), states=((1, (1,), SHORT, False, b"\1\0"),)), (1,), (1,)),
        (Instance(RECONSTRUCT, (), states=((1, (1,), SHORT),)), None, None),
        (Instance(RECONSTRUCT, (), states=((1, ("x",), SHORT, False, b"\1\0"),)), None, None),
        (Instance(RECONSTRUCT, ()), None, None),
        (Instance(Global("numpy._core.numeric", "_frombuffer"), (b"",)), None, None),
        (Instance(Global("mine", "_reconstruct"), ()), None, None),
        ((1, "a"), None, (1, "a")),
        (ListNode([1, None]), None, (1, None)),
        (ListNode([1, ListNode([])]), None, None),
        ("text", None, None),
    ],
)
def test_arrays(node: Node, shape: tuple[int, ...] | None, values: tuple[object, ...] | None) -> None:
    assert shape_of(node) == shape
    assert values_of(node) == values


@pytest.mark.parametrize(
    ("node", "value"),
    [
        (Instance(SCALAR, (SHORT, b"\xff\xff")), -1),
        (Instance(SCALAR, (SHORT, b"\1\0\2\0")), ()),
        (Instance(SCALAR, (SHORT,)), ()),
        (Instance(SCALAR, (None, b"")), ()),
        (Instance(SCALAR, (SHORT, Instance(Global("_codecs", "encode"), ("\1\0", "latin1")))), 1),
        (Instance(SCALAR, (SHORT, Instance(Global("_codecs", "encode"), ("\1\0", "utf-8")))), ()),
        (ListNode([]), ()),
        (True, True),
    ],
)
def test_scalars(node: Node, value: object) -> None:
    assert scalar_of(node) == value
