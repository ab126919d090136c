"""What XGBoost's and LightGBM's own files say of a model: its kind, its columns and its classes.

`infer_cli/inspection/facts/booster_files.py` holds the same for a file that is not loaded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from service.errors import UnusableFile

if TYPE_CHECKING:
    from typing import Any

    import numpy as np

    from service.json_values import JsonValue
    from service.schema.features import ColumnType, Value

    # NumPy's types cannot say the shape of an array.
    Array = np.ndarray[Any, np.dtype[Any]]

CLASSES_MAX = 100_000
FEATURES_MAX = 100_000


@dataclass(frozen=True)
class BoosterColumn:
    """A column that a booster takes.

    `categories` are the values of a categorical column in the order of their codes, which the trees compare;
    None for any other column. `is_open`: the booster takes other values, too. `must_declare` says why the
    categories are not known and have to be declared. `bounds` are the lowest and the highest number of the
    training data, if the file keeps them.
    """

    type: ColumnType = "number"
    categories: tuple[Value, ...] | None = None
    is_open: bool = False
    must_declare: str = ""
    bounds: tuple[float, float] | None = field(default=None, compare=False)


@dataclass(frozen=True)
class BoosterFile:
    """What the file says, apart from the trees.

    `names` is None for a model that was trained without column names. `kind` is the estimator kind.
    `class_count` is the number of a classifier's classes, else 0. `classes` are the labels, if the file has
    them. `version` is that of the library that wrote the file, "" if the file does not tell. `rounds` is how
    many rounds of training answer, 0 for all. `is_linear`: the booster has weights and no trees.
    """

    kind: str
    objective: str
    names: tuple[str, ...] | None
    columns: tuple[BoosterColumn, ...]
    class_count: int
    classes: tuple[JsonValue, ...] | None = None
    version: str = ""
    rounds: int = 0
    is_linear: bool = False

    def labels(self, declared: tuple[JsonValue, ...] | None) -> list[JsonValue] | None:
        """Give the labels of a classifier: as declared, or as the file says, or numbers from 0 on.

        Raises `UnusableFile` if the declared classes are not those of the model.
        """
        if not self.class_count:
            if declared is None:
                return None
            advice = "Declare no classes for it"
            raise UnusableFile(f"has no classes, because its objective is {self.objective}", advice)
        if declared is None:
            return list(self.classes or range(self.class_count))
        if len(declared) != self.class_count:
            reason = f"has {self.class_count} classes, and {len(declared)} are declared"
            raise UnusableFile(reason, f"Declare {self.class_count} classes in the order of training")
        return list(declared)
