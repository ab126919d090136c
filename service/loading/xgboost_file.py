"""XGBoost's own files (`.json` and `.ubj`): what they say of the model, and whether its trees are sound.

XGBoost follows the children of a node without a look at where they lie, so that a file with children out of
bounds would crash the service, and one with a circle would stop it. The format is XGBoost's
`doc/tutorials/saving_model.rst` and `doc/model.schema`.
`infer_cli/inspection/formats/xgboost_file.py` reads the same of a file that is not loaded, without the trees.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Callable, TypeVar

import numpy as np

from service.errors import UnusableFile, with_article
from service.loading.boosters import CLASSES_MAX, FEATURES_MAX, BoosterColumn, BoosterFile
from service.loading.ubjson import read_ubjson
from service.loading.xgboost_trees import check_trees
from service.schema.xgboost_columns import columns_in

if TYPE_CHECKING:
    from service.json_values import JsonValue

    # JSON of a stranger's file, which may hold anything: each value is checked where it is used.
    Json = Any
    Document = dict[str, Any]

_Found = TypeVar("_Found")

SAVE_ADVICE = "Save the model again, with booster.save_model('model.ubj')"
# The objectives whose predictions are classes, or probabilities of classes.
CLASSIFIERS = frozenset({"binary:logistic", "binary:hinge", "multi:softmax", "multi:softprob"})
# The kinds by the estimator type that XGBoost's classes for scikit-learn note in a file.
KINDS = {"classifier": "classifier", "regressor": "regressor", "ranker": "other"}
# The feature types: a float, an integer, a boolean, a quantity, and a category.
FEATURE_TYPES = frozenset({"float", "int", "i", "q", "c"})


def read_xgboost(content: bytes) -> BoosterFile:
    """Read a file of XGBoost; raise `UnusableFile` if it is none, or if its trees are not sound."""
    return _checked(content, _described)


def check_xgboost(content: bytes) -> None:
    """Check a booster as a pickle holds it; raise `UnusableFile` if its trees are not sound."""
    _checked(content, _check_pickled)


def _described(document: Json) -> BoosterFile:
    learner = document["learner"]
    found = described(learner, document.get("version"))
    check_trees(learner, len(found.columns))
    return found


def _check_pickled(document: Json) -> None:
    # Beside the model stands how it is trained.
    learner = document["Model"]["learner"]
    check_trees(learner, int(learner["learner_model_param"]["num_feature"]))


def _checked(content: bytes, read: Callable[[Json], _Found]) -> _Found:
    try:
        return read(read_ubjson(content) if content[1:2] == b"L" else _parse(content))
    except UnusableFile:
        raise
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        reason = f"is no XGBoost model that infer reads ({type(error).__name__}: {error})"
        raise UnusableFile(reason, SAVE_ADVICE) from error
    except RecursionError as error:
        raise UnusableFile("is no XGBoost model: it has too many brackets", SAVE_ADVICE) from error


def _parse(content: bytes) -> Document:
    """Parse JSON; each array of numbers in a tree becomes an array of NumPy, which takes less memory."""

    def smaller(pairs: list[tuple[str, Any]]) -> Document:
        record = dict(pairs)
        if len(record) != len(pairs):
            raise ValueError("an object has two values of the same name")
        if "left_children" in record:
            return {name: np.array(value) if isinstance(value, list) else value for name, value in pairs}
        return record

    document = json.loads(content, object_pairs_hook=smaller)
    if not isinstance(document, dict):
        raise TypeError("it is no object")
    return document


def described(learner: Document, version: Json) -> BoosterFile:
    """Give what a learner says of itself, apart from its trees."""
    objective = str(learner["objective"]["name"])
    parameters = learner["learner_model_param"]
    count, classes, targets = (
        int(parameters.get(name) or 0) for name in ("num_feature", "num_class", "num_target")
    )
    if not (0 < count <= FEATURES_MAX and 0 <= classes <= CLASSES_MAX and 0 <= targets <= CLASSES_MAX):
        raise ValueError(f"{count} features, {classes} classes and {targets} targets")
    noted = _noted(learner)
    kind = KINDS.get(str(noted.get("_estimator_type"))) or _kind_of(objective)
    # A model of several labels at once gives a list of them for a row.
    class_count = max(classes, 2) if kind == "classifier" and targets <= 1 else 0
    names = [str(name) for name in listed(learner.get("feature_names"))]
    return BoosterFile(
        kind=kind,
        objective=objective,
        names=tuple(names) or None,
        columns=_columns(learner, count),
        class_count=class_count,
        classes=_classes(noted, class_count),
        version=".".join(str(int(part)) for part in listed(version)),
        rounds=_rounds(learner),
        is_linear=learner["gradient_booster"]["name"] == "gblinear",
    )


def _kind_of(objective: str) -> str:
    if objective in CLASSIFIERS:
        return "classifier"
    return "other" if objective.startswith("rank:") else "regressor"


def _noted(learner: Document) -> Document:
    """Give what XGBoost's classes for scikit-learn note in a file, empty if it is not of one of them."""
    noted = json.loads((learner.get("attributes") or {}).get("scikit_learn") or "{}")
    return noted if isinstance(noted, dict) else {}


def _classes(noted: Document, count: int) -> tuple[JsonValue, ...] | None:
    """Give the labels that XGBoost 1 noted in its label encoder; newer versions keep their number alone."""
    encoder = noted.get("_le")
    labels = encoder.get("classes_") if isinstance(encoder, dict) else None
    if not isinstance(labels, list) or len(labels) != count:
        return None
    is_plain = all(isinstance(label, (bool, int, float, str)) for label in labels)
    return tuple(labels) if labels and is_plain else None


def _rounds(learner: Document) -> int:
    """Give the number of rounds that answer, 0 for all of them.

    XGBoost's classes for scikit-learn use the rounds up to the best one, where training was stopped early. A
    booster that is saved by itself uses all rounds.
    """
    attributes = learner.get("attributes") or {}
    best = attributes.get("best_iteration")
    if best is None or "scikit_learn" not in attributes:
        return 0
    booster = learner["gradient_booster"]
    trees = (booster.get("gbtree") or booster)["model"].get("trees")
    if trees is not None and int(best) >= len(trees):
        raise ValueError("best_iteration is behind the last round")
    return int(best) + 1


def _columns(learner: Document, count: int) -> tuple[BoosterColumn, ...]:
    types = [str(column_type) for column_type in listed(learner.get("feature_types"))]
    names = listed(learner.get("feature_names"))
    if len(types) not in (0, count) or len(names) not in (0, count) or not FEATURE_TYPES.issuperset(types):
        raise ValueError(f"{len(names)} names and the types {sorted(set(types))} for {count} features")
    booster = learner["gradient_booster"]
    model = (booster.get("gbtree") or booster).get("model") or {}
    told = columns_in({"cats": _plain(model.get("cats")), "feature_names": names, "feature_types": types})
    # A column of booleans takes numbers as well: the trees compare numbers whatever the type.
    columns = [BoosterColumn()] * count
    for at, known in told.categories.items():
        columns[at] = BoosterColumn("category", known.values)
    for at in told.unknown:
        columns[at] = BoosterColumn("any", must_declare=told.reason)
    return tuple(columns)


def _plain(value: Json) -> Json:
    """Give the value with lists in place of arrays of NumPy."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray) else value


def listed(values: Json) -> list[Any]:
    """List an array of JSON or of NumPy; an empty list for nothing."""
    if values is None:
        return []
    found: list[Any] = values.tolist() if isinstance(values, np.ndarray) else values
    if not isinstance(found, list):
        raise TypeError(f"{with_article(type(found).__name__)} in place of a list")
    return found
