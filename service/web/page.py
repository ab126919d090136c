"""The fields of the form on the page, made from the features of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from service.protocols.description import example_text, query_text
from service.schema.declared import NOTHING_DECLARED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.declared import Declared
    from service.schema.features import Feature

# What a person calls a kind of model; `neighbors` and `other` are no nouns that take an article.
_KINDS = {
    "neighbors": "a nearest neighbours model",
    "other": "a model",
    "outlier_detector": "an outlier detector",
}
# In a longer list nobody finds a value; the field is then one to type in.
MOST_OPTIONS = 200


@dataclass(frozen=True)
class Field:
    """A field of a form: a list to choose from if it has options, else one to type in."""

    name: str
    value: str
    options: tuple[str, ...] = ()
    input_type: str = "text"
    input_mode: str = "text"
    is_optional: bool = False


def kind_with_article(kind: str) -> str:
    """The kind of a model as it stands in a sentence."""
    return _KINDS.get(kind, f"a {kind.replace('_', ' ')}")


def fields_of(features: Sequence[Feature], declared: Declared = NOTHING_DECLARED) -> list[Field]:
    """Give a field for each feature, with a usual value if one is declared."""
    return [_field(feature, declared) for feature in features]


def _field(feature: Feature, declared: Declared) -> Field:
    return Field(
        name=feature.name,
        value=example_text(feature, declared),
        options=_options(feature),
        input_type="date" if feature.type == "date" and not feature.categories else "text",
        input_mode="decimal" if feature.type == "number" else "text",
        # An empty string is a valid text, and a browser does not send a form with an empty required field.
        is_optional=feature.nullable or feature.type == "text",
    )


def _options(feature: Feature) -> tuple[str, ...]:
    """List the values if all are known, and there are at most 200."""
    if feature.type == "boolean":
        return tuple(query_text(value) for value in feature.categories or (True, False))
    if not feature.categories or feature.is_open or len(feature.categories) > MOST_OPTIONS:
        return ()
    return tuple(query_text(value) for value in feature.categories)
