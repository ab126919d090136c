"""Files that hold a model in pieces: swapped parts, missing attributes, wrong types, circles.

Nothing runs. The file must be refused in one line, and not by a traceback of a service that starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, Sum
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.safety.misplaced.made import (
    AMOUNTS,
    LABELS,
    NOTHING,
    NUMBERS,
    Misplaced,
    classifier,
    regressor,
    with_attributes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.safety.misplaced.made import Model

KIND = "broken"
WORDS = np.array([["red", "s"], ["blue", "m"], ["red", "l"]], dtype=object)


def broken(_: str) -> list[Misplaced]:
    changed = [
        Misplaced(KIND, name, _with(model, **attributes), NOTHING, place)
        for name, (model, attributes) in {**_changed(), **_changed_numbers(), **_changed_parts()}.items()
        for place in list(attributes)[:1]
    ]
    without = [
        Misplaced(KIND, f"{type(model).__name__} without {place}", _without(model, place), NOTHING, place)
        for model, place in _without_attributes()
    ]
    return [*changed, *without, *_circles()]


def _with(make: Callable[[], Model], **attributes: object) -> Model:
    return with_attributes(make(), **attributes)


def _without(model: Model, *names: str) -> Model:
    for name in names:
        del model.__dict__[name]
    return model


def _pipeline() -> Model:
    return Pipeline([("scale", StandardScaler()), ("last", LogisticRegression())]).fit(NUMBERS, LABELS)


def _columns() -> Model:
    return ColumnTransformer([("scale", StandardScaler(), [0, 1])]).fit(NUMBERS)


def _voting() -> Model:
    return VotingClassifier([("a", LogisticRegression())], voting="soft").fit(NUMBERS, LABELS)


def _forest() -> Model:
    return RandomForestClassifier(2).fit(NUMBERS, LABELS)


def _search() -> Model:
    return GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2).fit(NUMBERS, LABELS)


def _one_hot() -> Model:
    return OneHotEncoder().fit(WORDS)


def _tree() -> Model:
    return DecisionTreeClassifier().fit(NUMBERS, LABELS)


def _changed() -> dict[str, tuple[Callable[[], Model], dict[str, object]]]:
    scaler = StandardScaler().fit(NUMBERS)
    return {
        "steps that are a dictionary": (_pipeline, {"steps": {"last": classifier()}}),
        "steps that are numbers": (_pipeline, {"steps": [1, 2]}),
        "steps that are text": (_pipeline, {"steps": "ab"}),
        "no steps": (_pipeline, {"steps": []}),
        "steps without names": (_pipeline, {"steps": [scaler, classifier()]}),
        "steps with too few parts": (_pipeline, {"steps": [("scale",), ("last",)]}),
        "steps with numbers for names": (_pipeline, {"steps": [(0, scaler), (1, classifier())]}),
        "a text for the last step": (_pipeline, {"steps": [("scale", scaler), ("last", "drop")]}),
        "an array of steps": (_pipeline, {"steps": np.array([["a", "b"]], dtype=object)}),
        "columns that are numbers": (_columns, {"transformers_": [1]}),
        "columns without a place": (_columns, {"transformers_": [("a", scaler)]}),
        "columns that do not exist": (_columns, {"transformers_": [("a", scaler, [7, 8])]}),
        "columns of another kind": (_columns, {"transformers_": [("a", scaler, {"a": 1})]}),
        "a text for a column's part": (_columns, {"transformers_": [("a", "eval", [0, 1])]}),
    }


def _changed_numbers() -> dict[str, tuple[Callable[[], Model], dict[str, object]]]:
    return {
        "a count of features in words": (classifier, {"n_features_in_": "two"}),
        "a negative count of features": (classifier, {"n_features_in_": -1}),
        "a count of features without end": (classifier, {"n_features_in_": 10**12}),
        "a fraction of features": (classifier, {"n_features_in_": 2.5}),
        "an array for a count of features": (classifier, {"n_features_in_": np.array([2, 2])}),
        "names of features that are numbers": (classifier, {"feature_names_in_": np.array([1, 2])}),
        "names of features in a dictionary": (classifier, {"feature_names_in_": {"a": 1, "b": 2}}),
        "names of features in a text": (classifier, {"feature_names_in_": "ab"}),
        "names of features in a table": (classifier, {"feature_names_in_": np.array([["a"], ["b"]])}),
        "too many names of features": (classifier, {"feature_names_in_": np.array(["a", "b", "c"], object)}),
        "coefficients in words": (classifier, {"coef_": "ab"}),
        "coefficients in lists": (classifier, {"coef_": [[1.0, 2.0]]}),
        "coefficients of words": (classifier, {"coef_": np.array([["a", "b"]])}),
        "coefficients of objects": (classifier, {"coef_": np.array([[{}, None]], dtype=object)}),
        "coefficients of another shape": (classifier, {"coef_": np.zeros((3, 4, 5))}),
        "classes that are a number": (classifier, {"classes_": 3}),
        "classes that are a text": (classifier, {"classes_": "no"}),
        "classes that are a dictionary": (classifier, {"classes_": {"no": 0}}),
        "classes that are objects": (classifier, {"classes_": np.array([{}, []], dtype=object)}),
        "one class of two": (classifier, {"classes_": np.array(["no"])}),
        "a table of classes": (classifier, {"classes_": np.array([["no"], ["yes"]])}),
    }


def _changed_parts() -> dict[str, tuple[Callable[[], Model], dict[str, object]]]:
    scaler = StandardScaler().fit(NUMBERS)
    return {
        "members that are a text": (_voting, {"estimators_": "ab"}),
        "no members": (_voting, {"estimators_": []}),
        "members of another kind": (_voting, {"estimators_": [scaler]}),
        "weights in words": (_voting, {"weights": ["a"]}),
        "trees of another kind": (_forest, {"estimators_": [classifier(), regressor()]}),
        "trees of numbers": (_forest, {"estimators_": [DecisionTreeRegressor().fit(NUMBERS, AMOUNTS)]}),
        "a best estimator that is None": (_search, {"best_estimator_": None}),
        "a best estimator that is a class": (_search, {"best_estimator_": LogisticRegression}),
        "a best estimator not fitted": (_search, {"best_estimator_": LogisticRegression()}),
        "categories that are numbers": (_one_hot, {"categories_": [1, 2]}),
        "categories that are a text": (_one_hot, {"categories_": "ab"}),
        "categories of one column": (_one_hot, {"categories_": [np.array(["red"], dtype=object)]}),
        "categories of lists": (_one_hot, {"categories_": [[["a"]], [["b"]]]}),
        "a tree in a list": (_tree, {"tree_": [_tree().tree_]}),
        "a tree that is a dictionary": (_tree, {"tree_": {}}),
        "a count of outputs in words": (_tree, {"n_outputs_": "1"}),
        "an activation in a number": (_network, {"out_activation_": 1}),
        "an activation of another name": (_network, {"out_activation_": "eval"}),
        "layers that are numbers": (_network, {"coefs_": [1.0, 2.0]}),
        "a count of layers without end": (_network, {"n_layers_": 10**12}),
        "support vectors in a list": (_vectors, {"support_vectors_": [[1.0, 2.0]]}),
        "a kernel of another name": (_vectors, {"kernel": "eval"}),
        "words that are a list": (_words, {"vocabulary_": ["red", "rose"]}),
        "words at places that are texts": (_words, {"vocabulary_": {"red": "a", "rose": "b"}}),
        "a pattern that is a number": (_words, {"token_pattern": 1}),
        "a pattern that is none": (_words, {"token_pattern": "("}),
    }


def _network() -> Model:
    return MLPClassifier(2, max_iter=300, tol=1.0).fit(NUMBERS, LABELS)


def _vectors() -> Model:
    return SVC().fit(NUMBERS, LABELS)


def _words() -> Model:
    vectorizer = CountVectorizer().fit(["red rose"])
    return Pipeline([("words", vectorizer), ("last", LogisticRegression().fit([[0, 1], [1, 0]], [0, 1]))])


def _without_attributes() -> list[tuple[Model, str]]:
    return [
        (classifier(), "coef_"),
        (classifier(), "intercept_"),
        (classifier(), "classes_"),
        (regressor(), "coef_"),
        (_pipeline(), "steps"),
        (_columns(), "transformers_"),
        (_forest(), "estimators_"),
        (_forest(), "n_outputs_"),
        (_tree(), "tree_"),
        (_tree(), "n_classes_"),
        (_voting(), "le_"),
        (_search(), "best_estimator_"),
        (_one_hot(), "categories_"),
        (OrdinalEncoder().fit(WORDS), "categories_"),
        (SimpleImputer().fit(NUMBERS), "statistics_"),
        (GradientBoostingRegressor(n_estimators=1).fit(NUMBERS, AMOUNTS), "_loss"),
        (HistGradientBoostingClassifier(max_iter=1).fit(NUMBERS, LABELS), "_predictors"),
        (_vectors(), "support_vectors_"),
        (_network(), "coefs_"),
    ]


def _circles() -> list[Misplaced]:
    """Parts that hold themselves: who follows them never comes to an end."""
    pipeline = _pipeline()
    pipeline.steps[0] = ("scale", pipeline)
    last = _pipeline()
    last.steps[1] = ("last", last)
    stack = StackingRegressor([("a", regressor())], cv=2).fit(NUMBERS, AMOUNTS)
    stack.final_estimator_ = stack
    search = _search()
    search.best_estimator_ = search
    union = FeatureUnion([("scale", StandardScaler())]).fit(NUMBERS)
    union.transformer_list[0] = ("scale", union)
    kernel = Sum(RBF(), RBF())
    kernel.k1 = kernel
    process = GaussianProcessRegressor().fit(NUMBERS, AMOUNTS)
    process.kernel_ = kernel
    names: list[object] = []
    names.append(names)
    columns = with_attributes(classifier(), feature_names_in_=names)
    models = {
        "a pipeline in itself": (pipeline, "steps"),
        "a pipeline at its own end": (last, "steps"),
        "a stack in itself": (stack, "final_estimator_"),
        "a search in itself": (search, "best_estimator_"),
        "a union in itself": (union, "transformer_list"),
        "a kernel in itself": (process, "k1"),
        "names in themselves": (columns, "feature_names_in_"),
    }
    return [Misplaced(KIND, name, model, NOTHING, place) for name, (model, place) in models.items()]
