"""Files of XGBoost tell what the model takes; each walk through a tree that passed the check ends."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from service.errors import UnusableFile
from service.loading.boosters import BoosterColumn
from service.loading.xgboost_file import read_xgboost

if TYPE_CHECKING:
    from collections.abc import Callable

BOOSTERS = Path(__file__).parents[2] / "golden" / "boosters"
MODEL: Any = json.loads((BOOSTERS / "xgboost.json").read_text())
TREES = 2


def read(change: Callable[[Any], object]) -> object:
    document = copy.deepcopy(MODEL)
    change(document["learner"])
    return read_xgboost(json.dumps(document).encode())


def tree(learner: Any) -> Any:
    return learner["gradient_booster"]["model"]["trees"][0]


def cats(learner: Any) -> Any:
    return learner["gradient_booster"]["model"]["cats"]


@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_what_the_file_says(suffix: str) -> None:
    found = read_xgboost((BOOSTERS / f"xgboost.{suffix}").read_bytes())

    assert (found.kind, found.class_count, found.version) == ("classifier", 2, "3.2.0")
    assert found.names == ("town", "rooms", "area")
    assert found.columns == (
        BoosterColumn("category", ("Bonn", "Paris", "Rome")),
        BoosterColumn("category", (1, 2, 3, 4)),
        BoosterColumn("number"),
    )


@pytest.mark.parametrize(
    ("objective", "estimator_type", "kind"),
    [
        pytest.param("binary:logistic", None, "classifier", id="booster"),
        pytest.param("binary:logistic", "regressor", "regressor", id="XGBRegressor"),
        pytest.param("binary:logitraw", "classifier", "classifier", id="XGBClassifier"),
        pytest.param("binary:logitraw", None, "regressor", id="raw-scores"),
        pytest.param("rank:ndcg", None, "other", id="ranks"),
        pytest.param("rank:ndcg", "ranker", "other", id="XGBRanker"),
        pytest.param("survival:cox", None, "regressor", id="survival"),
    ],
)
def test_the_kind(objective: str, estimator_type: str | None, kind: str) -> None:
    def change(learner: Any) -> None:
        learner["objective"]["name"] = objective
        note = json.dumps({"_estimator_type": estimator_type})
        learner["attributes"] = {"scikit_learn": note} if estimator_type else {}

    assert getattr(read(change), "kind") == kind  # noqa: B009 (of an object)


def test_the_best_round_counts_for_a_model_of_the_classes_for_scikit_learn_alone() -> None:
    def note(learner: Any) -> None:
        learner["attributes"]["best_iteration"] = "1"

    def as_a_booster(learner: Any) -> None:
        learner["attributes"] = {"best_iteration": "1"}

    assert getattr(read(note), "rounds") == 2  # noqa: B009
    assert getattr(read(as_a_booster), "rounds") == 0  # noqa: B009


def test_categories_that_are_cut_off_are_not_known() -> None:
    """XGBoost 3.2 counts the characters of `ä`, `b` and cuts off so many bytes."""

    def cut(learner: Any) -> None:
        encoding = learner["gradient_booster"]["model"]["cats"]["enc"][0]
        encoding.update(offsets=[0, 1, 1, 2], values=[-61, -92])

    column = getattr(read(cut), "columns")[0]  # noqa: B009

    assert (column.type, column.categories) == ("any", None)
    assert column.must_declare == "XGBoost kept its categories cut off"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda it: tree(it)["left_children"].__setitem__(0, 0), id="root-is-its-child"),
        pytest.param(lambda it: tree(it)["right_children"].__setitem__(0, 1), id="one-child-twice"),
        pytest.param(lambda it: tree(it)["left_children"].__setitem__(0, 10**6), id="child-out-of-bounds"),
        pytest.param(lambda it: tree(it)["parents"].__setitem__(2, -2), id="negative-parent"),
        pytest.param(lambda it: tree(it)["parents"].__setitem__(2, 2), id="its-own-parent"),
        pytest.param(lambda it: tree(it)["parents"].__setitem__(0, 1), id="the-root-has-a-parent"),
        pytest.param(lambda it: cats(it)["sorted_idx"].__setitem__(0, 9), id="order-of-categories"),
        pytest.param(lambda it: cats(it)["enc"][0]["offsets"].__setitem__(1, 99), id="offsets"),
        pytest.param(lambda it: cats(it)["feature_segments"].__setitem__(1, 1), id="segments"),
        pytest.param(lambda it: tree(it)["left_children"].__setitem__(0, -7), id="negative-child"),
        pytest.param(lambda it: tree(it)["split_indices"].__setitem__(0, 3), id="column-out-of-bounds"),
        pytest.param(lambda it: tree(it)["split_conditions"].pop(), id="too-few-thresholds"),
        pytest.param(lambda it: tree(it)["tree_param"].update(num_nodes="1000000000"), id="absurd-nodes"),
        pytest.param(lambda it: tree(it)["categories"].__setitem__(0, 2**31 - 1), id="absurd-category"),
        pytest.param(lambda it: tree(it)["categories_sizes"].__setitem__(0, 9), id="too-few-categories"),
        pytest.param(lambda it: tree(it)["categories_nodes"].__setitem__(0, 4), id="categories-elsewhere"),
        pytest.param(lambda it: tree(it)["left_children"].__setitem__(0, 1.5), id="half-a-node"),
        pytest.param(lambda it: tree(it).pop("default_left"), id="no-default"),
        pytest.param(
            lambda it: it["gradient_booster"]["model"]["tree_info"].__setitem__(0, 5),
            id="group",
        ),
        pytest.param(
            lambda it: it["gradient_booster"]["model"]["iteration_indptr"].__setitem__(1, 9), id="rounds"
        ),
        pytest.param(lambda it: it["learner_model_param"].update(num_feature="2000000000"), id="features"),
        pytest.param(lambda it: it["learner_model_param"].update(num_class="-5"), id="negative-classes"),
        pytest.param(lambda it: it["gradient_booster"].update(name="other"), id="unknown-booster"),
        pytest.param(lambda it: it["feature_names"].append("more"), id="too-many-names"),
        pytest.param(lambda it: it.pop("objective"), id="no-objective"),
        pytest.param(lambda it: it.update(attributes=[1]), id="attributes-are-a-list"),
    ],
)
def test_what_is_not_sound_is_refused(change: Callable[[Any], object]) -> None:
    with pytest.raises(UnusableFile):
        read(change)


@pytest.mark.parametrize("content", [b"{}", b"[]", b"null", b'{"learner": ', b'{"learner": 5}', b"[" * 9**6])
def test_what_is_no_model_is_refused(content: bytes) -> None:
    with pytest.raises(UnusableFile):
        read_xgboost(content)


def test_two_values_of_a_name_are_refused_because_xgboost_may_take_the_other_one() -> None:
    content = (BOOSTERS / "xgboost.json").read_bytes().replace(b'"id":0', b'"id":0,"id":0', 1)

    with pytest.raises(UnusableFile, match="same name"):
        read_xgboost(content)


def test_every_walk_through_a_tree_that_passes_ends() -> None:
    random = np.random.default_rng(0)
    passed = 0
    for _ in range(400):
        document = copy.deepcopy(MODEL)
        changed = tree(document["learner"])
        name = str(random.choice(["left_children", "right_children"]))
        for _ in range(int(random.integers(1, 3))):
            at = int(random.integers(len(changed[name])))
            changed[name][at] = int(random.integers(-1, len(changed[name])))
        try:
            read_xgboost(json.dumps(document).encode())
        except UnusableFile:
            continue
        passed += 1
        waiting, steps = [0], 0
        while waiting:
            node = waiting.pop()
            steps += 1
            assert steps <= len(changed["left_children"])
            if changed["left_children"][node] != -1:
                waiting += [changed["left_children"][node], changed["right_children"][node]]
    assert passed


def _as_vectors(document: Any) -> Any:
    """Give a model of two targets whose trees have two values in each leaf."""
    learner = document["learner"]
    learner["learner_model_param"].update(num_class="0", num_target="2")
    for one in learner["gradient_booster"]["model"]["trees"]:
        nodes = len(one["left_children"])
        one["tree_param"]["size_leaf_vector"] = "2"
        one["base_weights"] = [0.5] * (2 * nodes)
        leaves = [at for at, left in enumerate(one["left_children"]) if left == -1]
        for number, at in enumerate(leaves):
            one["right_children"][at] = number
        one["leaf_weights"] = [0.5] * (2 * len(leaves))
        one["parents"][0] = -1
    return document


def test_trees_with_several_values_in_a_leaf_pass() -> None:
    document = _as_vectors(copy.deepcopy(MODEL))

    assert read_xgboost(json.dumps(document).encode()).kind == "classifier"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda one: one["tree_param"].update(size_leaf_vector="1"), id="scalars beside vectors"),
        pytest.param(lambda one: one["tree_param"].update(size_leaf_vector="3"), id="more than targets"),
        pytest.param(lambda one: one.update(base_weights=[0.5]), id="too few values"),
        pytest.param(lambda one: one.update(leaf_weights=[0.5] * 3), id="half a leaf"),
    ],
)
def test_trees_with_other_values_than_their_width_are_refused(change: Callable[[Any], object]) -> None:
    document = _as_vectors(copy.deepcopy(MODEL))
    change(tree(document["learner"]))

    with pytest.raises(UnusableFile):
        read_xgboost(json.dumps(document).encode())


@pytest.mark.parametrize(
    "change",
    [
        # XGBoost would look for two numbers in each leaf of trees that have one.
        pytest.param(lambda learner: tree(learner)["tree_param"].update(size_leaf_vector="2"), id="width"),
        pytest.param(lambda learner: tree(learner)["tree_param"].update(size_leaf_vector="-5"), id="minus"),
        pytest.param(lambda learner: tree(learner).update(id=1), id="two trees of one number"),
        pytest.param(lambda learner: tree(learner).update(id=2**40), id="a tree far away"),
        pytest.param(lambda learner: learner["attributes"].update(best_iteration=str(2**31 - 1)), id="last"),
        pytest.param(lambda learner: learner["attributes"].update(best_iteration="2"), id="a round too many"),
    ],
)
def test_what_xgboost_would_not_survive_is_refused(change: Callable[[Any], object]) -> None:
    with pytest.raises(UnusableFile):
        read(change)
