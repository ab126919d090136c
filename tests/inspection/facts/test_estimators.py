"""The estimators in a model are described as a tree."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Estimator, Inspection

MEASURES = ("slength", "swidth")


def _outline(estimator: Estimator, depth: int = 0) -> list[str]:
    """Give the name and class of each estimator of a tree, one a line."""
    inner = [line for step in estimator.steps for line in _outline(step, depth + 1)]
    return ["  " * depth + f"{estimator.name} {estimator.class_name}", *inner]


def test_tree_of_a_pipeline(models: dict[str, object], inspect_bytes: Callable[..., Inspection]) -> None:
    estimator = inspect_bytes(pickle.dumps(models["columns"])).estimator

    assert estimator is not None
    assert estimator.class_path == "sklearn.pipeline.Pipeline"
    assert _outline(estimator) == [
        "None Pipeline",
        "  columns ColumnTransformer",
        "    numbers StandardScaler",
        "    words OneHotEncoder",
        "  classify SVC",
    ]
    assert [branch.columns for branch in estimator.steps[0].steps] == [MEASURES, ("color",)]
    parameters = {parameter.name: parameter.value for parameter in estimator.steps[1].parameters}
    assert parameters["C"] == 1.0
    assert parameters["kernel"] == "rbf"
    assert parameters["class_weight"] is None
    assert parameters["shrinking"] is True


def test_trees_of_meta_estimators(
    models: dict[str, object], inspect_bytes: Callable[..., Inspection]
) -> None:
    outlines = {}
    for name in ("search", "voting", "forest"):
        estimator = inspect_bytes(pickle.dumps(models[name])).estimator
        assert estimator is not None
        outlines[name] = _outline(estimator)

    assert outlines == {
        "search": ["None GridSearchCV", "  best_estimator Pipeline", "    ridge Ridge"],
        "voting": ["None VotingClassifier", "  svc SVC", "  logistic LogisticRegression"],
        "forest": ["None RandomForestClassifier"],
    }


def test_an_object_may_hold_itself(inspect_bytes: Callable[..., Inspection]) -> None:
    """Only a hostile file says so; every walk through the model must end."""
    itself = b"\x80\x04cmine\nThing\n)\x81\x94}(%sh\x00ub."

    for attribute in (b"estimator", b"estimators_", b"steps"):
        key = b"\x8c" + bytes([len(attribute)]) + attribute
        inspection = inspect_bytes(itself % key)

        assert inspection.kind == "other"


def test_exponentially_many_estimators(inspect_bytes: Callable[..., Inspection]) -> None:
    """Each of 60 estimators holds the one before twice: there are 2**60 paths through them."""
    data = b"\x80\x04cmine\nThing\n\x940"
    for index in range(60):
        inner = b"h%c" % index
        data += b"h\x00)\x81\x94}(\x8c\x09estimator" + inner + b"\x8c\x0aclassifier" + inner + b"ub0"

    inspection = inspect_bytes(data + b"h\x3c.")

    assert inspection.estimator is not None
