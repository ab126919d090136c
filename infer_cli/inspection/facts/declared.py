"""The declared schema: what the user says of a model because the model does not say it itself.

`service/schema/declared.py` reads the same file inside the container.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, cast

from infer_cli.distribution import Distribution
from infer_cli.inspection.facts.value_types import type_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from infer_cli.inspection.facts.features import ColumnType, Feature, Json
    from infer_cli.inspection.nodes.arrays import Plain

# The name of the file beside a model.
FILE_NAME = "infer.json"
TYPES = ("any", "boolean", "category", "date", "number", "text")

# Each bin is a series of a metric.
_MOST_EDGES = 100

# The dtype of numbers that are the codes of pandas' categories.
CODES = "codes"


class WrongSchema(ValueError):
    """A declared schema is no schema, or does not fit the model; the text of the error is the reason."""


@dataclass(frozen=True)
class DeclaredFeature:
    """What is declared of one feature; None where nothing is declared.

    `dtype` is the dtype of the column in NumPy's or pandas' words. `low` and `high` bound the values that
    are usual, and `example` is a usual value: both serve to make rows, and refuse nothing. `distribution` is
    that of the training data, to tell drift.
    """

    name: str
    type: ColumnType | None = None
    dtype: str | None = None
    nullable: bool | None = None
    categories: tuple[Plain, ...] | None = None
    low: float | None = None
    high: float | None = None
    example: Plain = None
    distribution: Distribution | None = None

    def as_dict(self) -> dict[str, Json]:
        """Give what is declared as JSON values."""
        found: dict[str, Json] = {
            "name": self.name,
            "type": self.type,
            "dtype": self.dtype,
            "nullable": self.nullable,
            "categories": None if self.categories is None else list(self.categories),
            "low": self.low,
            "high": self.high,
            "example": self.example,
            "distribution": self.distribution and cast("Json", self.distribution.as_dict()),
        }
        return {key: value for key, value in found.items() if value is not None}

    def fill(self, feature: Feature) -> Feature:
        """Give the feature with what is declared, where the model itself tells no type."""
        if feature.type != "any" or self.type in (None, "any"):
            return feature
        if feature.must_declare and not self._tells_codes:
            return feature
        nullable = feature.nullable if self.nullable is None else feature.nullable and self.nullable
        # Of a column of pandas' categories that are true and false, these are what a row gives.
        is_boolean = bool(feature.must_declare) and type_of(self.categories or ()) == "boolean"
        return replace(
            feature,
            type="boolean" if is_boolean else self.type,
            nullable=nullable,
            categories=self.categories if self.type == "category" else None,
            is_open=self.type == "category" and not feature.must_declare,
            must_declare="",
        )

    @property
    def _tells_codes(self) -> bool:
        """Whether it is known of which codes a category column was made: codes themselves, or categories."""
        if self.type == "number":
            return self.dtype == CODES
        return self.type == "category" and bool(self.categories)


@dataclass(frozen=True)
class Declared:
    """The declared schema of a model; every part may be empty, for nothing declared.

    `features` are in the order of the model's columns. `optional` are the names of the features that a row
    may leave out. `classes` are the labels in the order of the probabilities. `member` chooses the model in a
    file that holds several objects: a key, or a position as a string. `digest` is that of the one model file
    that the schema is for, as `sha256:…`; None for any model.
    """

    features: tuple[DeclaredFeature, ...] = ()
    optional: tuple[str, ...] = ()
    classes: tuple[Plain, ...] | None = None
    member: str | None = None
    digest: str | None = None

    @property
    def names(self) -> list[str]:
        """The names of the declared features."""
        return [feature.name for feature in self.features]

    def as_dict(self) -> dict[str, Json]:
        """Give the schema as the JSON values that `parse_declared` reads."""
        found: dict[str, Json] = {
            "features": [feature.as_dict() for feature in self.features] or None,
            "optional": list(self.optional) or None,
            "classes": None if self.classes is None else list(self.classes),
            "member": self.member,
            "digest": self.digest,
        }
        return {key: value for key, value in found.items() if value is not None}

    def over(self, other: Declared) -> Declared:
        """Give this schema, with what only the other one declares."""
        return Declared(
            features=self.features or other.features,
            optional=tuple(dict.fromkeys((*self.optional, *other.optional))),
            classes=other.classes if self.classes is None else self.classes,
            member=other.member if self.member is None else self.member,
            digest=other.digest if self.digest is None else self.digest,
        )

    def complete(self, features: Sequence[Feature]) -> tuple[Feature, ...]:
        """Give the model's features with what is declared of them.

        Raises `WrongSchema` if a declared name is not a feature of the model.
        """
        known = {feature.name for feature in features}
        strange = [name for name in (*self.names, *self.optional) if name not in known]
        if strange:
            message = (
                f"has no feature {_with_near_names(strange, known)}; it takes {', '.join(sorted(known))}"
            )
            raise WrongSchema(message)
        declared = {feature.name: feature for feature in self.features}
        filled = (
            declared[feature.name].fill(feature) if feature.name in declared else feature
            for feature in features
        )
        return tuple(
            replace(feature, required=feature.required and feature.name not in self.optional)
            for feature in filled
        )


NOTHING_DECLARED = Declared()


def must_declare(features: Sequence[Feature]) -> tuple[str, str]:
    """Give why features have to be declared, and how that is done; empty strings if none has to be."""
    undeclared = [feature for feature in features if feature.must_declare]
    if undeclared:
        names = [json.dumps(feature.name, ensure_ascii=False) for feature in undeclared]
        entries = ", ".join(
            f'{{"name": {name}, "type": "category", "categories": ["first", "second"]}}' for name in names
        )
        noun = "a feature" if len(names) == 1 else "features"
        return f"has {noun} {', '.join(names)} whose values are not known: {undeclared[0].must_declare}", (
            f'Write {FILE_NAME} beside the model: {{"features": [{entries}]}}, with the categories in the '
            f"order of X[{names[0]}].cat.categories in training; or with "
            f'"type": "number", "dtype": "{CODES}", if X held numbers'
        )
    return "", ""


def parse_declared(document: object) -> Declared:
    """Read a declared schema from the values of its JSON; raise `WrongSchema` with what is wrong in it."""
    # What infer_cli.save says of the rest of its folder, under "saved", is no part of the schema.
    keys = {"classes", "digest", "features", "member", "optional", "saved"}
    record = _record(document, "the schema", keys)
    return Declared(
        features=tuple(_feature(value) for value in _list(record, "features")),
        optional=tuple(_string(value, "a name in optional") for value in _list(record, "optional")),
        classes=tuple(cast("list[Plain]", _list(record, "classes"))) if "classes" in record else None,
        member=None if record.get("member") is None else _string(record["member"], "member"),
        digest=None if record.get("digest") is None else _string(record["digest"], "digest"),
    )


def _with_near_names(names: Sequence[str], known: Collection[str]) -> str:
    """Give the names in quotes, each with the known name that it is most like."""
    lower = {name.lower(): name for name in known}
    found = []
    for name in names:
        near = get_close_matches(name.lower(), lower, 1)
        found.append(f"{name!r} (did you mean {lower[near[0]]!r}?)" if near else repr(name))
    return ", ".join(found)


def _feature(document: object) -> DeclaredFeature:
    keys = {"name", "type", "dtype", "nullable", "categories", "low", "high", "example", "distribution"}
    record = _record(document, "a feature", keys)
    name = _string(record.get("name"), "the name of a feature")
    column_type = record.get("type")
    if column_type is not None and column_type not in TYPES:
        message = f"the type of {name} must be one of {', '.join(TYPES)}, not {column_type!r}"
        raise WrongSchema(message)
    nullable = record.get("nullable")
    if nullable is not None and not isinstance(nullable, bool):
        message = f"nullable of {name} must be true or false"
        raise WrongSchema(message)
    return DeclaredFeature(
        name,
        type=cast("ColumnType | None", column_type),
        dtype=None if record.get("dtype") is None else _string(record["dtype"], f"the dtype of {name}"),
        nullable=nullable,
        categories=_categories(record, name),
        low=_number(record.get("low"), f"low of {name}"),
        high=_number(record.get("high"), f"high of {name}"),
        example=_value(record.get("example"), f"the example of {name}"),
        distribution=_distribution(record.get("distribution"), f"the distribution of {name}"),
    )


def _distribution(document: object, what: str) -> Distribution | None:
    if document is None:
        return None
    record = _record(document, what, {"edges", "shares"})
    edges, shares = (_numbers(_list(record, key), f"{key} of {what}") for key in ("edges", "shares"))
    if len(edges) != len(shares) + 1 or not shares or list(edges) != sorted(edges):
        message = f"{what} must have edges that do not fall, and a share between each two of them"
        raise WrongSchema(message)
    if min(shares) < 0 or not math.isclose(sum(shares), 1, abs_tol=1e-6):
        message = f"the shares of {what} must add to 1"
        raise WrongSchema(message)
    return Distribution(edges, shares)


def _numbers(values: Sequence[object], what: str) -> tuple[float, ...]:
    numbers = [_number(value, f"each of the {what}") for value in values]
    found = tuple(number for number in numbers if number is not None and math.isfinite(number))
    if len(numbers) > _MOST_EDGES or len(found) < len(numbers):
        message = f"{what} must be at most {_MOST_EDGES} finite numbers"
        raise WrongSchema(message)
    return found


def _categories(record: Mapping[str, object], name: str) -> tuple[Plain, ...] | None:
    if record.get("categories") is None:
        return None
    return tuple(_value(value, f"a category of {name}") for value in _list(record, "categories"))


def _record(document: object, what: str, keys: set[str]) -> Mapping[str, object]:
    if not isinstance(document, dict):
        message = f"{what} must be an object of {', '.join(sorted(keys))}"
        raise WrongSchema(message)
    unknown = sorted(set(document) - keys)
    if unknown:
        message = f"{what} has an unknown key {unknown[0]!r}; known are {', '.join(sorted(keys))}"
        raise WrongSchema(message)
    return document


def _list(record: Mapping[str, object], name: str) -> list[object]:
    found = record.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        message = f"{name} must be a list"
        raise WrongSchema(message)
    return found


def _string(value: object, what: str) -> str:
    if not isinstance(value, str) or not value:
        message = f"{what} must be a string that is not empty"
        raise WrongSchema(message)
    return value


def _number(value: object, what: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        message = f"{what} must be a number"
        raise WrongSchema(message)
    return float(value)


def _value(value: object, what: str) -> Plain:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    message = f"{what} must be a string, a number, true, false or null"
    raise WrongSchema(message)
