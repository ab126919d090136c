"""The training table X as its columns: a DataFrame of pandas or Polars, an array, texts, or dictionaries.

The kind of table is told by what it can do, so that no library is imported for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infer_cli.distribution import distribution_of
from infer_cli.errors import with_article
from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.values import is_missing, items_of, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

# From so many rows of a column of objects, its type is told.
_SAMPLE_ROWS = 10_000
_NUMBERS = ("int", "uint", "float")
_TEXTS = ("str", "string", "object", "String", "Utf8")


class Table:
    """A table of rows; `names` are its columns as the service calls them.

    `known` are the names that the model has learned, of which a table without names takes as many as it has
    columns; None if the model has learned none. `is_texts`, `is_records` (dictionaries) and `is_polars` tell
    what it was made of.
    """

    def __init__(self, content: Any, known: Sequence[str] | None) -> None:  # noqa: ANN401 (any library's)
        self._content = content.toarray() if hasattr(content, "toarray") else content
        self.row_count = _row_count(self._content)
        first = self._content[0] if isinstance(self._content, (list, tuple)) and self._content else None
        self._is_frame = hasattr(self._content, "columns")
        self.is_records = isinstance(first, dict)
        self.is_polars = type(content).__module__.partition(".")[0] == "polars"
        self.names = self._names(known)
        shape = getattr(self._content, "shape", None)
        is_flat = len(shape) == 1 if shape is not None else not isinstance(first, (list, tuple, dict))
        self.is_texts = is_flat and not self._is_frame

    @property
    def zoned(self) -> list[str]:
        """The columns of times with a time zone."""
        if not self._is_frame:
            return []
        dtypes = {name: str(self._column(at).dtype) for at, name in enumerate(self.names)}
        return [name for name, dtype in dtypes.items() if dtype.startswith("datetime64[") and "," in dtype]

    def _names(self, known: Sequence[str] | None) -> list[str]:
        if self._is_frame:
            own = list(self._content.columns)
            if all(isinstance(name, str) for name in own):
                return own
            return [f"x{position}" for position in range(len(own))]
        if self.is_records:
            return list(known or dict.fromkeys(name for row in self._content for name in row))
        width = self._width()
        if known is not None and len(known) == width:
            return list(known)
        return [f"x{position}" for position in range(width)]

    def _width(self) -> int:
        shape = getattr(self._content, "shape", None)
        if shape is not None:
            return int(shape[1]) if len(shape) > 1 else 1
        first = self._content[0]
        return len(first) if isinstance(first, (list, tuple)) else 1

    def chosen(self, rows: Sequence[int]) -> Any:  # noqa: ANN401 (what it was)
        """Give some rows as the model takes them."""
        if hasattr(self._content, "iloc"):
            return self._content.iloc[list(rows)]
        if isinstance(self._content, (list, tuple)):
            return [self._content[row] for row in rows]
        return self._content[list(rows)]

    def records(self, rows: Sequence[int]) -> list[dict[str, object]]:
        """Give some rows in JSON's types; raise `SaveFailed` for a value that no request can hold."""
        if self.is_records:
            return [{name: plain(value, name) for name, value in self._content[row].items()} for row in rows]
        columns = {
            name: [plain(value, name) for value in items_of(self._column(position, rows))]
            for position, name in enumerate(self.names)
        }
        return [{name: columns[name][at] for name in self.names} for at in range(len(rows))]

    def _column(self, position: int, rows: Sequence[int] | None = None) -> Any:  # noqa: ANN401 (as X)
        """Give a column, or some rows of it."""
        if self._is_frame:
            name = self._content.columns[position]
            column = (
                self._content.iloc[:, position] if hasattr(self._content, "iloc") else self._content[name]
            )
        elif hasattr(self._content, "shape"):
            column = self._content[:, position] if len(self._content.shape) > 1 else self._content
        elif isinstance(self._content[0], (list, tuple)):
            column = [row[position] for row in self._content]
        else:
            column = self._content
        if rows is None:
            return column
        if hasattr(column, "iloc"):
            return column.iloc[list(rows)]
        return [column[row] for row in rows] if isinstance(column, (list, tuple)) else column[list(rows)]

    def features(self) -> list[dict[str, object]]:
        """Describe each column as a feature of a declared schema."""
        if self.is_records:
            return [self._described(name, [row.get(name) for row in self._content]) for name in self.names]
        return [self._described(name, self._column(at)) for at, name in enumerate(self.names)]

    def _described(self, name: str, column: Any) -> dict[str, object]:  # noqa: ANN401 (as X)
        values = _sample(column)
        present = [value for value in values if not is_missing(value)]
        dtype = str(getattr(column, "dtype", "object"))
        described: dict[str, object] = {"name": name, **_type_of(column, dtype, present)}
        has_gap = len(present) < len(values) or _has_gap(column)
        if described.get("type") is not None:
            described["nullable"] = has_gap
        if described.get("type") == "number":
            if has_gap and "int" in str(described.get("dtype")):
                described["dtype"] = "float64"
            described |= _range(present)
        if present and described.get("type") is not None:
            described["example"] = plain(present[0], name)
        return described

    def absent_names(self) -> list[str]:
        """Give the keys that some of the dictionaries lack."""
        if not self.is_records:
            return []
        return [name for name in self.names if any(name not in row for row in self._content)]


def _row_count(content: Any) -> int:  # noqa: ANN401 (as X)
    if isinstance(content, str) or not (hasattr(content, "shape") or hasattr(content, "__len__")):
        message = f"X is {with_article(type(content).__name__)}, and no table"
        raise SaveFailed(message, hint="give X as it was given to fit: a DataFrame, an array or a list")
    shape = getattr(content, "shape", None)
    count = int(shape[0]) if shape is not None else len(content)
    if count == 0:
        raise SaveFailed("X has no rows", hint="give some rows of the training table")
    return count


def _sample(column: Any) -> list[object]:  # noqa: ANN401 (as X)
    """Give at most 10,000 values that are evenly spaced in a column."""
    step = -(-len(column) // _SAMPLE_ROWS)
    return items_of(column[::step])


def _type_of(column: Any, dtype: str, present: list[object]) -> dict[str, object]:  # noqa: ANN401 (as X)
    """Give the column type, and the dtype or categories that belong to it; nothing if it is unknown."""
    lower = dtype.lower()
    if lower.startswith(("category", "categorical", "enum")):
        return _category(column)
    if lower in ("bool", "boolean"):
        return {"type": "boolean"}
    if lower.startswith(_NUMBERS):
        return {"type": "number", "dtype": lower.split("[")[0]}
    if lower.startswith(("datetime64[", "datetime(", "datetime")) and "," not in dtype:
        return {"type": "date", "dtype": dtype if dtype.startswith("datetime64[") else "datetime64"}
    if dtype.startswith(_TEXTS) or dtype.startswith("<U"):
        return _type_of_objects(present)
    return {}


def _type_of_objects(present: list[object]) -> dict[str, object]:
    kinds = {type(value) for value in present}
    if kinds and all(issubclass(kind, str) for kind in kinds):
        return {"type": "text"}
    if kinds == {int}:
        return {"type": "number", "dtype": "int64"}
    if kinds and kinds <= {int, float}:
        return {"type": "number", "dtype": "float64"}
    return {"type": "boolean"} if kinds == {bool} else {}


def _category(column: Any) -> dict[str, object]:  # noqa: ANN401 (as X)
    accessor = getattr(column, "cat", None)
    if accessor is None:
        return {}
    categories = accessor.get_categories() if hasattr(accessor, "get_categories") else accessor.categories
    values = [plain(value, "categories") for value in items_of(categories)]
    return {"type": "category", "dtype": "category", "categories": values}


def _has_gap(column: Any) -> bool:  # noqa: ANN401 (as X)
    for method in ("isna", "is_null"):
        missing = getattr(column, method, None)
        if callable(missing) and bool(missing().any()):
            return True
    if hasattr(column, "dtype") and str(column.dtype).startswith(("float", "Float")):
        different = column != column  # noqa: PLR0124 (NaN alone differs from itself)
        return bool(different.any())
    return False


def _range(present: list[object]) -> dict[str, object]:
    """Give the least and the largest value, and how the values are distributed."""
    values = [value for value in present if isinstance(value, (int, float)) and abs(value) != float("inf")]
    if not values:
        return {}
    found: dict[str, object] = {"low": float(min(values)), "high": float(max(values))}
    distribution = distribution_of([float(value) for value in values])
    if distribution is not None:
        found["distribution"] = distribution.as_dict()
    return found
