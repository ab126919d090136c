"""What the files of XGBoost, LightGBM and CatBoost say of a model, and the facts that follow from it.

`service/loading/boosters.py` holds the same of a file that is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.features import Feature
from infer_cli.inspection.facts.gather import Facts
from infer_cli.inspection.facts.model import RecordedVersion
from infer_cli.inspection.facts.value_types import type_of
from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.inspection.facts.features import ColumnType
    from infer_cli.inspection.facts.model import EstimatorKind
    from infer_cli.inspection.nodes.arrays import Plain

CLASSES_MAX = 100_000
FEATURES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class BoosterColumn:
    """A column that a booster takes.

    `categories` are the values of a categorical column in the order of their codes, which the trees compare;
    None for any other column. `is_open`: the booster takes other values, too. `must_declare` says why the
    categories are not known and have to be declared.
    """

    type: ColumnType = "number"
    categories: tuple[Plain, ...] | None = None
    is_open: bool = False
    must_declare: str = ""
    nullable: bool = True

    def feature(self, name: str) -> Feature:
        """Give the feature of this name that takes what the column takes."""
        column_type = self.type
        if self.categories is not None:
            column_type = "boolean" if type_of(self.categories) == "boolean" else "category"
        return Feature(
            name,
            column_type,
            nullable=self.nullable,
            categories=self.categories,
            is_open=self.is_open,
            must_declare=self.must_declare,
        )


@dataclass(frozen=True, slots=True)
class BoosterFile:
    """What the file says, apart from the trees.

    `library` is the package that wrote the file, and `version` its version, "" if the file does not tell.
    `names` is None for a model that was trained without column names. `kind` is the estimator kind.
    `class_count` is the number of a classifier's classes, else 0. `classes` are the labels, if the file has
    them. `frame_reason` says why the model needs a DataFrame, None if it needs none.
    """

    library: str
    kind: EstimatorKind
    objective: str
    names: tuple[str, ...] | None
    columns: tuple[BoosterColumn, ...]
    class_count: int
    classes: tuple[Plain, ...] | None = None
    version: str = ""
    frame_reason: str | None = None

    def facts(self, declared: tuple[Plain, ...] | None, *listed: Sequence[str]) -> Facts:
        """Give the facts of the model, with the declared classes; raise `Refused` if these do not fit.

        `listed` are lists of columns. The first that fits names the columns of a model without names.
        """
        count = len(self.columns)
        known = self.names or next((tuple(some) for some in listed if len(some) == count), None)
        names = known or tuple(f"x{at}" for at in range(count))
        labels = self._labels(declared)
        is_numbered = bool(self.class_count) and self.classes is None and declared is None
        return Facts(
            kind=self.kind,
            feature_names=known,
            feature_count=len(self.columns),
            features=tuple(column.feature(name) for name, column in zip(names, self.columns, strict=True)),
            frame_reason=self.frame_reason,
            classes=labels,
            versions=(RecordedVersion(self.library, self.version),) if self.version else (),
            notes=(self._numbered(),) if is_numbered else (),
        )

    def _labels(self, declared: tuple[Plain, ...] | None) -> tuple[Plain, ...] | None:
        if declared is None:
            return self.classes or (tuple(range(self.class_count)) if self.class_count else None)
        if not self.class_count:
            reason = f"has no classes, because its objective is {self.objective}"
            raise Refused(reason, hint="Leave --classes away, and classes in infer.json.")
        if self.library == "catboost" and self.classes is not None and declared != self.classes:
            known = ", ".join(map(str, self.classes))
            reason = f"has other classes than the declared ones: {known}"
            raise Refused(reason, hint="Leave --classes away, and classes in infer.json.")
        if len(declared) != self.class_count:
            reason = f"has {self.class_count} classes, and {len(declared)} are declared"
            hint = f"Name {self.class_count} classes with --classes, as sorted in training."
            raise Refused(reason, hint=hint)
        return declared

    def _numbered(self) -> str:
        library = {"xgboost": "XGBoost", "lightgbm": "LightGBM"}[self.library]
        numbers = "0 and 1" if self.class_count == 2 else f"0 to {self.class_count - 1}"  # noqa: PLR2004
        return (
            f"{library} keeps no labels in its file: the classes are the numbers {numbers}. "
            "If the labels had names, give these in sorted order with --classes."
        )
