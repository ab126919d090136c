"""Whether the trees of scikit-learn are sound: every walk through a tree ends at a leaf of it.

The code that walks trees follows children and reads features without a look at where they lie.
`service/loading/tree_values.py` does the same with a model that is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.facts.contents import class_of
from infer_cli.inspection.nodes.arrays import content_of, shape_of, values_of
from infer_cli.inspection.nodes.node_types import Instance, ListNode
from infer_cli.inspection.nodes.noters import DEPTH_MAX
from infer_cli.inspection.nodes.notes import PredictorNotes, TreeNotes
from infer_cli.inspection.values.soundness import (
    COUNT_MAX,
    Unseen,
    UnsoundValue,
    array,
    items_of,
    length_of,
    notes_of,
    require,
    whole,
)

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node
    from infer_cli.inspection.nodes.notes import ChildrenNotes

# A set of categories is eight words of 32 bits: one bit for each code that a category may have.
SET_WORDS = 8
CODES_MAX = 256
TABLE_DIMENSIONS = 2
# What a tree is called with: the number of features, the numbers of classes, and the number of outputs.
FEATURES, CLASSES, OUTPUTS = range(3)


def is_tree(node: Node) -> bool:
    """Say whether a node is a `Tree`."""
    return isinstance(node, Instance) and class_name_of(node) == "Tree" and len(node.arguments) > OUTPUTS


def class_name_of(node: Instance) -> str:
    """Give the name of the class of an object without its module; "" if it is computed."""
    made_by = class_of(node)
    return "" if made_by is None else made_by.name.rpartition(".")[2]


def check_tree(tree: Instance) -> None:
    """Check a `Tree`: its nodes, counted, each the child of one node before it, or the root."""
    state = tree.state()
    require(len(tree.arguments) > OUTPUTS, "which is made of less than scikit-learn makes it of")
    features = whole(tree.arguments[FEATURES], "number of features", 1)
    outputs = whole(tree.arguments[OUTPUTS], "number of outputs")
    is_one_each = shape_of(tree.arguments[CLASSES]) == (outputs,)
    require(is_one_each, "whose numbers of classes are not one for each output")
    # A tree that was never given a state has no nodes.
    count = whole(state.get("node_count", 0), "node_count", -COUNT_MAX)
    nodes = content_of(state.get("nodes"))
    require(count > 0 and nodes and nodes.shape == (count,), f"which says that it has {count} nodes")
    values = content_of(state.get("values"))
    require(values and values.shape[:1] == (count,), "whose values are not those of its nodes")
    notes = _tree_notes(tree)
    _check_children(notes.children)
    require(not notes.has_lone_child, "which has a node with one child")
    if notes.worst is not None:
        node, feature = notes.worst
        require(0 <= feature < features, f"whose node {node} looks at feature {feature} of {features}")


def _tree_notes(tree: Instance) -> TreeNotes:
    notes = notes_of(array(tree.state().get("nodes"), "nodes", None), "nodes")
    if not isinstance(notes, TreeNotes):
        raise UnsoundValue("whose nodes have unknown fields")
    return notes


def _check_children(children: ChildrenNotes) -> None:
    """Check that each node but the root is the child of one node, which comes before it."""
    if children.wrong is not None:
        parent, child = children.wrong
        what = "itself" if child == parent else f"node {child} of {children.count}"
        raise UnsoundValue(f"whose node {parent} has {what} as a child")
    require(children.is_whole, "which has a node that is the child of no node, or of two")


def check_tree_owner(estimator: Instance) -> None:
    """Check that an estimator of one tree gives the tree as many features as the tree looks at."""
    own = estimator.state()
    if "tree_" in own:
        require(is_tree(own["tree_"]), "whose tree_ is no tree")
        _check_width(own["tree_"], _features_of(own), "tree_")


def _features_of(own: dict[str, Node]) -> int:
    # Without this number scikit-learn does not look at the width of a table.
    return whole(own.get("n_features_in_"), "n_features_in_", 1)


def _features_of_tree(tree: Node) -> int:
    return whole(tree.arguments[FEATURES] if isinstance(tree, Instance) else None, "number of features", 1)


def _check_width(tree: Node, features: int, name: str) -> None:
    asked = _features_of_tree(tree)
    require(asked <= features, f"whose {name} looks at {asked} features, and it has {features}")


def _tree_of(estimator: Node) -> Node:
    return estimator.state().get("tree_") if isinstance(estimator, Instance) else None


def _trees_of(estimators: Node) -> list[tuple[int, Node]]:
    """Give the trees of a list of estimators, each with its position."""
    found = ((at, _tree_of(one)) for at, one in enumerate(items_of(estimators)))
    return [(at, tree) for at, tree in found if is_tree(tree)]


def check_forest(estimator: Instance) -> None:
    """Check that the trees of a forest look at no more features than the forest has."""
    own = estimator.state()
    for at, tree in _trees_of(own.get("estimators_", ())):
        _check_width(tree, _features_of(own), f"estimators_[{at}].tree_")


def check_bagging(estimator: Instance) -> None:
    """Check that each tree looks at no more features than are chosen for it."""
    own = estimator.state()
    trees = _trees_of(own.get("estimators_", ()))
    if not trees:
        return
    features, chosen = _features_of(own), items_of(own.get("estimators_features_", ()))
    for at, tree in trees:
        require(at < len(chosen), "which has fewer estimators_features_ than estimators_")
        _check_width(tree, min(features, length_of(chosen[at])), f"estimators_[{at}].tree_")
    if class_name_of(estimator) == "IsolationForest":
        for at, tree in trees:
            _check_depth(tree, f"estimators_[{at}].tree_")


def _check_depth(tree: Node, name: str) -> None:
    """Check the depth that a tree says it has: memory for the path of a row is taken by it."""
    if isinstance(tree, Instance):
        said = whole(tree.state().get("max_depth"), f"{name}.max_depth")
        depth = _tree_notes(tree).children.depth
        # Trees deeper than that are seen by the service alone.
        require(depth <= said or said >= DEPTH_MAX - 1, f"whose {name} is deeper than it says")


def check_boosting(estimator: Instance) -> None:
    """Check the trees of gradient boosting, which lie in a table with one column for each output."""
    own = estimator.state()
    if "estimators_" not in own:
        return
    estimators, columns = _table_of(own["estimators_"])
    for at, one in enumerate(estimators):
        tree = _tree_of(one)
        place = f"estimators_[{at // columns}, {at % columns}]"
        require(is_tree(tree), f"whose {place} has no tree")
        if isinstance(tree, Instance):
            is_single = tree.arguments[OUTPUTS] == 1 and values_of(tree.arguments[CLASSES]) == (1,)
            require(is_single, f"whose {place} has a tree of classes")
        _check_width(tree, _features_of(own), f"{place}.tree_")
    outputs = 1
    if "classes_" in own:
        outputs = length_of(own["classes_"])
        outputs = 1 if outputs == TABLE_DIMENSIONS else outputs
    require(columns in (0, outputs), f"whose estimators_ are not {outputs} for each stage")


def _table_of(node: Node) -> tuple[list[Node], int]:
    """Give the objects of a table and its columns; a schema of skops describes it as lists of lists."""
    if isinstance(node, ListNode):
        rows = [items_of(row) for row in node.items]
        require(len({len(row) for row in rows}) <= 1, "whose estimators_ are no table")
        return [one for row in rows for one in row], len(rows[0]) if rows else 0
    content = array(node, "estimators_", None, None)
    return items_of(node) if content.shape[0] and content.shape[1] else [], content.shape[1]


def check_predictor(predictor: Instance) -> None:
    """Check a tree of histogram-based boosting: its nodes come before their children, its sets are there."""
    own = predictor.state()
    nodes = array(own.get("nodes"), "nodes", None)
    require(0 < nodes.shape[0] <= COUNT_MAX, "which has no nodes")
    notes = _predictor_notes(own)
    _check_children(notes.children)
    require(notes.lowest >= 0, "which looks at a feature below 0")
    sets = array(own.get("raw_left_cat_bitsets"), "raw_left_cat_bitsets", None, SET_WORDS).shape[0]
    require(notes.highest_set < sets, f"whose sets of categories are not all from 0 to {sets - 1}")


def _predictor_notes(own: dict[str, Node]) -> PredictorNotes:
    notes = notes_of(array(own.get("nodes"), "nodes", None), "nodes")
    if not isinstance(notes, PredictorNotes):
        raise UnsoundValue("whose nodes have unknown fields")
    return notes


def check_histogram_boosting(estimator: Instance) -> None:
    """Check the features that the trees of histogram-based boosting look at, and the known categories."""
    own = estimator.state()
    if "_predictors" not in own:
        return
    features = _features_of(own)
    mapper = own.get("_bin_mapper")
    if not isinstance(mapper, Instance):
        raise Unseen
    held = mapper.state()
    array(held.get("is_categorical_"), "_bin_mapper.is_categorical_", features)
    kinds = values_of(held.get("is_categorical_"))
    if kinds is None:
        raise Unseen
    thresholds = items_of(held.get("bin_thresholds_")) if any(kinds) else []
    for at in (at for at, kind in enumerate(kinds) if kind):
        codes = values_of(thresholds[at]) if at < len(thresholds) else None
        are_codes = all(isinstance(one, int | float) and 0 <= one < CODES_MAX for one in codes or ())
        require(are_codes, f"whose _bin_mapper.bin_thresholds_[{at}] are no codes of categories")
    for round_, predictors in enumerate(items_of(own["_predictors"])):
        for k, predictor in enumerate(items_of(predictors)):
            state = predictor.state() if isinstance(predictor, Instance) else {}
            notes, place = _predictor_notes(state), f"_predictors[{round_}][{k}]"
            require(notes.highest < features, f"whose {place} looks at a feature that it does not have")
            is_sound = all(0 <= at < features and kinds[at] for at in notes.with_sets)
            require(is_sound, f"whose {place} asks for categories of a number")
