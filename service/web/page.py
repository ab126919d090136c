"""The fields of the form on the page, made from the features of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.protocols.description import example_text, query_text
from service.schema.usual import NOTHING_USUAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Feature
    from service.schema.usual import UsualValues

# What a person calls a kind of model; `neighbors` and `other` are no nouns that take an article.
_KINDS = {
    "neighbors": "a nearest neighbours model",
    "other": "a model",
    "outlier_detector": "an outlier detector",
}
# In a longer list nobody finds a value; the field is then one to type in, with suggestions.
MOST_OPTIONS = 200
# What the script of the page imports, to be fetched at once.
MODULES = (
    *("answer.js", "asked.js", "csv.js", "curves.js", "fields.js", "figures.js", "numbers.js", "service.js"),
    *("snippets.js", "table.js", "token.js"),
)


@dataclass(frozen=True)
class Field:
    """A field of a form: `control` is `select`, `textarea`, or the type of an `input`."""

    name: str
    value: str
    control: str = "text"
    options: tuple[str, ...] = ()
    is_number: bool = False
    is_nullable: bool = False
    is_unused: bool = False
    has_range: bool = False


def kind_with_article(kind: str) -> str:
    """The kind of a model as it stands in a sentence."""
    return _KINDS.get(kind, f"a {kind.replace('_', ' ')}")


def fields_of(features: Sequence[Feature], usual: UsualValues = NOTHING_USUAL) -> list[Field]:
    """Give a field for each feature, with a usual value if one is known."""
    return [_field(feature, usual) for feature in features]


def _field(feature: Feature, usual: UsualValues) -> Field:
    options = _options(feature)
    control = _control(feature)
    is_unused = feature.dtype == "unused"
    return Field(
        name=feature.name,
        value="" if is_unused else _shown(example_text(feature, usual), feature, control),
        control="select" if options else control,
        options=options,
        is_number=feature.type == "number" and control == "text",
        is_unused=is_unused,
        # An empty field is a missing value, or nothing at all.
        is_nullable=feature.nullable or not feature.required,
        has_range=usual.range(feature) is not None,
    )


def _control(feature: Feature) -> str:
    if feature.categories is not None:
        return "text"
    is_date = feature.type == "date" or bool(feature.unit)
    return "date" if is_date else "textarea" if feature.type == "text" else "text"


def _shown(text: str, feature: Feature, control: str) -> str:
    """Give a value as a person writes it: a number without .0, and a date without a time."""
    if control == "date":
        return text.partition("T")[0]
    is_plain = feature.type == "number" and feature.categories is None
    return text[: -len(".0")] if is_plain and text.endswith(".0") else text


def _options(feature: Feature) -> tuple[str, ...]:
    """List the values if all are known, and there are at most 200."""
    if feature.type == "boolean":
        return tuple(query_text(value) for value in feature.categories or (True, False))
    if not feature.categories or feature.is_open or len(feature.categories) > MOST_OPTIONS:
        return ()
    # A missing value among the categories is chosen as one.
    known = (value for value in feature.categories if value is not None and value == value)  # noqa: PLR0124 (NaN)
    return tuple(map(query_text, known))
