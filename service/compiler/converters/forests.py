"""Models that add up the leaves of scikit-learn's own trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.compiler.functions import class_name
from service.compiler.outputs import Classifier, Regressor
from service.compiler.trees import Planting, Votes, nodes_of
from service.errors import NotCompilable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.compiler.functions import Array, Ask, Fitted
    from service.compiler.trees import Sums

    # Trees, each with the columns that it was fitted on if these are not all.
    Trees = list[tuple[Fitted, Array | None]]

SINGLE = frozenset(
    {"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"}
)
AVERAGED = frozenset(
    {"ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor"}
)
BAGGED = frozenset({"BaggingClassifier", "BaggingRegressor"})
CONSTANT = frozenset({"DummyClassifier", "DummyRegressor"})
BINARY = 2


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give what the model may be: versions differ in how a tree keeps its classes."""
    name = class_name(model)
    is_classifier = name.endswith("Classifier")
    if name in SINGLE:
        yield from _averages([(model, None)], is_classifier=is_classifier)
    elif name in AVERAGED:
        yield from _averages([(tree, None) for tree in model.estimators_], is_classifier=is_classifier)
    elif name in BAGGED:
        trees = list(zip(model.estimators_, model.estimators_features_))
        yield from _averages(trees, is_classifier=is_classifier)
    elif name == "GradientBoostingClassifier":
        yield from _boosted_classes(_boosted(model))
    elif name == "GradientBoostingRegressor":
        yield Regressor(_boosted(model))
    elif name == "AdaBoostClassifier":
        yield _voted(model)


def _averages(trees: Trees, *, is_classifier: bool) -> Iterator[Ask]:
    if any(class_name(tree) not in SINGLE for tree, _ in trees):
        raise NotCompilable("its estimators are not trees")
    if is_classifier:
        # From 1.3 on, trees hold the shares of the classes; before, weighted counts.
        for values in (_shares, _normalized_counts):
            yield Classifier(_average(trees, values), "largest", "shares")
    else:
        yield Regressor(_average(trees, _outputs))


def _average(trees: Trees, values: Callable[[Fitted], Array]) -> Sums:
    width = values(trees[0][0]).shape[1]
    planting = Planting(outputs=width, width=width)
    for tree, features in trees:
        planting.add(nodes_of(tree.tree_), values(tree), features=features)
    return planting.sums(divisor=len(trees))


def _shares(tree: Fitted) -> Array:
    values = tree.tree_.value
    if values.shape[1] != 1:
        raise NotCompilable("it has several outputs with classes")
    return values[:, 0, :]


def _normalized_counts(tree: Fitted) -> Array:
    counts = _shares(tree)
    total = counts.sum(axis=1)[:, np.newaxis]
    return counts / np.where(total == 0, 1, total)


def _outputs(tree: Fitted) -> Array:
    return tree.tree_.value[:, :, 0]


def _boosted(model: Fitted) -> Sums:
    """Give the sums of gradient boosting, which start from the same for every row."""
    if not isinstance(model.init_, str) and class_name(model.init_) not in CONSTANT:
        raise NotCompilable("it starts from another model")
    probe = np.zeros((1, model.n_features_in_), np.float32)
    start = np.asarray(model._raw_predict_init(probe), np.float64)[0]  # noqa: SLF001 (has no public name)
    planting = Planting(outputs=len(start), width=1)
    for stage in model.estimators_:
        for column, tree in enumerate(stage):
            planting.add(nodes_of(tree.tree_), model.learning_rate * _outputs(tree), column=column)
    return planting.sums(start=start)


def _boosted_classes(sums: Sums) -> Iterator[Ask]:
    if len(sums.start) > 1:
        yield Classifier(sums, "largest", "softmax")
        return
    # The second is that of the exponential loss.
    for link in ("logistic", "logistic of twice"):
        yield Classifier(sums, "not negative", link, is_flat=True)


def _voted(model: Fitted) -> Ask:
    """Give AdaBoost's votes: each tree adds its weight to the class of its leaf, and takes it from others."""
    count = model.n_classes_
    if count == 1 or any(class_name(tree) not in SINGLE for tree in model.estimators_):
        raise NotCompilable("its estimators are not trees of several classes")
    planting = Planting(outputs=count, width=count)
    for tree, weight in zip(model.estimators_, model.estimator_weights_):
        position = np.searchsorted(model.classes_, tree.classes_)
        votes = position[_shares(tree).argmax(axis=1)]
        values = np.full((len(votes), count), -1 / (count - 1) * weight)
        values[np.arange(len(votes)), votes] = weight
        planting.add(nodes_of(tree.tree_), values)
    sums = planting.sums(divisor=model.estimator_weights_.sum())
    if count == BINARY:
        return Classifier(Votes(sums), "positive", "softmax of halves")
    return Classifier(sums, "largest", "softmax of shares")
