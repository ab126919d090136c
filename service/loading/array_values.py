"""Whether what arrays are made into is sound: sparse tables, splines, random states, tables of pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from service.errors import UnsoundValue
from service.loading.soundness import array, attributes, require, whole, within

if TYPE_CHECKING:
    from service.loading.soundness import Array, Part

# How many numbers these generators make at once: a position in them lies within.
MT19937_NUMBERS = 624
PHILOX_NUMBERS = 4
LENGTH_MAX = 2**62
TABLE_DIMENSIONS = 2


def check_sparse(table: Part) -> None:
    """Check a sparse table of SciPy, whose compiled code follows positions without a look at bounds."""
    own = attributes(table)
    shape = own.get("_shape")
    require(isinstance(shape, tuple) and 0 < len(shape) <= TABLE_DIMENSIONS, "whose shape cannot be right")
    sizes = [whole(size, "shape", 0, LENGTH_MAX) for size in shape]
    rows, columns = sizes if len(sizes) == TABLE_DIMENSIONS else (1, sizes[0])
    kind = type(table).__name__[:3]
    if kind == "csr":
        _check_compressed(own, rows, columns)
    elif kind == "csc":
        _check_compressed(own, columns, rows)
    elif kind == "bsr":
        blocks = array(own.get("data"), "data", None, None, None)
        _, high, wide = blocks.shape
        require(high > 0 and wide > 0 and not rows % high and not columns % wide, "whose blocks do not fit")
        _check_compressed({**own, "data": blocks[:, 0, 0]}, rows // high, columns // wide)
    elif kind == "coo":
        positions = own.get("coords") or (own.get("row"), own.get("col"))
        count = len(array(own.get("data"), "data", None))
        require(len(positions) == len(sizes), "whose positions are not one for each dimension")
        for at, size in zip(positions, sizes):
            within(array(at, "positions", count), 0, size, "positions")
    elif kind == "dia":
        diagonals = array(own.get("data"), "data", None, None)
        _whole_numbers(array(own.get("offsets"), "offsets", len(diagonals)), "offsets")
    elif kind == "lil":
        _check_lists(own, rows, columns)
    else:
        _check_keys(table, own, sizes)


def _whole_numbers(values: Array, name: str) -> None:
    require(values.dtype.kind in "iu", f"whose {name} are no whole numbers")


def _check_compressed(own: Part, major: int, minor: int) -> None:
    starts = array(own.get("indptr"), "indptr", major + 1)
    at = array(own.get("indices"), "indices", None)
    array(own.get("data"), "data", len(at))
    _whole_numbers(starts, "indptr")
    _whole_numbers(at, "indices")
    is_sound = int(starts[0]) == 0 and int(starts[-1]) <= len(at) and bool((starts[1:] >= starts[:-1]).all())
    require(is_sound, "whose indptr does not divide its indices")
    within(at, 0, minor, "indices")


def _check_lists(own: Part, rows: int, columns: int) -> None:
    lists = array(own.get("rows"), "rows", rows), array(own.get("data"), "data", rows)
    for at, values in zip(*(both.tolist() for both in lists)):
        are_lists = isinstance(at, list) and isinstance(values, list) and len(at) == len(values)
        require(are_lists, "whose rows are not lists of one length")
        for column in at:
            whole(column, "rows", 0, columns - 1)


def _check_keys(table: Part, own: Part, sizes: list[int]) -> None:
    held = own.get("_dict", table)
    require(isinstance(held, dict), "whose values are in no dictionary")
    for key in held:
        places = key if isinstance(key, tuple) else (key,)
        require(len(places) == len(sizes), "whose positions are not one for each dimension")
        for place, size in zip(places, sizes):
            whole(place, "positions", 0, size - 1)


def check_spline(spline: Part) -> None:
    """Check a `BSpline`: as many knots and coefficients as its degree takes."""
    own = attributes(spline)
    inner = own.get("_delegate_to")
    if inner is not None:
        # From SciPy 1.18 on it holds another spline, which is checked by itself.
        require(type(inner).__name__ == "_BSpline", "whose _delegate_to is no spline")
        return
    # Newer versions of SciPy keep them under other names.
    knots, numbers = own.get("t", own.get("_t")), own.get("c", own.get("_c"))
    degree = whole(own.get("k"), "degree", 0)
    array(knots, "knots", None)
    require(isinstance(numbers, np.ndarray) and numbers.ndim > 0, "whose coefficients are no array")
    count = len(knots) - degree - 1
    require(degree < count <= len(numbers), "whose knots, coefficients and degree do not fit")
    axis = own.get("axis", 0)
    require(axis == 0 or count <= min(numbers.shape), "whose knots, coefficients and degree do not fit")


def check_random(random: Part) -> None:
    """Check where a random state stands in the numbers that it made: the next one is read from there."""
    generator: Any = getattr(random, "_bit_generator", None) or getattr(random, "bit_generator", random)
    state = generator.state
    name = state.get("bit_generator")
    if name == "MT19937":
        whole(state["state"]["pos"], "position", 0, MT19937_NUMBERS)
    elif name == "Philox":
        whole(state["buffer_pos"], "position", 0, PHILOX_NUMBERS)


def check_categories(values: Part) -> None:
    """Check the codes of a `Categorical` of pandas, which are positions in its categories."""
    codes = array(values.codes, "codes", None)
    within(codes, -1, len(values.categories), "codes")


def check_multi_index(index: Part) -> None:
    """Check the codes of an index of several levels, which are positions in its levels."""
    require(len(index.codes) == len(index.levels), "whose codes are not one list for each level")
    for codes, level in zip(index.codes, index.levels):
        within(array(np.asarray(codes), "codes", len(index.codes[0])), -1, len(level), "codes")


def check_blocks(manager: Part) -> None:
    """Check the blocks of a table of pandas: each column lies in one of them."""
    columns = len(manager.axes[0]) if manager.ndim == TABLE_DIMENSIONS else 1
    rows = len(manager.axes[-1])
    is_there = np.zeros(columns, dtype=bool)
    count = 0
    for block in manager.blocks:
        require(getattr(block.values, "shape", (None,))[-1] == rows, "whose blocks do not have its rows")
        require(block.ndim == manager.ndim, "whose blocks do not have its dimensions")
        if manager.ndim != TABLE_DIMENSIONS:
            continue
        at = np.asarray(block.mgr_locs.as_array)
        within(at, 0, columns, "blocks' positions")
        width = block.values.shape[0] if getattr(block.values, "ndim", 1) == TABLE_DIMENSIONS else 1
        require(len(at) == width, "whose blocks do not have its columns")
        is_there[at] = True
        count += len(at)
    if manager.ndim == TABLE_DIMENSIONS:
        require(count == columns and bool(is_there.all()), "whose blocks do not have its columns")


def check_arrow(values: Part) -> None:
    """Check an array of Arrow by Arrow's own full validation."""
    try:
        values.validate(full=True)
    except Exception as error:  # Arrow's own errors; pyarrow may be missing here.
        raise UnsoundValue("whose buffers do not fit its length") from error
