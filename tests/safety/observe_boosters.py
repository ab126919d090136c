"""Observes what the attributes of XGBoost, LightGBM, CatBoost, imbalanced-learn and category_encoders hold.

`python -m tests.safety.observe_boosters OUT` does for these packages what `observe_attributes` does for
scikit-learn.
"""

from __future__ import annotations

import importlib
import json
import sys
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from service.loading import attributes
from tests.safety.observe_attributes import (
    CLASSES,
    MIXED,
    NAMED,
    NUMBERS,
    ROWS,
    TRAINING,
    WORDS,
    Observed,
    observe,
)

PACKAGES = ("xgboost", "lightgbm", "catboost", "category_encoders", "imblearn")
# Small models that print nothing and write no files; each class gets the ones of these that it has.
SMALL: dict[str, Any] = {
    "allow_writing_files": False,
    "categorical_features": [0],
    "iterations": 3,
    "n_estimators": 3,
    "verbose": 0,
}
ENCODED = pd.DataFrame({"w": WORDS.astype(object), "n": NUMBERS[:, 0], "m": np.arange(ROWS) % 3})
# Tables beside those of `observe_attributes`.
TABLES: tuple[tuple[object, ...], ...] = (
    (ENCODED, CLASSES == 1),
    (ENCODED, NUMBERS[:, 1]),
    (MIXED.assign(w=pd.Categorical(WORDS)), CLASSES == 1),
    (MIXED.assign(w=pd.Categorical(WORDS)), CLASSES),
    (NAMED, CLASSES == 1),
    (NAMED, np.where(CLASSES == 1, "yes", "no")),
    (NUMBERS, (np.arange(ROWS) % 8 == 0).astype(int)),
)


def squared_error(wanted: Any, found: Any) -> tuple[Any, Any]:
    """An objective: its gradient and its second derivative."""
    return found - wanted, np.ones_like(wanted, dtype=float)


# Values that change what a fitted model keeps; each class gets the ones whose parameters it has.
CHOICES: dict[str, tuple[Any, ...]] = {
    "booster": ("gbtree", "dart", "gblinear"),
    "boosting_type": ("gbdt", "dart", "rf", "goss", "Plain", "Ordered"),
    "class_weight": ("balanced", {0: 1.0, 1: 2.0}),
    "class_weights": ([1.0, 2.0], {0: 1.0, 1: 2.0}),
    "cat_features": ([1], ["w"], ["w", "m"]),
    "cols": (["w"], ["w", "m"]),
    "drop_invariant": (True,),
    "early_stopping_rounds": (2,),
    "enable_categorical": (True,),
    "eval_metric": ("auc", "rmse", "error", "AUC"),
    "feature_types": (["q"] * 4,),
    "feature_weights": ([1.0] * 4,),
    "handle_missing": ("return_nan", "value", "indicator", "error"),
    "handle_unknown": ("return_nan", "value", "indicator", "error"),
    "importance_type": ("gain", "split", "weight"),
    "interaction_constraints": ([[0, 1], [2, 3]], "[[0, 1]]"),
    "loss_function": ("Logloss", "RMSE", "MultiClass", "MAE", "Quantile:alpha=0.5"),
    "mapping": ([{"col": "w", "mapping": {"red": 1, "green": 2, "blue": 3}}],),
    "min_group_size": (2, 0.1),
    "missing": (np.nan, -1.0),
    "monotone_constraints": ((1, 0, 0, 0), {"a": 1}, "(1,0,0,0)", [1, 0, 0, 0]),
    "monotonic_cst": ([1, 0, 0, 0],),
    "n_jobs": (1, -1),
    "num_class": (3,),
    "objective": (
        None,
        "binary",
        "multiclass",
        "regression",
        "binary:logistic",
        "multi:softprob",
        squared_error,
    ),
    "random_state": (0, np.random.RandomState(0), np.random.default_rng(0)),
    "randomized": (True,),
    "return_df": (True, False),
    "sampling_strategy": ("auto", "all", 0.5, {1: 10}),
    "target_type": ("binary", "continuous"),
    "text_features": (["w"],),
    "tree_method": ("hist", "exact", "approx"),
    "validate_parameters": (True,),
    "verbose": (0, 1, False, True),
}


def classes_of(package: str) -> dict[str, type]:
    """Give the estimators of a package; none if the environment lacks the package."""
    try:
        module = importlib.import_module(package)
    except ImportError:
        return {}
    if package == "imblearn":
        return dict(importlib.import_module("imblearn.utils.testing").all_estimators())
    found = {name: getattr(module, name, None) for name in dir(module) if not name.startswith("Dask")}
    return {name: one for name, one in found.items() if isinstance(one, type) and hasattr(one, "fit")}


def variants(cls: type, base: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the arguments of a class: the base, and the base with one parameter changed."""
    own = getattr(cls, "get_params", None)
    names = set(signature(cls).parameters) | (set(own(cls())) if own is not None and not base else set())
    changed = [{**base, name: value} for name, values in CHOICES.items() if name in names for value in values]
    return [base, *changed]


def main(out: Path) -> None:
    """Observe the estimators of all packages that the environment has."""
    attributes.known_classes = dict  # type: ignore[assignment]  # the raw names, whatever is listed now
    observed = Observed()
    for package in PACKAGES:
        for cls in classes_of(package).values():
            accepted = set(signature(cls).parameters)
            takes_more = any(one.kind is one.VAR_KEYWORD for one in signature(cls).parameters.values())
            base = {key: value for key, value in SMALL.items() if key in accepted}
            if takes_more and package == "xgboost":
                base = {"n_estimators": 3}
                accepted |= {key for key in CHOICES if key in cls().get_params()}
            changed = [{**base, key: one} for key, some in CHOICES.items() if key in accepted for one in some]
            tables = TABLES if package != "imblearn" else (*TABLES, *TRAINING)
            observe(observed, cls, [base, *changed], tables)
    for save in (trained_xgboost, trained_lightgbm):
        for model in save():
            observed.add(model)
    out.write_text(json.dumps(observed.result(), indent=1))


def trained_xgboost() -> list[object]:
    """Give boosters that `xgboost.train` made."""
    try:
        import xgboost  # noqa: PLC0415 (not every environment has it)
    except ImportError:
        return []
    stopped = xgboost.XGBClassifier(callbacks=[xgboost.callback.EarlyStopping(2)])
    table = xgboost.DMatrix(NAMED, label=CLASSES)
    settings: tuple[dict[str, Any], ...] = (
        {},
        {"objective": "multi:softprob", "num_class": 3},
        {"booster": "gblinear"},
        {"booster": "dart"},
    )
    return [stopped, *(xgboost.train(one, table, 3) for one in settings)]


def trained_lightgbm() -> list[object]:
    """Give boosters that `lightgbm.train` made."""
    try:
        import lightgbm  # noqa: PLC0415 (not every environment has it)
    except ImportError:
        return []
    settings: tuple[dict[str, Any], ...] = (
        {},
        {"objective": "multiclass", "num_class": 3},
        {"boosting": "dart"},
    )
    made = [lightgbm.Dataset(NAMED, label=CLASSES, free_raw_data=False) for _ in settings]
    return [lightgbm.train({**one, "verbose": -1}, data, 3) for one, data in zip(settings, made, strict=True)]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
