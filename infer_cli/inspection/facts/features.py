"""The features of a model: their names, and which values each of them takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.arrays import Plain

ColumnType: TypeAlias = Literal["number", "text", "category", "date", "boolean", "any"]
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that the model takes, and the values that it may hold.

    A feature that is `nullable` takes a missing value; one that is not `required` may be left out of a
    request. `categories` are the values that the model knows, None if the column has no list of values. The
    model refuses any other value unless the feature `is_open`. `must_declare` says why the user has to
    declare the feature; it is empty if the model tells enough of it.
    """

    name: str
    type: ColumnType
    required: bool = True
    nullable: bool = False
    categories: tuple[Plain, ...] | None = None
    is_open: bool = False
    must_declare: str = ""

    def as_dict(self) -> dict[str, Json]:
        """Give the feature as JSON values."""
        return {
            "name": self.name,
            "kind": self.type,
            "required": self.required,
            "nullable": self.nullable,
            "categories": None if self.categories is None else list(self.categories),
            "accepts_others": self.is_open,
        }
