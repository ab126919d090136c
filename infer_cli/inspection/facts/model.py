"""What an inspection tells of a model file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.inspection.files.compression import Compression
    from infer_cli.inspection.nodes.arrays import Plain
    from infer_cli.inspection.nodes.node_types import Global

Kind: TypeAlias = Literal["classifier", "regressor", "other"]
Format: TypeAlias = Literal["pickle", "joblib", "skops", "onnx", "lean"]
FeatureKind: TypeAlias = Literal["number", "text", "category", "date", "boolean", "any"]
Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A setting of an estimator; what is no plain value is described by a text."""

    name: str
    value: Plain


@dataclass(frozen=True, slots=True)
class Estimator:
    """An estimator and those inside it.

    `name` is what the estimator around it calls it, None for the outermost. `columns` are those that a
    branch of a column transformer takes, None where it takes all or they cannot be listed.
    """

    class_path: str
    name: str | None
    parameters: tuple[Parameter, ...]
    steps: tuple[Estimator, ...]
    columns: tuple[Plain, ...] | None = None

    @property
    def class_name(self) -> str:
        """The class without its module."""
        return self.class_path.rpartition(".")[2]

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON would hold it."""
        return {
            "class": self.class_path,
            "name": self.name,
            "columns": None if self.columns is None else list(self.columns),
            "parameters": {parameter.name: parameter.value for parameter in self.parameters},
            "steps": [step.as_dict() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class Feature:
    """A column that the model takes, and which values.

    One that is `nullable` takes a missing value; one that is not `required` may be left out.
    `categories` are the values that the model knows; it refuses others unless it `accepts_others`.
    """

    name: str
    kind: FeatureKind
    required: bool = True
    nullable: bool = False
    categories: tuple[Plain, ...] | None = None
    accepts_others: bool = False

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON would hold it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "required": self.required,
            "nullable": self.nullable,
            "categories": None if self.categories is None else list(self.categories),
            "accepts_others": self.accepts_others,
        }


@dataclass(frozen=True, slots=True)
class RecordedVersion:
    """The version of a package that made the model, as the file records it."""

    package: str
    version: str


@dataclass(frozen=True, slots=True)
class CompiledFrom:
    """The model that a compiled one was made of, and how far its answers were from that one's.

    `generated_rows` and `given_rows` are how many of infer's own rows and of the user's were compared.
    """

    file: str
    digest: str
    estimator: str
    packages: tuple[RecordedVersion, ...]
    generated_rows: int
    given_rows: int
    largest_difference: float

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON would hold it."""
        return {
            "file": self.file,
            "digest": self.digest,
            "estimator": self.estimator,
            "packages": {recorded.package: recorded.version for recorded in self.packages},
            "generated_rows": self.generated_rows,
            "given_rows": self.given_rows,
            "largest_difference": self.largest_difference,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What is known of a model file without running any of its code.

    `globals` is every name that loading the file would import, sorted; `calls` those of them that would be
    called with arguments; `modules` the top-level modules among them that are not Python's own.
    `numpy_major` is 2 if only NumPy 2 writes such a file, else None. `protocol` is the pickle protocol.
    `features` are the columns, called x0, x1, … where they have no names. `frame_reason` says why the model
    must be given a pandas DataFrame, None if it need not. `compiled_from` is told of a compiled model alone.
    A fact that the file does not tell is None.
    """

    path: Path
    format: Format
    compression: Compression | None
    protocol: int | None
    size_bytes: int
    sha256: str
    kind: Kind
    estimator: Estimator | None
    feature_names: tuple[str, ...] | None
    feature_count: int | None
    classes: tuple[Plain, ...] | None
    sklearn_version: str | None
    versions: tuple[RecordedVersion, ...]
    globals: tuple[Global, ...]
    calls: frozenset[Global]
    modules: tuple[str, ...]
    numpy_major: int | None
    features: tuple[Feature, ...] | None = None
    frame_reason: str | None = None
    compiled_from: CompiledFrom | None = None

    def as_dict(self) -> dict[str, Json]:
        """Give it as JSON would hold it."""
        return {
            "path": str(self.path),
            "format": self.format,
            "compression": self.compression,
            "protocol": self.protocol,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "kind": self.kind,
            "estimator": None if self.estimator is None else self.estimator.as_dict(),
            "feature_names": None if self.feature_names is None else list(self.feature_names),
            "feature_count": self.feature_count,
            "classes": None if self.classes is None else list(self.classes),
            "sklearn_version": self.sklearn_version,
            "versions": {recorded.package: recorded.version for recorded in self.versions},
            "globals": [str(name) for name in self.globals],
            "calls": [str(name) for name in sorted(self.calls)],
            "modules": list(self.modules),
            "numpy_major": self.numpy_major,
            "features": None if self.features is None else [feature.as_dict() for feature in self.features],
            "frame_reason": self.frame_reason,
            "compiled_from": self.compiled_from.as_dict() if self.compiled_from else None,
        }
