"""Reading XGBoost's own files (`.json` and `.ubj`), apart from their trees.

The format is XGBoost's `doc/tutorials/saving_model.rst` and `doc/model.schema`.
`service/loading/xgboost_file.py` reads the same of a file that it loads, checks the trees, and is what counts
when a model is served.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from infer_cli.inspection.facts.booster_files import CLASSES_MAX, FEATURES_MAX, BoosterColumn, BoosterFile
from infer_cli.inspection.facts.xgboost_columns import columns_in
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.files.ubjson import read_ubjson

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import EstimatorKind
    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.nodes.arrays import Plain

    # JSON of a stranger's file, which may hold anything: each value is checked where it is used.
    Json = Any
    Document = dict[str, Any]

HINT = "Save the model again, with booster.save_model('model.ubj')."
# The objectives whose predictions are classes, or probabilities of classes.
CLASSIFIERS = frozenset({"binary:logistic", "binary:hinge", "multi:softmax", "multi:softprob"})
# The kinds by the estimator type that XGBoost's classes for scikit-learn note in a file.
KINDS: dict[str, EstimatorKind] = {"classifier": "classifier", "regressor": "regressor", "ranker": "other"}
# The feature types: a float, an integer, a boolean, a quantity, and a category.
FEATURE_TYPES = frozenset({"float", "int", "i", "q", "c"})
# The arrays of the trees, which are not kept.
TREES = frozenset({"trees", "weights"})


def read_xgboost(stream: Stream, size_bytes: int) -> BoosterFile:
    """Read a file of XGBoost; raise `Refused` if it is none."""
    try:
        is_ubjson = stream.peek(2)[1:] in {b"i", b"U", b"I", b"l", b"L"}
        document: Json = read_ubjson(stream, skipped=TREES) if is_ubjson else _parsed(stream.read(size_bytes))
        return described(document["learner"], document.get("version"))
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:
        reason = f"is no XGBoost model that infer reads ({type(error).__name__}: {error})"
        raise Refused(reason, hint=HINT) from error
    except RecursionError as error:
        reason = "is no XGBoost model: it has too many brackets"
        raise Refused(reason, hint=HINT) from error


def _parsed(content: bytes) -> Document:
    """Parse JSON; of a tree, nothing is kept."""

    def smaller(pairs: list[tuple[str, Json]]) -> Document:
        record = dict(pairs)
        if len(record) != len(pairs):
            message = "an object has two values of the same name"
            raise ValueError(message)
        return {} if "left_children" in record else record

    document = json.loads(content, object_pairs_hook=smaller)
    if not isinstance(document, dict):
        message = "it is no object"
        raise TypeError(message)
    return document


def described(learner: Document, version: Json) -> BoosterFile:
    """Give what a learner says of itself, apart from its trees."""
    objective = str(learner["objective"]["name"])
    parameters = learner["learner_model_param"]
    count, classes, targets = (
        int(parameters.get(name) or 0) for name in ("num_feature", "num_class", "num_target")
    )
    if not (0 < count <= FEATURES_MAX and 0 <= classes <= CLASSES_MAX and 0 <= targets <= CLASSES_MAX):
        message = f"{count} features, {classes} classes and {targets} targets"
        raise ValueError(message)
    noted = _noted(learner)
    kind = KINDS.get(str(noted.get("_estimator_type"))) or _kind_of(objective)
    # A model of several labels at once gives a list of them for a row.
    class_count = max(classes, 2) if kind == "classifier" and targets <= 1 else 0
    names = [str(name) for name in _listed(learner.get("feature_names"))]
    return BoosterFile(
        library="xgboost",
        kind=kind,
        objective=objective,
        names=tuple(names) or None,
        columns=_columns(learner, count),
        class_count=class_count,
        classes=_classes(noted, class_count),
        version=".".join(str(int(part)) for part in _listed(version)),
    )


def _kind_of(objective: str) -> EstimatorKind:
    if objective in CLASSIFIERS:
        return "classifier"
    return "other" if objective.startswith("rank:") else "regressor"


def _noted(learner: Document) -> Document:
    """Give what XGBoost's classes for scikit-learn note in a file, empty if it is not of one of them."""
    noted = json.loads((learner.get("attributes") or {}).get("scikit_learn") or "{}")
    return noted if isinstance(noted, dict) else {}


def _classes(noted: Document, count: int) -> tuple[Plain, ...] | None:
    """Give the labels that XGBoost 1 noted in its label encoder; newer versions keep their number alone."""
    encoder = noted.get("_le")
    labels = encoder.get("classes_") if isinstance(encoder, dict) else None
    if not isinstance(labels, list) or len(labels) != count:
        return None
    is_plain = all(isinstance(label, bool | int | float | str) for label in labels)
    return tuple(labels) if labels and is_plain else None


def _columns(learner: Document, count: int) -> tuple[BoosterColumn, ...]:
    types = [str(column_type) for column_type in _listed(learner.get("feature_types"))]
    names = _listed(learner.get("feature_names"))
    if len(types) not in {0, count} or len(names) not in {0, count} or not FEATURE_TYPES.issuperset(types):
        message = f"{len(names)} names and the types {sorted(set(types))} for {count} features"
        raise ValueError(message)
    booster = learner["gradient_booster"]
    model = (booster.get("gbtree") or booster).get("model") or {}
    told = columns_in({"cats": model.get("cats"), "feature_names": names, "feature_types": types})
    # A column of booleans takes numbers as well: the trees compare numbers whatever the type.
    columns = [BoosterColumn()] * count
    for at, known in told.categories.items():
        columns[at] = BoosterColumn("category", known.values)
    for at in told.unknown:
        columns[at] = BoosterColumn("any", must_declare=told.reason)
    return tuple(columns)


def _listed(values: Json) -> list[Any]:
    if values is not None and not isinstance(values, list):
        message = f"a {type(values).__name__} in place of a list"
        raise TypeError(message)
    return values or []
