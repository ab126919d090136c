"""Models whose attributes hide methods: what is called is then what the file holds. See `made`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from tests.safety.misplaced.made import (
    AMOUNTS,
    LABELS,
    NOTHING,
    NUMBERS,
    Misplaced,
    classifier,
    regressor,
    with_attributes,
    writer,
    writer_of_pairs,
)

if TYPE_CHECKING:
    from tests.safety.misplaced.made import Model

KIND = "hidden method"

# Called with keywords that no call of the allow-list takes, or not called at all.
NEVER = (
    "_check_n_features",
    "_forward_pass_fast",
    "_hstack",
    "_iter",
    "_predict_proba_lr",
    "_sparse_predict",
)


def shadows(canary: str) -> list[Misplaced]:
    return [*_of_the_model(canary), *_of_parts(writer(canary)), *_plain_values()]


def _of_the_model(canary: str) -> list[Misplaced]:
    """scikit-learn writes no such attributes: each is a method of the class, or of a class above it."""
    network = MLPRegressor(hidden_layer_sizes=2, max_iter=300, tol=1.0).fit(NUMBERS, AMOUNTS)
    stack = StackingRegressor([("a", regressor())], cv=2).fit(NUMBERS, AMOUNTS)
    columns = ColumnTransformer([("scale", StandardScaler(), [0, 1])]).fit(NUMBERS)
    models = {
        "predict": regressor(),
        "decision_function": classifier(),
        "_decision_function": regressor(),
        "_joint_log_likelihood": GaussianNB().fit(NUMBERS, LABELS),
        "_validate_X_predict": RandomForestClassifier(2, max_depth=2).fit(NUMBERS, LABELS),
        "_raw_predict": HistGradientBoostingRegressor(max_iter=1).fit(NUMBERS, AMOUNTS),
        "_iter": Pipeline([("last", regressor())]),
        "_get_kernel": KernelRidge().fit(NUMBERS, AMOUNTS),
        "_sparse_predict": SVC().fit(NUMBERS, LABELS),
        "_dense_predict": SVC().fit(NUMBERS, LABELS),
        "_forward_pass_fast": network,
        "_transform": stack,
        "_check_n_features": regressor(),
        "_predict_proba_lr": classifier(),
        "_get_support_mask": SelectKBest(f_regression, k=1).fit(NUMBERS, AMOUNTS),
        "_hstack": columns,
    }
    found = []
    for name, model in models.items():
        value = writer_of_pairs(canary) if name == "_get_kernel" else writer(canary)
        changed = with_attributes(model, **{name: value})
        effect = NOTHING if name in NEVER else "writes"
        method = "predict" if hasattr(type(model), "predict") else "transform"
        found.append(
            Misplaced(KIND, f"{name} of {type(model).__name__}", changed, effect, name, method=method)
        )
    return found


def _of_parts(write: Model) -> list[Misplaced]:
    scaled = Pipeline([("scale", StandardScaler()), ("last", regressor())]).fit(NUMBERS, AMOUNTS)
    scaled.steps[0][1].transform = write
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2).fit(NUMBERS, LABELS)
    search.best_estimator_.predict = write
    voting = VotingClassifier([("a", LogisticRegression())]).fit(NUMBERS, LABELS)
    voting.estimators_[0].predict = write
    encoded = VotingClassifier([("a", LogisticRegression())]).fit(NUMBERS, LABELS)
    encoded.le_.inverse_transform = write
    columns = ColumnTransformer([("scale", StandardScaler(), [0, 1])]).fit(NUMBERS)
    columns.transformers_[0][1].transform = write
    texts = CountVectorizer().fit(["a red rose"])
    texts.build_analyzer = write
    return [
        Misplaced(KIND, "transform of a step", scaled, place="transform"),
        Misplaced(KIND, "transform of a column's part", columns, place="transform", method="transform"),
        Misplaced(KIND, "predict of the best estimator", search, place="predict"),
        Misplaced(KIND, "predict of a voter", voting, place="predict"),
        Misplaced(KIND, "inverse_transform of the labels", encoded, place="inverse_transform"),
        Misplaced(
            KIND,
            "build_analyzer of a vectorizer",
            texts,
            place="build_analyzer",
            rows=["a red rose"],
            method="transform",
        ),
    ]


def _plain_values() -> list[Misplaced]:
    """Methods that are hidden by data: the service would end with a traceback at the first request."""
    values = {"predict": "x", "predict_proba": [[0.0]], "transform": 1, "decision_function": None, "fit": {}}
    return [
        Misplaced(KIND, f"data for {name}", with_attributes(classifier(), **{name: value}), NOTHING, name)
        for name, value in values.items()
    ]
