"""What an encoder of category_encoders tells of its columns: the type of the categories that it learned.

`service/schema/encoder_columns.py` reads the same of a loaded model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.facts.columns import Column, LearnedFeatures, merged
from infer_cli.inspection.facts.parts import class_name, listed
from infer_cli.inspection.facts.value_types import is_nan, type_of
from infer_cli.inspection.nodes.arrays import dtype_of, scalar_of, values_of
from infer_cli.inspection.nodes.node_types import DictNode, Instance, ListNode, Node

if TYPE_CHECKING:
    from infer_cli.inspection.facts.features import ColumnType
    from infer_cli.inspection.nodes.arrays import Plain

# How deep an index lies in a pickled table of pandas, at most.
DEPTH_MAX = 8
# Functions of pandas that make an index, by the type of the values where the name tells it.
INDEX_MAKERS: dict[str, ColumnType | None] = {"_new_Index": None, "_new_DatetimeIndex": "date"}
# The arrays in which pandas holds strings.
STRING_ARRAYS = frozenset(
    {
        "ArrowStringArray",
        "ArrowStringArrayNumpySemantics",
        "StringArray",
        "StringArrayNumpySemantics",
    }
)


def is_encoder(part: Instance) -> bool:
    """Say whether a part is an encoder of category_encoders that says which columns it takes."""
    state = part.state()
    return (
        part.made_by is not None
        and part.made_by.module.startswith("category_encoders.")
        and all(state.get(name) is not None for name in ("cols", "feature_names_in_", "feature_names_out_"))
    )


def read_encoder(learned: LearnedFeatures, encoder: Instance, columns: list[Column]) -> list[Column]:
    """Learn the types of the columns that an encoder encodes; the other columns leave it unchanged."""
    state = encoder.state()
    entering, encoded, leaving = (
        [str(name) for name in values_of(state.get(attribute)) or ()]
        for attribute in ("feature_names_in_", "cols", "feature_names_out_")
    )
    if len(entering) != len(columns):
        learned.learn(columns, "any")
        return []
    types = encoder_types(encoder)
    by_name = dict(zip(entering, columns, strict=True))
    chosen = [column for name, column in by_name.items() if name in encoded]
    for name, column in by_name.items():
        if name in encoded:
            learned.learn([column], types.get(name) or "any")
    handling = state.get("handle_missing")
    if handling == "error":
        learned.refuse_gaps(chosen)
    gaps = merged(chosen).gaps if handling == "return_nan" else frozenset()
    unchanged = {name: column for name, column in by_name.items() if name not in encoded}
    return [unchanged.get(name, Column(None, gaps)) for name in leaving]


def encoder_types(encoder: Instance) -> dict[str, ColumnType | None]:
    """Give the type of the categories of each column, by its name; None if they have several types."""
    inner = listed(encoder.state().get("encoder_list"))
    holder = inner[0] if inner and isinstance(inner[0], Instance) else encoder
    ordinal = holder.state().get("ordinal_encoder")
    mapping = (ordinal if isinstance(ordinal, Instance) else holder).state().get("mapping")
    if isinstance(mapping, DictNode):
        return {str(scalar_of(name)): _type_of_means(table) for name, table in mapping.pairs()}
    found: dict[str, ColumnType | None] = {}
    for one in mapping.items if isinstance(mapping, ListNode) else []:
        if isinstance(one, DictNode):
            entry = one.by_name()
            dtype = dtype_of(entry.get("data_type"))
            is_date = dtype is not None and dtype.kind == "M"
            # An index of dates and a missing value holds objects that are not read here.
            found[str(scalar_of(entry.get("col")))] = (
                "date" if is_date else _type_of_index(entry.get("mapping"))
            )
    return found


def _type_of_means(table: Node) -> ColumnType | None:
    """Give the type of the index of a table of means; None for an index of 0 and 1.

    `LeaveOneOutEncoder` and `CatBoostEncoder` hold false and true so, and know neither of them in a row: they
    take them for other values than the numbers.
    """
    index = _last_index(table, DEPTH_MAX, set())
    values = () if index is None else _values_of_index(index)
    found = _type_of_index(table)
    return None if found == "number" and all(value in (0, 1) for value in values) else found


def _type_of_index(table: Node) -> ColumnType | None:
    """Give the type of the index of a table, which holds the categories; missing values do not count."""
    index = _last_index(table, DEPTH_MAX, set())
    if index is None or index.made_by is None:
        return None
    if (known := INDEX_MAKERS[index.made_by.name]) is not None:
        return known
    data = _data_of(index)
    if isinstance(data, Instance) and class_name(data) in STRING_ARRAYS:
        return "text"
    return type_of(_values_of_index(index))


def _data_of(index: Instance) -> Node:
    return next((part.by_name().get("data") for part in index.arguments if isinstance(part, DictNode)), None)


def _values_of_index(index: Instance) -> tuple[Plain, ...]:
    """Give the values of an index that are not missing; none if they are no plain values."""
    values = values_of(_data_of(index)) or ()
    return tuple(value for value in values if value is not None and not is_nan(value))


def _last_index(node: Node, depth: int, seen: set[int]) -> Instance | None:
    """Give the last index in a table: the one of its rows. No node is looked at twice."""
    if depth == 0 or id(node) in seen:
        return None
    seen.add(id(node))
    inner: list[Node] = []
    if isinstance(node, Instance):
        if node.made_by is not None and node.made_by.name in INDEX_MAKERS:
            return node
        inner = [*node.arguments, *node.states]
    elif isinstance(node, DictNode):
        inner = [value for _, value in node.pairs()]
    elif isinstance(node, ListNode | tuple):
        inner = listed(node)
    found = (_last_index(part, depth - 1, seen) for part in reversed(inner))
    return next((index for index in found if index is not None), None)
