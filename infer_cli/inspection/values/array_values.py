"""Whether what arrays are made into is sound: sparse tables, splines, random states, tables of pandas.

`service/loading/array_values.py` does the same with a model that is loaded.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.arrays import objects_of, scalar_of
from infer_cli.inspection.nodes.node_types import DictNode, Global, Instance, ListNode
from infer_cli.inspection.values.soundness import (
    Unseen,
    UnsoundValue,
    array,
    integers,
    length_of,
    require,
    seen_array,
    whole,
    within,
)
from infer_cli.inspection.values.tree_values import class_name_of

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.arrays import Content
    from infer_cli.inspection.nodes.node_types import Node

    Attributes = dict[str, Node]

# How many numbers these generators make at once: a position in them lies within.
MT19937_NUMBERS = 624
PHILOX_NUMBERS = 4
LENGTH_MAX = 2**62
TABLE_DIMENSIONS = 2
BLOCK_DIMENSIONS = 3


def check_sparse(table: Instance) -> None:
    """Check a sparse table of SciPy, whose compiled code follows positions without a look at bounds."""
    own = table.state()
    shape = own.get("_shape")
    if not isinstance(shape, tuple) or not 0 < len(shape) <= TABLE_DIMENSIONS:
        raise UnsoundValue("whose shape cannot be right")
    sizes = [whole(size, "shape", 0, LENGTH_MAX) for size in shape]
    rows, columns = sizes if len(sizes) == TABLE_DIMENSIONS else (1, sizes[0])
    kind = class_name_of(table)[:3]
    if kind == "csr":
        _check_compressed(own, rows, columns)
    elif kind == "csc":
        _check_compressed(own, columns, rows)
    elif kind == "bsr":
        _, high, wide = array(own.get("data"), "data", None, None, None).shape
        require(high > 0 and wide > 0 and not rows % high and not columns % wide, "whose blocks do not fit")
        _check_compressed(own, rows // high, columns // wide)
    elif kind == "coo":
        _check_positions(own, sizes)
    elif kind == "dia":
        diagonals = array(own.get("data"), "data", None, None).shape[0]
        _whole_numbers(array(own.get("offsets"), "offsets", diagonals), "offsets")
    elif kind == "lil":
        _check_lists(own, rows, columns)
    elif kind == "dok":
        _check_keys(own, sizes)


def _whole_numbers(values: Content, name: str) -> None:
    require(values.dtype.kind in "iu", f"whose {name} are no whole numbers")


def _check_positions(own: Attributes, sizes: list[int]) -> None:
    positions = own.get("coords") or (own.get("row"), own.get("col"))
    count = array(own.get("data"), "data", None).shape[0]
    if not isinstance(positions, tuple):
        raise Unseen
    require(len(positions) == len(sizes), "whose positions are not one for each dimension")
    for at, size in zip(positions, sizes, strict=True):
        within(array(at, "positions", count), 0, size, "positions")


def _check_compressed(own: Attributes, major: int, minor: int) -> None:
    starts = array(own.get("indptr"), "indptr", major + 1)
    at = array(own.get("indices"), "indices", None)
    data = seen_array(own.get("data"), "data")
    # Of blocks, the first number of each counts.
    data = data if len(data.shape) == BLOCK_DIMENSIONS else array(own.get("data"), "data", None)
    found = f"({data.shape[0]},)"
    require(data.shape[0] == at.shape[0], f"whose data has the shape {found} in place of {at.shape[0]}")
    _whole_numbers(starts, "indptr")
    _whole_numbers(at, "indices")
    noted = integers(starts, "indptr")
    is_sound = noted is not None and noted.first == 0 and noted.last <= at.shape[0] and noted.rises
    require(is_sound, "whose indptr does not divide its indices")
    within(at, 0, minor, "indices")


def _check_lists(own: Attributes, rows: int, columns: int) -> None:
    for name in ("rows", "data"):
        array(own.get(name), name, rows)
    for at, values in zip(objects_of(own.get("rows")), objects_of(own.get("data")), strict=True):
        if not isinstance(at, ListNode) or not isinstance(values, ListNode):
            raise UnsoundValue("whose rows are not lists of one length")
        require(len(at.items) == len(values.items), "whose rows are not lists of one length")
        for column in at.items:
            whole(column, "rows", 0, columns - 1)


def _check_keys(own: Attributes, sizes: list[int]) -> None:
    # Old versions of SciPy keep the values as those of a dictionary itself, which the service sees.
    held = own.get("_dict")
    if not isinstance(held, DictNode):
        raise Unseen
    for key, _ in held.pairs():
        places = key if isinstance(key, tuple) else (key,)
        require(len(places) == len(sizes), "whose positions are not one for each dimension")
        for place, size in zip(places, sizes, strict=True):
            whole(place, "positions", 0, size - 1)


def check_spline(spline: Instance) -> None:
    """Check a `BSpline`: as many knots and coefficients as its degree takes."""
    match spline.states:
        case ((Instance() as inner, *_),):
            # From SciPy 1.18 on it holds another spline, which is checked by itself.
            require(class_name_of(inner) == "_BSpline", "whose _delegate_to is no spline")
            return
    own = spline.state()
    # Newer versions of SciPy keep them under other names.
    knots, numbers = own.get("t", own.get("_t")), own.get("c", own.get("_c"))
    degree = whole(own.get("k"), "degree", 0)
    length = array(knots, "knots", None).shape[0]
    shape = seen_array(numbers, "coefficients").shape
    require(shape, "whose coefficients are no array")
    count = length - degree - 1
    require(degree < count <= shape[0], "whose knots, coefficients and degree do not fit")
    is_first = scalar_of(own.get("axis", 0)) == 0
    require(is_first or count <= min(shape), "whose knots, coefficients and degree do not fit")


def check_random(random: Instance) -> None:
    """Check where a random state stands in the numbers that it made: the next one is read from there."""
    state = random.state()
    match random.states:
        case ((DictNode() as first, *_),):
            state = first.by_name()
    name, inside = state.get("bit_generator"), state.get("state")
    if name == "MT19937" and isinstance(inside, DictNode):
        whole(inside.by_name().get("pos"), "position", 0, MT19937_NUMBERS)
    elif name == "Philox":
        whole(state.get("buffer_pos"), "position", 0, PHILOX_NUMBERS)


def check_categories(values: Instance) -> None:
    """Check the codes of a `Categorical` of pandas, which are positions in its categories."""
    dtype, codes = _parts_of_categorical(values)
    if not isinstance(dtype, Instance):
        raise Unseen
    within(array(codes, "codes", None), -1, _length_of_index(dtype.state().get("categories")), "codes")


def _parts_of_categorical(values: Instance) -> tuple[Node, Node]:
    """Give the dtype and the codes of a `Categorical`, as its `__setstate__` takes them."""
    match values.states:
        case ((Instance() as dtype, codes, *_),):
            return dtype, codes
        case (DictNode() as state,):
            own = state.by_name()
            return own.get("_dtype"), own.get("_codes", own.get("_ndarray"))
    raise Unseen


def _length_of_index(index: Node) -> int:
    """Give the length of an index of pandas; raise `Unseen` where it is kept otherwise than as an array."""
    match index:
        case Instance(arguments=(_, DictNode() as held)):
            return _length_of_index(held.by_name().get("data"))
        case Instance(callee=Global(name="_restore_array"), arguments=((_, int(length), *_),)):
            return length
        case Instance(callee=Global(name="chunked_array"), arguments=(ListNode(items), _)):
            return sum(map(_length_of_index, items))
        case Instance() if "_pa_array" in index.state():
            return _length_of_index(index.state()["_pa_array"])
        case Instance() if "_ndarray" in index.state():
            return length_of(index.state()["_ndarray"])
    return length_of(index)


def check_multi_index(index: Instance) -> None:
    """Check the codes of an index of several levels, which are positions in its levels."""
    match index.arguments:
        case (_, DictNode() as held):
            own = held.by_name()
        case _:
            raise Unseen
    codes, levels = own.get("codes"), own.get("levels")
    if not isinstance(codes, ListNode | tuple) or not isinstance(levels, ListNode | tuple):
        raise Unseen
    lists = list(codes) if isinstance(codes, tuple) else codes.items
    known = list(levels) if isinstance(levels, tuple) else levels.items
    require(len(lists) == len(known), "whose codes are not one list for each level")
    for at, level in zip(lists, known, strict=True):
        with suppress(Unseen):
            _check_codes(at, _length_of_index(level))


def _check_codes(codes: Node, length: int) -> None:
    if isinstance(codes, ListNode):
        are_within = all(isinstance(one, int) and -1 <= one < length for one in codes.items)
        require(are_within, f"whose codes are not all from -1 to {length - 1}")
    else:
        within(array(codes, "codes", None), -1, length, "codes")
