"""The estimator kinds that names tell are those that scikit-learn itself tells.

`tests/service/models/test_every_estimator.py` compares the kinds of fitted estimators with the service.
"""

from __future__ import annotations

import inspect
import warnings

import pytest
from sklearn.base import is_classifier, is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils import all_estimators

from infer_cli.inspection import Global
from infer_cli.inspection.facts.estimator_kinds import kind_by_name


def _made(cls: type, inner: object) -> object:
    """Make an estimator, with other estimators where it needs some."""
    needed = {
        name
        for name, parameter in inspect.signature(cls).parameters.items()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    values = {
        "estimator": inner,
        "estimators": [("inner", inner)],
        "steps": [("inner", inner)],
        "transformers": [],
        "transformer_list": [],
        "param_grid": {},
        "param_distributions": {},
        "dictionary": [],
    }
    # They have a default only while `base_estimator`, the parameter's former name, is still taken.
    if cls.__name__ in ("ClassifierChain", "RegressorChain", "SelfTrainingClassifier"):
        needed.add("estimator")
    return cls(**{name: values[name] for name in needed})


# The estimator kind of a meta-estimator is that of the estimator inside: its name does not tell.
TRANSPARENT = {"FrozenEstimator", "GridSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "Pipeline"}
TRANSPARENT |= {"RandomizedSearchCV", "RFE", "RFECV"}


@pytest.mark.parametrize(("name", "cls"), all_estimators())
def test_kinds_of_all_estimators(name: str, cls: type) -> None:
    inner = Ridge() if name.endswith("Regressor") or name == "RegressorChain" else LogisticRegression()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator = _made(cls, inner)
    found = kind_by_name(Global(cls.__module__, name))

    if name in TRANSPARENT:
        assert found is None
    else:
        supervised = {"classifier": is_classifier(estimator), "regressor": is_regressor(estimator)}
        assert {kind: found == kind for kind in supervised} == supervised


@pytest.mark.parametrize(
    ("module", "name", "kind"),
    [
        ("xgboost.sklearn", "XGBClassifier", "classifier"),
        ("xgboost.sklearn", "XGBRFRegressor", "regressor"),
        ("xgboost.sklearn", "XGBRanker", "other"),
        ("lightgbm.sklearn", "LGBMRegressor", "regressor"),
        ("catboost.core", "CatBoostClassifier", "classifier"),
        ("imblearn.ensemble", "BalancedRandomForestClassifier", "classifier"),
        ("sklearnex.svm.svc", "SVC", "classifier"),
        ("mine", "SVC", None),
        ("mine", "Model", None),
    ],
)
def test_kinds_of_other_packages(module: str, name: str, kind: str | None) -> None:
    assert kind_by_name(Global(module, name)) == kind
