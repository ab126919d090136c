"""Trains the models, and writes each with rows and the right answers.

`environments.py` runs this script in an environment of its own. The first argument is the folder to write,
which every server reads. Further arguments are names of estimators, which are trained on iris instead.
"""

import json
import pickle
import sys
from inspect import signature
from pathlib import Path
from typing import Any

from sklearn.base import RegressorMixin, clone
from sklearn.datasets import load_iris, make_classification
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import all_estimators

# scikit-learn and its arrays have no types here.
Estimator = Any
Array = Any

_SEED = 1
_DIGITS = 4
_TWO_CLASSES = ("FixedThresholdClassifier", "TunedThresholdClassifierCV")
# Estimators whose columns are numbers of categories. Other servers cut 5.1 to 5, and infer refuses it.
_OF_CATEGORIES = ("CategoricalNB",)
# Estimators that need an inner estimator although their parameter for it has a default.
_NEEDS_ONE = ("SelfTrainingClassifier",)


def main() -> None:
    """Train all models, and write them to the folder."""
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    measures, species = load_iris(return_X_y=True)
    if names:
        for name in names:
            target = species > 0 if name in _TWO_CLASSES else species
            rows = measures.round() if name in _OF_CATEGORIES else measures
            _write(folder, name, _estimator(name).fit(rows, target), rows)
        return
    table, labels = make_classification(8000, n_features=30, n_informative=12, random_state=_SEED)
    table = table.round(_DIGITS)
    logistic = LogisticRegression(max_iter=1000)
    forest = RandomForestClassifier(100, random_state=_SEED)
    boosting = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(random_state=_SEED))
    _write(folder, "logistic", logistic.fit(measures, species), measures)
    _write(folder, "forest", forest.fit(measures, species), measures)
    _write(folder, "neighbors", KNeighborsClassifier().fit(measures, species), measures)
    _write(folder, "wide-logistic", clone(logistic).fit(table[4000:], labels[4000:]), table[:4000])
    _write(folder, "wide-forest", clone(forest).fit(table[4000:], labels[4000:]), table[:4000])
    _write(folder, "boosting", boosting.fit(table[4000:], labels[4000:]), table[:4000])


def _estimator(name: str) -> Estimator:
    """The estimator with its default parameters, and with simple inner estimators if it needs some."""
    make = dict(all_estimators())[name]
    inner = LinearRegression() if issubclass(make, RegressorMixin) else LogisticRegression(max_iter=1000)
    if "estimators" in signature(make).parameters:
        return make(estimators=[("a", inner), ("b", clone(inner))])
    needs = signature(make).parameters.get("estimator")
    return make(inner) if needs and (needs.default is needs.empty or name in _NEEDS_ONE) else make()


def _write(folder: Path, name: str, model: Estimator, rows: Array) -> None:
    home = folder / name
    home.mkdir()
    (home / "model.pkl").write_bytes(pickle.dumps(model, protocol=5))
    cases = {"rows": rows.tolist(), "labels": model.predict(rows).tolist()}
    (home / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
