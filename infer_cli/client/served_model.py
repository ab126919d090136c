"""The model that a service serves, as `/model` describes it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from infer_cli.client.positions import Positions

# What an answer depends on, of the answer of `/model`.
_DECIDING = frozenset(("digest", "method", "features", "positional", "classes", "outputs", "packages"))


class FeatureRecord(TypedDict, total=False):
    """One of the `features` in the answer of `/model`."""

    name: str
    type: str
    categories: list[object] | None
    nullable: bool
    required: bool
    accepts_others: bool
    needs_types: bool


class ModelRecord(TypedDict):
    """The answer of `/model`, as far as it is used here."""

    kind: str
    features: list[FeatureRecord]
    example: str
    example_body: NotRequired[dict[str, object]]
    positional: NotRequired[bool]
    digest: NotRequired[str]
    path: NotRequired[dict[str, object]]


@dataclass(frozen=True)
class ServedFeature:
    """A feature of the served model.

    `type` is the column type of the values; for a category, the type of its categories. `takes_empty` says
    that an empty string is a value, `required` that a row without the feature is refused, `nullable` that the
    model takes a missing value, `accepts_others` that the model takes categories that it does not know.
    `needs_types`: a cell that could be a text and another value is refused. `mixed` are the categories where
    texts and other values are among them.
    """

    type: str = "number"
    takes_empty: bool = False
    required: bool = True
    nullable: bool = False
    accepts_others: bool = False
    needs_types: bool = False
    mixed: tuple[object, ...] = ()

    @classmethod
    def of(cls, record: FeatureRecord) -> ServedFeature:
        """Read a feature in the answer of `/model`."""
        column_type, categories = str(record["type"]), record.get("categories") or []
        if column_type == "category":
            known = [value for value in categories if value is not None]
            are_texts = {isinstance(value, str) for value in known}
            # Of texts among other values, a cell is the one that it stands for.
            column_type = "any" if len(are_texts) > 1 else "number" if are_texts == {False} else "text"
        nullable = bool(record.get("nullable", False))
        is_free_text = record["type"] == "text" and not nullable
        return cls(
            column_type,
            is_free_text or "" in categories,
            required=bool(record.get("required", True)),
            nullable=nullable,
            accepts_others=bool(record.get("accepts_others", False)),
            needs_types=bool(record.get("needs_types", False)),
            mixed=tuple(categories) if record["type"] == "category" and column_type == "any" else (),
        )


@dataclass(frozen=True)
class ServedModel:
    """The model that a service serves: its kind, its features by name and in order, and a request that works.

    `example` is the path and query of the request, and `example_body` its row as JSON, if no query can say
    it. `is_positional`: positions may stand for names in a row. `digest` is that of the model file, and
    `fingerprint` one of all on which an answer depends.
    """

    kind: str
    features: dict[str, ServedFeature]
    example: str
    is_positional: bool = False
    example_body: dict[str, object] | None = None
    digest: str = ""
    fingerprint: str = ""

    @property
    def named(self) -> dict[str, ServedFeature]:
        """The features by every name that a row may give them."""
        meant = self.positions.names
        return {**{name: self.features[meant[name]] for name in meant}, **self.features}

    @property
    def positions(self) -> Positions:
        """What finds the features of a row that names positions."""
        return Positions(list(self.features), is_positional=self.is_positional)

    @classmethod
    def of(cls, record: ModelRecord) -> ServedModel:
        """Read the answer of `/model`."""
        return cls(
            kind=str(record["kind"]),
            features={str(feature["name"]): ServedFeature.of(feature) for feature in record["features"]},
            example=str(record["example"]),
            is_positional=bool(record.get("positional", False)),
            example_body=record.get("example_body"),
            digest=str(record.get("digest", "")),
            fingerprint=_fingerprint(record),
        )

    @property
    def may_warn(self) -> bool:
        """Whether an answer may have warnings: an encoder of the model takes categories it does not know."""
        return any(feature.accepts_others for feature in self.features.values())


def _fingerprint(record: ModelRecord) -> str:
    """A digest of the model, its features and the packages, which is the same after a restart."""
    parts = {name: value for name, value in record.items() if name in _DECIDING}
    path = record.get("path")
    kind = path.get("kind") if isinstance(path, dict) else None
    text = json.dumps({**parts, "path": kind}, sort_keys=True)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
