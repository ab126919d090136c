from __future__ import annotations

import math
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from service.prediction.predictor import Predictor
from service.schema.features import Feature

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    MakePredictor = Callable[[object], Predictor]

ROW = [5.1, 3.5, 1.4, 0.2]
NAMES = ["slength", "swidth", "plength", "pwidth"]
SPECIES = ["setosa", "versicolor", "virginica"]


def names_of(predictor: Predictor) -> list[str]:
    return [feature.name for feature in predictor.features]


def test_a_classifier_has_classes_and_probabilities(
    iris: tuple[Any, Any], classifier: LogisticRegression, make_predictor: MakePredictor
) -> None:
    predictor = make_predictor(classifier)

    predictions = predictor.predict(np.array([ROW, ROW]))

    assert predictor.model.kind == "classifier"
    assert predictor.classes == SPECIES
    assert predictor.features == tuple(Feature(name, "number") for name in NAMES)
    assert predictions.values == ["setosa", "setosa"]
    assert predictions.probabilities is not None
    assert predictions.probabilities[0] == pytest.approx(classifier.predict_proba(iris[0][:1])[0].tolist())


def test_a_regressor_has_neither(make_predictor: MakePredictor) -> None:
    predictor = make_predictor(LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0]))

    predictions = predictor.predict(np.array([[3.0]]))

    assert (predictor.model.kind, predictor.classes, predictions.probabilities) == ("regressor", None, None)
    assert predictions.values == pytest.approx([6.0])
    assert type(predictions.values[0]) is float


def test_a_clusterer_gives_whole_numbers(make_predictor: MakePredictor) -> None:
    predictor = make_predictor(KMeans(2, n_init=1, random_state=0).fit([[0.0], [9.0]]))

    assert predictor.model.kind == "clusterer"
    assert type(predictor.predict(np.array([[1.0]])).values[0]) is int


def test_a_model_trained_without_names_gets_numbered_features(make_predictor: MakePredictor) -> None:
    predictor = make_predictor(LinearRegression().fit(np.eye(3), [1, 2, 3]))

    assert names_of(predictor) == ["x0", "x1", "x2"]


@pytest.mark.parametrize(
    "wrap",
    [
        pytest.param(lambda model: make_pipeline(StandardScaler(), model), id="pipeline"),
        pytest.param(
            lambda model: make_pipeline("passthrough", StandardScaler(), model), id="passthrough first"
        ),
        pytest.param(lambda model: GridSearchCV(model, {"C": [0.1, 1]}, cv=2), id="search"),
        pytest.param(
            lambda model: GridSearchCV(make_pipeline("passthrough", model), {}, cv=2),
            id="search of a pipeline",
        ),
        pytest.param(lambda model: VotingClassifier([("a", model)], voting="soft"), id="vote"),
        pytest.param(lambda model: make_pipeline(FunctionTransformer(), model), id="function"),
        pytest.param(
            lambda model: make_pipeline(ColumnTransformer([("s", StandardScaler(), NAMES[:3])]), model),
            id="columns",
        ),
    ],
)
def test_models_of_parts(
    iris: tuple[Any, Any], make_predictor: MakePredictor, wrap: Callable[[Any], Any]
) -> None:
    model = wrap(LogisticRegression(max_iter=500)).fit(*iris)
    predictor = make_predictor(model)

    predictions = predictor.predict(np.array([ROW]))

    assert (predictor.model.kind, names_of(predictor), predictor.classes) == ("classifier", NAMES, SPECIES)
    assert predictions.values == ["setosa"]
    assert np.array(predictions.probabilities) == pytest.approx(model.predict_proba(iris[0][:1]))


@pytest.mark.filterwarnings("ignore:The `probability` parameter was deprecated:FutureWarning")
@pytest.mark.parametrize("probability", [True, False])
def test_a_model_may_lack_probabilities(
    iris: tuple[Any, Any], make_predictor: MakePredictor, *, probability: bool
) -> None:
    predictor = make_predictor(SVC(probability=probability).fit(*iris))

    assert (predictor.predict(np.array([ROW])).probabilities is not None) == probability


def test_a_model_with_several_outputs(make_predictor: MakePredictor) -> None:
    targets = [["a", "x"], ["b", "y"], ["b", "z"]]
    model = RandomForestClassifier(5, bootstrap=False, random_state=0).fit([[0.0], [1.0], [2.0]], targets)
    predictor = make_predictor(model)

    predictions = predictor.predict(np.array([[0.0], [2.0]]))

    assert predictor.classes == [["a", "b"], ["x", "y", "z"]]
    assert predictions.values == [["a", "x"], ["b", "z"]]
    assert predictions.probabilities == [[[1.0, 0.0], [1.0, 0.0, 0.0]], [[0.0, 1.0], [0.0, 0.0, 1.0]]]


def test_all_cpus_are_not_the_models_to_take(iris: tuple[Any, Any], make_predictor: MakePredictor) -> None:
    forest = RandomForestClassifier(3, n_jobs=-1, random_state=0)
    model = GridSearchCV(make_pipeline(StandardScaler(), forest), {}, cv=2, n_jobs=2).fit(*iris)

    predictor = make_predictor(model)

    fitted: Any = predictor.model
    estimator = fitted.estimator
    parts = [*estimator.get_params().items(), *estimator.best_estimator_.get_params().items()]
    assert {value for name, value in parts if name.endswith("n_jobs")} == {1}


def test_a_model_that_is_not_fitted(make_predictor: MakePredictor) -> None:
    with pytest.raises(
        ModelUnloadable, match=r"it holds an estimator that was not fitted: LogisticRegression"
    ):
        make_predictor(LogisticRegression())


def test_a_model_of_texts_takes_one_of_them(make_predictor: MakePredictor) -> None:
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(["a cat", "a dog"], [0, 1])
    predictor = make_predictor(model)

    assert predictor.features == (Feature("x0", "text", dtype="text"),)
    assert predictor.predict([["the dog"], ["the cat"]]).values == [1, 0]


def test_features_of_one_name(make_predictor: MakePredictor) -> None:
    model = DummyRegressor().fit([[0.0, 1.0]], [1.0])
    model.feature_names_in_ = np.array(["a", "a"], dtype=object)
    model.n_features_in_ = 2

    with pytest.raises(
        ModelUnloadable, match=r"it has several features that are called 'a'\. Give each column"
    ):
        make_predictor(model)


def test_a_class_of_its_own_needs_only_predict(
    make_predictor: MakePredictor, make_instance: Callable[[str, str], object]
) -> None:
    code = """
class Own:
    n_features_in_ = 2
    classes_ = [0, 1]
    def predict(self, table):
        return [float("nan") if row[0] else 1 for row in table]
"""
    predictor = make_predictor(make_instance("Own", code))

    values = predictor.predict(np.array([[1.0, 0.0]])).values

    assert predictor.model.kind == "classifier"
    assert isinstance(values[0], float)
    assert math.isnan(values[0])


def test_a_class_that_mixes_in_the_wrong_order(
    make_predictor: MakePredictor, make_instance: Callable[[str, str], object]
) -> None:
    code = """
class Mixed:
    n_features_in_ = 2
    def __sklearn_tags__(self):
        return super().__sklearn_tags__()
    def predict(self, table):
        return [0]
"""

    assert make_predictor(make_instance("Mixed", code)).model.kind == "other"


def test_code_from_outside_scikit_learn_gets_the_columns_by_name(
    iris: tuple[Any, Any], make_predictor: MakePredictor, make_instance: Callable[[str, str], Any]
) -> None:
    code = """
from sklearn.base import BaseEstimator, RegressorMixin
class Total(RegressorMixin, BaseEstimator):
    def fit(self, table, target):
        self.n_features_in_ = table.shape[1]
        self.feature_names_in_ = table.columns.to_numpy()
        return self
    def predict(self, table):
        return table["slength"] + table["pwidth"]
"""
    predictor = make_predictor(make_instance("Total", code).fit(*iris))

    assert predictor.predict(np.array([ROW])).values == pytest.approx([5.3])


def test_numbers_by_name_need_no_pandas(
    iris: tuple[Any, Any], save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scaled = [("b", StandardScaler(), NAMES[2:]), ("a", "passthrough", NAMES[:1]), ("x", "drop", NAMES[1:2])]
    model = make_pipeline(ColumnTransformer(scaled), LogisticRegression(max_iter=500)).fit(*iris)
    expected = model.predict_proba(iris[0][:1])[0].tolist()
    loaded = load_model(save(model))
    monkeypatch.delitem(sys.modules, "pandas")
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    predictions = Predictor(loaded.model).predict(np.array([ROW]))

    assert np.array(predictions.probabilities) == pytest.approx(np.array([expected]))


def test_columns_of_several_kinds_without_pandas(
    mixed_models: dict[str, Any], save: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = save(mixed_models["search"])
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(
        ModelUnloadable, match=r"it takes named columns of several types, and there is no pandas\. Add pandas"
    ):
        load_model(file)


def test_a_transformer_that_makes_frames_gets_one(
    iris: tuple[Any, Any], make_predictor: MakePredictor
) -> None:
    first = ColumnTransformer([("s", StandardScaler(), NAMES)]).set_output(transform="pandas")
    second = ColumnTransformer([("t", "passthrough", ["s__pwidth", "s__slength"])])
    model = make_pipeline(first, second, LogisticRegression(max_iter=500)).fit(*iris)

    predictions = make_predictor(model).predict(np.array([ROW]))

    assert np.array(predictions.probabilities) == pytest.approx(model.predict_proba(iris[0][:1]))


def test_arrays_for_a_model_with_names_are_no_warning(
    classifier: LogisticRegression, make_predictor: MakePredictor
) -> None:
    predictor = make_predictor(classifier)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predictor.predict(np.array([ROW]))


def test_one_call_at_a_time(make_predictor: MakePredictor, make_instance: Callable[[str, str], Any]) -> None:
    code = """
import threading, time
class Alone:
    n_features_in_ = 1
    inside = 0
    def predict(self, table):
        type(self).inside += 1
        time.sleep(0.02)
        seen = type(self).inside
        type(self).inside -= 1
        return [seen]
"""
    predictor = make_predictor(make_instance("Alone", code))
    seen: list[object] = []

    threads = [
        threading.Thread(target=lambda: seen.extend(predictor.predict(np.array([[0.0]])).values))
        for _ in range(5)
    ]
    started = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [1] * 5
    assert time.monotonic() - started >= 0.1
