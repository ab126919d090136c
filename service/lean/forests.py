"""Models that add up the leaves of scikit-learn's own trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.lean.arithmetic import NotLean, Outcome, class_name, logistic, softmax, two_columns
from service.lean.trees import Planting, nodes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.lean.arithmetic import Array, Ask, Fitted
    from service.native import Forest

SINGLE = frozenset(
    {"DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor"}
)
AVERAGED = frozenset(
    {"ExtraTreesClassifier", "ExtraTreesRegressor", "RandomForestClassifier", "RandomForestRegressor"}
)
BINARY = 2
BAGGED = frozenset({"BaggingClassifier", "BaggingRegressor"})


def candidates(model: Fitted) -> Iterator[Ask]:
    """Give the functions that the model may be: versions differ in how a tree keeps its classes."""
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
        yield from _boosted_classes(model)
    elif name == "GradientBoostingRegressor":
        forest, start = _boosted(model)
        yield lambda rows: Outcome(_sums(forest, rows, start).ravel())
    elif name == "AdaBoostClassifier":
        yield from _voted(model)


def _sums(forest: Forest, rows: Array, start: Array | None = None) -> Array:
    sums = np.zeros((len(rows), forest.trees.outputs))
    if start is not None:
        sums += start
    forest.add_to(sums, rows)
    return sums


def _averages(trees: list[tuple[Fitted, Array | None]], *, is_classifier: bool) -> Iterator[Ask]:
    """Give the average of the trees' values; each tree comes with the columns that it was fitted on."""
    if any(class_name(tree) not in SINGLE for tree, _ in trees):
        raise NotLean("its estimators are not trees")
    if is_classifier:
        # From 1.3 on, trees hold the shares of the classes; before, weighted counts.
        for values in (_shares, _normalized_counts):
            forest = _plant(trees, values)
            yield _most_probable(forest, len(trees))
    else:
        forest = _plant(trees, _outputs)
        yield _mean(forest, len(trees))


def _plant(trees: list[tuple[Fitted, Array | None]], values: Callable[[Fitted], Array]) -> Forest:
    width = values(trees[0][0]).shape[1]
    planting = Planting(outputs=width, width=width)
    for tree, features in trees:
        planting.add(nodes_of(tree.tree_), values(tree), features=features)
    return planting.forest()


def _shares(tree: Fitted) -> Array:
    values = tree.tree_.value
    if values.shape[1] != 1:
        raise NotLean("it has several outputs with classes")
    return values[:, 0, :]


def _normalized_counts(tree: Fitted) -> Array:
    counts = _shares(tree)
    total = counts.sum(axis=1)[:, np.newaxis]
    return counts / np.where(total == 0, 1, total)


def _outputs(tree: Fitted) -> Array:
    return tree.tree_.value[:, :, 0]


def _most_probable(forest: Forest, count: int) -> Ask:
    def ask(rows: Array) -> Outcome:
        probabilities = _sums(forest, rows)
        probabilities /= count
        return Outcome(probabilities.argmax(axis=1), probabilities)

    return ask


def _mean(forest: Forest, count: int) -> Ask:
    is_single = forest.trees.outputs == 1

    def ask(rows: Array) -> Outcome:
        means = _sums(forest, rows)
        means /= count
        return Outcome(means.ravel() if is_single else means)

    return ask


def _boosted(model: Fitted) -> tuple[Forest, Array]:
    """Give the trees of gradient boosting, and what their sum starts from: the same for every row."""
    start_model = model.init_
    if not isinstance(start_model, str) and class_name(start_model) not in (
        "DummyClassifier",
        "DummyRegressor",
    ):
        raise NotLean("it starts from another model")
    probe = np.zeros((1, model.n_features_in_), np.float32)
    start = np.asarray(model._raw_predict_init(probe), np.float64)[0]  # noqa: SLF001 (has no public name)
    planting = Planting(outputs=len(start), width=1)
    for stage in model.estimators_:
        for column, tree in enumerate(stage):
            planting.add(nodes_of(tree.tree_), model.learning_rate * _outputs(tree), column=column)
    return planting.forest(), start


def _boosted_classes(model: Fitted) -> Iterator[Ask]:
    forest, start = _boosted(model)
    if len(start) > 1:

        def several(rows: Array) -> Outcome:
            scores = _sums(forest, rows, start)
            return Outcome(scores.argmax(axis=1), softmax(scores))

        yield several
        return
    # The last is that of the exponential loss.
    for factor in (1.0, 2.0):

        def binary(rows: Array, factor: float = factor) -> Outcome:
            score = _sums(forest, rows, start).ravel()
            return Outcome((score >= 0).astype(np.intp), two_columns(logistic(factor * score)))

        yield binary


def _voted(model: Fitted) -> Iterator[Ask]:
    """Give AdaBoost's votes: each tree adds its weight to the class of its leaf, and takes it from others."""
    count = model.n_classes_
    if count == 1 or any(class_name(tree) not in SINGLE for tree in model.estimators_):
        raise NotLean("its estimators are not trees of several classes")
    planting = Planting(outputs=count, width=count)
    for tree, weight in zip(model.estimators_, model.estimator_weights_):
        position = np.searchsorted(model.classes_, tree.classes_)
        votes = position[_shares(tree).argmax(axis=1)]
        values = np.full((len(votes), count), -1 / (count - 1) * weight)
        values[np.arange(len(votes)), votes] = weight
        planting.add(nodes_of(tree.tree_), values)
    forest = planting.forest()
    total = model.estimator_weights_.sum()

    def binary(rows: Array) -> Outcome:
        scores = _sums(forest, rows)
        scores /= total
        scores[:, 0] *= -1
        score = scores.sum(axis=1)
        return Outcome((score > 0).astype(np.intp), softmax(np.stack([-score, score], axis=1) / 2))

    def several(rows: Array) -> Outcome:
        scores = _sums(forest, rows)
        scores /= total
        best = scores.argmax(axis=1)
        scores /= count - 1
        return Outcome(best, softmax(scores))

    yield binary if count == BINARY else several
