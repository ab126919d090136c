"""What an inspection tells of a model file, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from infer_cli.inspection.facts.declared import NOTHING_DECLARED, Declared
from infer_cli.inspection.facts.places import NO_WHEREABOUTS, Whereabouts

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.inspection.facts.features import Feature, Json
    from infer_cli.inspection.files.compression import Compression
    from infer_cli.inspection.nodes.arrays import Plain
    from infer_cli.inspection.nodes.node_types import Global

EstimatorKind: TypeAlias = Literal[
    "classifier", "regressor", "clusterer", "outlier_detector", "transformer", "neighbors", "other"
]
Format: TypeAlias = Literal["pickle", "joblib", "skops", "onnx", "lean", "xgboost", "lightgbm", "catboost"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an estimator; a value that JSON cannot hold is described by a short string."""

    name: str
    value: Plain


@dataclass(frozen=True, slots=True)
class Estimator:
    """An estimator, and the estimators inside it as `steps`.

    `name` is its name in the estimator around it, None for the outermost estimator. `columns` are the names
    or positions of the columns that a branch of a column transformer takes; None if it takes all columns, or
    if the file does not list them.
    """

    class_path: str
    name: str | None
    parameters: tuple[Parameter, ...]
    steps: tuple[Estimator, ...]
    columns: tuple[Plain, ...] | None = None

    @property
    def class_name(self) -> str:
        """The name of the class without its module."""
        return self.class_path.rpartition(".")[2]

    def as_dict(self) -> dict[str, Json]:
        """Give the estimator as JSON values."""
        return {
            "class": self.class_path,
            "name": self.name,
            "columns": None if self.columns is None else list(self.columns),
            "parameters": {parameter.name: parameter.value for parameter in self.parameters},
            "steps": [step.as_dict() for step in self.steps],
        }


@dataclass(frozen=True, slots=True)
class RecordedVersion:
    """A package that made the model, and its version, as the file records them."""

    package: str
    version: str


@dataclass(frozen=True, slots=True)
class CompiledFrom:
    """The model that a compiled model was made from, and the result of comparing the answers of both.

    `generated_rows` counts the compared rows that infer made, `given_rows` the rows that the user gave.
    `largest_difference` is the largest absolute difference of a predicted value or probability.
    `digest` is that of the original file.
    """

    file: str
    digest: str
    estimator: str
    packages: tuple[RecordedVersion, ...]
    generated_rows: int
    given_rows: int
    largest_difference: float

    def as_dict(self) -> dict[str, Json]:
        """Give the origin as JSON values."""
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

    A fact that the file does not tell is None.

    `size_bytes` and `sha256` are of the whole file, as it is compressed. `protocol` is the pickle protocol.
    `kind` is the estimator kind. `globals` are all names that loading the file would import, sorted. `calls`
    are the names among them that loading would call with arguments. `modules` are the top-level modules of
    the names, without the modules of Python's standard library. `numpy_major` is 2 if only NumPy 2 writes a
    file with these names. `features` are the columns; a model that was trained without names has x0, x1, and
    so on. `frame_reason` says why the model needs a pandas DataFrame; None if it needs none. `unknown_entry`
    is the class that gets the rows first, if only that class knows which columns it takes. `compiled_from`
    is set for a compiled model. `member` is the key or position of the model in a file of several objects.
    `code_modules` are the top-level modules that the user's own code imports, where code was given.
    `whereabouts` tells where in the file the names are that the allow-list does not permit.
    `declared` is what the user says of the model, of which the features are part already. `notes` are
    sentences about what the file does not tell.
    """

    path: Path
    format: Format
    compression: Compression | None
    protocol: int | None
    size_bytes: int
    sha256: str
    kind: EstimatorKind
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
    unknown_entry: str | None = None
    compiled_from: CompiledFrom | None = None
    member: str | None = None
    whereabouts: Whereabouts = NO_WHEREABOUTS
    code_modules: tuple[str, ...] = ()
    declared: Declared = NOTHING_DECLARED
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Json]:
        """Give all facts as JSON values."""
        return {
            "path": str(self.path),
            "format": self.format,
            "compression": self.compression,
            "protocol": self.protocol,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "kind": self.kind,
            "member": self.member,
            "code_modules": list(self.code_modules),
            "whereabouts": self.whereabouts.as_dict(),
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
            "unknown_entry": self.unknown_entry,
            "compiled_from": self.compiled_from.as_dict() if self.compiled_from else None,
            "notes": list(self.notes),
        }
