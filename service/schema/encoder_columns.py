"""What an encoder of category_encoders tells of its columns: the type of the categories that it learned.

`infer_cli/inspection/facts/encoder_columns.py` reads the same of a file that is not loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.schema.columns import Column, LearnedFeatures, merged
from service.schema.value_types import is_gap, type_of

if TYPE_CHECKING:
    from service.schema.features import ColumnType
    from service.schema.parts import Part


def is_encoder(part: Part) -> bool:
    """Tell whether a part is an encoder of category_encoders that says which columns it takes."""
    return type(part).__module__.startswith("category_encoders.") and all(
        getattr(part, name, None) is not None for name in ("cols", "feature_names_in_", "feature_names_out_")
    )


def read_encoder(learned: LearnedFeatures, encoder: Part, columns: list[Column]) -> list[Column]:
    """Learn the types of the columns that an encoder encodes; the other columns leave it unchanged."""
    entering = [str(name) for name in encoder.feature_names_in_]
    encoded = {str(name) for name in encoder.cols}
    if len(entering) != len(columns):
        learned.learn(columns, "any")
        return []
    types = encoder_types(encoder)
    by_name = dict(zip(entering, columns))
    chosen = [column for name, column in by_name.items() if name in encoded]
    for name, column in by_name.items():
        if name in encoded:
            learned.learn([column], types.get(name) or "any")
    if encoder.handle_missing == "error":
        learned.refuse_gaps(chosen)
    gaps = merged(chosen).gaps if encoder.handle_missing == "return_nan" else frozenset()
    unchanged = {name: column for name, column in by_name.items() if name not in encoded}
    leaving = [str(name) for name in encoder.feature_names_out_]
    return [unchanged.get(name, Column(None, gaps)) for name in leaving]


def encoder_types(encoder: Part) -> dict[str, ColumnType | None]:
    """Give the type of the categories of each column, by its name; None if they have several types."""
    inner = getattr(encoder, "encoder_list", None)
    holder = inner[0] if inner else encoder
    ordinal = getattr(holder, "ordinal_encoder", None)
    mapping = getattr(holder if ordinal is None else ordinal, "mapping", None)
    if isinstance(mapping, dict):
        return {str(name): _type_of_means(table) for name, table in mapping.items()}
    if isinstance(mapping, (list, tuple)):
        return {str(one["col"]): _type_of_index(one.get("mapping")) for one in mapping}
    return {}


def _type_of_means(table: Part) -> ColumnType | None:
    """Give the type of the index of a table of means; None for an index of 0 and 1.

    `LeaveOneOutEncoder` and `CatBoostEncoder` hold false and true so, and know neither of them in a row: they
    take them for other values than the numbers.
    """
    found = _type_of_index(table)
    is_zero_or_one = found == "number" and all(
        is_gap(value) or value in (0, 1) for value in table.index.tolist()
    )
    return None if is_zero_or_one else found


def _type_of_index(table: Part) -> ColumnType | None:
    """Give the type of the index of a table, which holds the categories; missing values do not count."""
    index: Part = getattr(table, "index", None)
    if not hasattr(index, "tolist"):
        return None
    return type_of(
        [value for value in index.tolist() if not is_gap(value) and type(value).__name__ != "NaTType"]
    )
