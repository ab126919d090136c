"""Boosters without the estimator of their library: what they take, and what their answers are.

A service answers for a booster of labels as `XGBClassifier` and `LGBMClassifier` do: what the booster itself
gives are the probabilities there. See `service/loading/booster_models.py`.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any

# Objectives whose answers are probabilities: of the class 1, or of each class.
_SHARES = ("binary:logistic", "multi:softprob", "binary", "multiclass", "multiclassova")


def package_of(model: object) -> str | None:
    """Give the package of a booster; None for any other model."""
    package = type(model).__module__.partition(".")[0]
    is_booster = type(model).__name__ == "Booster" and package in ("xgboost", "lightgbm")
    return package if is_booster else None


def as_taken(model: object, table: Any) -> Any:  # noqa: ANN401 (any library's)
    """Give a table as the model takes it: a booster of XGBoost takes a matrix of its own."""
    if package_of(model) == "xgboost":
        return sys.modules["xgboost"].DMatrix(table, enable_categorical=True)
    return table


def gives_probabilities(model: Any) -> bool:  # noqa: ANN401 (any library's)
    """Tell whether the answers of a booster are probabilities of classes."""
    package = package_of(model)
    if package == "xgboost":
        return json.loads(model.save_config())["learner"]["objective"]["name"] in _SHARES
    if package == "lightgbm":
        found = re.search(r"^objective=(\S+)", model.model_to_string(num_iteration=1), re.MULTILINE)
        return found is not None and found[1] in _SHARES
    return False
