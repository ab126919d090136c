"""What is noted of arrays as their bytes pass, whatever the pieces are."""

from __future__ import annotations

import numpy as np
import pytest

from infer_cli.inspection.nodes.noters import noter_for
from infer_cli.inspection.nodes.notes import HalvesNotes, IntegerNotes, Layout, TreeNotes

NODES = np.dtype([("left_child", "<i8"), ("right_child", "<i8"), ("feature", "<i8"), ("threshold", "<f8")])
TREE = Layout(32, (("left_child", 0, "q"), ("right_child", 8, "q"), ("feature", 16, "q")))
HALVES = np.dtype([("idx_start", "<i8"), ("idx_end", "<i8"), ("is_leaf", "<i8"), ("radius", "<f8")])
NEIGHBORS = Layout(32, (("idx_start", 0, "q"), ("idx_end", 8, "q"), ("is_leaf", 16, "q")))


def noted(layout: Layout, data: bytes, piece: int) -> object:
    noter = noter_for(layout, len(data))
    assert noter is not None
    for at in range(0, len(data), piece):
        noter.take(data[at : at + piece])
    return noter.notes()


def chain(length: int) -> np.ndarray:
    """Give the nodes of a tree as scikit-learn writes them: each inner node has a leaf as its right child."""
    nodes = np.zeros(2 * length + 1, dtype=NODES)
    nodes["left_child"] = nodes["right_child"] = -1
    nodes["feature"] = -2
    inner = np.arange(length)
    nodes["left_child"][:length] = inner + 1
    nodes["right_child"][:length] = 2 * length - inner
    nodes["feature"][:length] = inner % 300
    return nodes


@pytest.mark.parametrize("piece", [1, 33, 4096, 10**6])
@pytest.mark.parametrize("length", [1, 50, 10_000])
def test_sound_trees_of_any_length(length: int, piece: int) -> None:
    notes = noted(TREE, chain(length).tobytes(), piece if length < 10_000 else max(piece, 33))

    assert isinstance(notes, TreeNotes)
    assert notes.children.wrong is None
    assert notes.children.is_whole
    assert not notes.has_lone_child
    assert notes.worst == (min(length, 300) - 1, min(length, 300) - 1)


@pytest.mark.parametrize("at", [0, 5000, 9999])
@pytest.mark.parametrize(
    ("field", "value"),
    [("left_child", 0), ("right_child", -5), ("right_child", 10**12), ("left_child", 20_001)],
)
def test_a_child_that_does_not_come_after_its_node(field: str, value: int, at: int) -> None:
    nodes = chain(10_000)
    nodes[field][at] = value

    notes = noted(TREE, nodes.tobytes(), 100_000)

    assert isinstance(notes, TreeNotes)
    assert notes.children.wrong == (at, value)


@pytest.mark.parametrize("at", [0, 4000, 9998])
def test_two_parents_and_lone_children(at: int) -> None:
    nodes = chain(10_000)
    nodes["right_child"][at] = nodes["right_child"][at + 1]
    notes = noted(TREE, nodes.tobytes(), 100_000)
    nodes["left_child"][at] = -1
    lone = noted(TREE, nodes.tobytes(), 100_000)

    assert isinstance(notes, TreeNotes)
    assert isinstance(lone, TreeNotes)
    assert not notes.children.is_whole
    assert lone.has_lone_child


@pytest.mark.parametrize("value", [-1, -(2**63), 300, 2**40])
def test_the_worst_feature(value: int) -> None:
    nodes = chain(10_000)
    nodes["feature"][7000] = value

    notes = noted(TREE, nodes.tobytes(), 100_000)

    assert isinstance(notes, TreeNotes)
    assert notes.worst == (7000, value)


@pytest.mark.parametrize("code", ["<i1", "<u1", "<i2", "<i4", "<i8", ">i8", ">i4", "<u8"])
@pytest.mark.parametrize("piece", [3, 64, 10**6])
def test_bounds_of_whole_numbers(code: str, piece: int) -> None:
    values = np.array([3, 5, 5, 100, 7], dtype=code)
    letter = {"i1": "b", "u1": "B", "i2": "h", "i4": "i", "i8": "q", "u8": "Q"}[code[1:]]
    layout = Layout(values.itemsize, (("", 0, letter),), is_big_endian=code[0] == ">")

    notes = noted(layout, values.tobytes(), piece)

    assert isinstance(notes, IntegerNotes)
    assert (notes.high, notes.first, notes.last, notes.rises) == (100, 3, 7, False)
    assert notes.low >= 0


@pytest.mark.parametrize("piece", [8, 100, 10**6])
def test_negative_numbers_and_orders(piece: int) -> None:
    layout = Layout(8, (("", 0, "q"),))
    order = np.random.default_rng(0).permutation(1000)
    twice = np.where(order == 999, 0, order)

    below = noted(layout, np.array([4, -3, 2]).tobytes(), piece)
    notes = noted(layout, order.tobytes(), piece)
    other = noted(layout, twice.tobytes(), piece)

    assert isinstance(below, IntegerNotes)
    assert isinstance(notes, IntegerNotes)
    assert isinstance(other, IntegerNotes)
    assert (below.low, below.high) == (-3, 4)
    assert notes.is_order
    assert not other.is_order


def test_nodes_that_halve_the_rows() -> None:
    nodes = np.array([(0, 9, 0, 1.0), (0, 4, 1, 1.0), (4, 9, 1, 1.0)], dtype=HALVES)
    notes = noted(NEIGHBORS, nodes.tobytes(), 32)
    nodes["idx_start"][2] = 5
    shifted = noted(NEIGHBORS, nodes.tobytes(), 7)

    assert notes == HalvesNotes(NEIGHBORS, 3, 9, is_halved=True, ends_in_leaves=True)
    assert isinstance(shifted, HalvesNotes)
    assert not shifted.is_halved
