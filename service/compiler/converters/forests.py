"""Trees and forests: the leaves of scikit-learn's `Tree` objects, added up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.compiler.functions import class_name
from service.compiler.outputs import Classifier, Regressor
from service.compiler.trees import ForestBuilder, Votes, nodes_of
from service.errors import NotCompilable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Ask, Fitted
    from service.compiler.trees import Sums
    from service.native.library import Array

    # Fitted trees, each with the positions of the columns that it was fitted on, or None for all columns.
    FittedTrees = list[tuple[Fitted, Array | None]]

SINGLE = frozenset(
    {"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"}
)
AVERAGED = frozenset(
    {"ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor"}
)
BAGGED = frozenset({"BaggingClassifier", "BaggingRegressor"})
CONSTANT = frozenset({"DummyClassifier", "DummyRegressor"})
BINARY = 2


def candidates(estimator: Fitted) -> Iterator[Ask]:
    """Give the candidate programs for an estimator of this family.

    Versions of scikit-learn differ in what the leaves of a classifier hold.
    """
    name = class_name(estimator)
    is_classifier = name.endswith("Classifier")
    if name in SINGLE:
        yield from _averages([(estimator, None)], is_classifier=is_classifier)
    elif name in AVERAGED:
        yield from _averages([(tree, None) for tree in estimator.estimators_], is_classifier=is_classifier)
    elif name in BAGGED:
        trees = list(zip(estimator.estimators_, estimator.estimators_features_))
        yield from _averages(trees, is_classifier=is_classifier)
    elif name == "GradientBoostingClassifier":
        yield from _boosted_classes(_boosted(estimator))
    elif name == "GradientBoostingRegressor":
        yield Regressor(_boosted(estimator))
    elif name == "AdaBoostClassifier":
        yield _voted(estimator)


def _averages(trees: FittedTrees, *, is_classifier: bool) -> Iterator[Ask]:
    if any(class_name(tree) not in SINGLE for tree, _ in trees):
        raise NotCompilable("its estimators are not trees")
    if is_classifier:
        # From scikit-learn 1.3 on, a leaf holds the shares of the classes. Before, it held weighted counts.
        for values in (_shares, _normalized_counts):
            yield Classifier(_average(trees, values), "largest", "shares")
    else:
        yield Regressor(_average(trees, _outputs))


def _average(trees: FittedTrees, values: Callable[[Fitted], Array]) -> Sums:
    width = values(trees[0][0]).shape[1]
    builder = ForestBuilder(outputs=width, width=width)
    for tree, features in trees:
        builder.add(nodes_of(tree.tree_), values(tree), features=features)
    return builder.sums(divisor=len(trees))


def _shares(tree: Fitted) -> Array:
    values: Array = tree.tree_.value
    if values.shape[1] != 1:
        raise NotCompilable("it has several outputs with classes")
    return values[:, 0, :]


def _normalized_counts(tree: Fitted) -> Array:
    counts = _shares(tree)
    total = counts.sum(axis=1)[:, np.newaxis]
    shares: Array = counts / np.where(total == 0, 1, total)
    return shares


def _outputs(tree: Fitted) -> Array:
    values: Array = tree.tree_.value[:, :, 0]
    return values


def _boosted(estimator: Fitted) -> Sums:
    """Give the sums of gradient boosting. They start from the same numbers for every row."""
    if not isinstance(estimator.init_, str) and class_name(estimator.init_) not in CONSTANT:
        raise NotCompilable("it starts from the predictions of another estimator")
    probe = np.zeros((1, estimator.n_features_in_), np.float32)
    start = np.asarray(estimator._raw_predict_init(probe), np.float64)[0]  # noqa: SLF001 (has no public name)
    builder = ForestBuilder(outputs=len(start), width=1)
    for stage in estimator.estimators_:
        for column, tree in enumerate(stage):
            builder.add(nodes_of(tree.tree_), estimator.learning_rate * _outputs(tree), column=column)
    return builder.sums(start=start)


def _boosted_classes(sums: Sums) -> Iterator[Ask]:
    if len(sums.start) > 1:
        yield Classifier(sums, "largest", "softmax")
        return
    # The second link is the one of the exponential loss.
    for link in ("logistic", "logistic of twice"):
        yield Classifier(sums, "not negative", link, is_flat=True)


def _voted(estimator: Fitted) -> Ask:
    """Give the votes of AdaBoost: each tree votes for the class of its leaf, and against the others."""
    count = estimator.n_classes_
    if count == 1 or any(class_name(tree) not in SINGLE for tree in estimator.estimators_):
        raise NotCompilable("its estimators are not trees of several classes")
    builder = ForestBuilder(outputs=count, width=count)
    for tree, weight in zip(estimator.estimators_, estimator.estimator_weights_):
        position = np.searchsorted(estimator.classes_, tree.classes_)
        votes = position[_shares(tree).argmax(axis=1)]
        values = np.full((len(votes), count), -1 / (count - 1) * weight)
        values[np.arange(len(votes)), votes] = weight
        builder.add(nodes_of(tree.tree_), values)
    sums = builder.sums(divisor=estimator.estimator_weights_.sum())
    if count == BINARY:
        return Classifier(Votes(sums), "positive", "softmax of halves")
    return Classifier(sums, "largest", "softmax of shares")
