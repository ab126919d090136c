"""Whether the arrays of an estimator fit each other where compiled code takes that for granted.

`service/loading/estimator_values.py` does the same with a model that is loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.arrays import content_of, scalar_of, shape_of, values_of
from infer_cli.inspection.nodes.node_types import DictNode, Instance
from infer_cli.inspection.values.soundness import (
    COUNT_MAX,
    Unseen,
    UnsoundValue,
    array,
    integers,
    is_array,
    items_of,
    length_of,
    require,
    seen_array,
    whole,
    within,
)
from infer_cli.inspection.values.tree_values import class_name_of

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node

    Attributes = dict[str, Node]

# Hashed words have the most columns. Names for so many take two gigabytes.
COLUMNS_MAX = 2**25
CLASSIFIERS = frozenset({"SVC", "NuSVC"})
MEANS = frozenset({"KMeans", "MiniBatchKMeans", "BisectingKMeans"})


def _features(own: Attributes) -> int:
    return whole(own.get("n_features_in_"), "n_features_in_", 1)


def check_counts(estimator: Instance) -> None:
    """Check how many columns an estimator says it takes or gives: a name is made for each of them."""
    own = estimator.state()
    for name in ("n_features_in_", "_n_features_out", "n_features_out_"):
        count = scalar_of(own.get(name))
        if isinstance(count, int) and not 0 <= count <= COLUMNS_MAX:
            verb = "gives" if "out" in name else "takes"
            reason = f"says that it {verb} {count} features, which no row has"
            raise Refused(reason, hint="Fit and save the model again.")


def check_support_vectors(estimator: Instance) -> None:
    """Check the arrays of a support vector machine, which libsvm takes as they are."""
    own = estimator.state()
    if "support_vectors_" not in own:
        return
    require("_impl" not in own, "which sets its own _impl")
    vectors = array(own.get("support_"), "support_", None)
    count = vectors.shape[0]
    kernel = own.get("kernel")
    is_kept = isinstance(kernel, str) and kernel != "precomputed"
    # libsvm would take the numbers of a sparse table for positions in the row.
    require(is_kept or not own.get("_sparse"), "which is sparse, and computes no kernel")
    _check_vectors(own, count, is_kept=is_kept)
    fitted = own.get("shape_fit_")
    rows = fitted[0] if isinstance(fitted, tuple) and fitted else COUNT_MAX
    within(vectors, 0, whole(rows, "shape_fit_"), "support_")
    is_classifier = class_name_of(estimator) in CLASSIFIERS
    classes = length_of(own.get("classes_", ())) if is_classifier else 2
    _check_support_counts(own, classes, count, is_classifier=is_classifier)
    pairs = classes * (classes - 1) // 2
    array(own.get("_intercept_"), "_intercept_", pairs)
    array(own.get("intercept_"), "intercept_", pairs)
    for name in ("_dual_coef_", "dual_coef_"):
        shape = _shape_of_table(own.get(name))
        require(shape == (classes - 1, count), f"whose {name} has the shape {shape}")
    if own.get("_sparse") and isinstance(own["_dual_coef_"], Instance):
        stored = length_of(own["_dual_coef_"].state().get("data"))
        require(stored == (classes - 1) * count, "whose _dual_coef_ lacks numbers")
    lengths = [array(own.get(name), name, None).shape[0] for name in ("_probA", "_probB")]
    for name, length in zip(("_probA", "_probB"), lengths, strict=True):
        require(length in (0, pairs), f"whose {name} are not {pairs}")
    require(not is_classifier or lengths[0] == lengths[1], "whose _probA and _probB do not fit")


def _check_support_counts(own: Attributes, classes: int, count: int, *, is_classifier: bool) -> None:
    by_class = array(own.get("_n_support"), "_n_support", None)
    require(by_class.shape[0] == classes, f"whose _n_support are not {classes}")
    if is_classifier:
        # Of other models libsvm does not read these numbers, and scikit-learn 1.1 to 1.7 set wrong ones.
        within(by_class, 0, count + 1, "_n_support")
        counts = values_of(own["_n_support"])
        total = None if counts is None else sum(one for one in counts if isinstance(one, int))
        require(total in (None, count), "whose _n_support do not add up to its support_")


def _shape_of_table(node: Node) -> tuple[Node, ...]:
    """Give the shape of an array or sparse table; raise `Unseen` for what may be one."""
    if is_array(node):
        return tuple(shape_of(node) or ())
    shape = node.state().get("_shape") if isinstance(node, Instance) else None
    return shape if isinstance(shape, tuple) else seen_array(node, "table").shape


def _check_vectors(own: Attributes, count: int, *, is_kept: bool) -> None:
    vectors = own["support_vectors_"]
    is_sparse = isinstance(vectors, Instance) and not is_array(vectors) and "_shape" in vectors.state()
    require(bool(own.get("_sparse")) == is_sparse, "whose support_vectors_ are not of its kind")
    if is_sparse and isinstance(vectors, Instance):
        is_by_rows = class_name_of(vectors).startswith("csr")
        require(is_by_rows, "whose support_vectors_ are not stored by rows")
    else:
        array(vectors, "support_vectors_", None, None)
    if is_kept:
        shape = _shape_of_table(vectors)
        require(shape == (count, _features(own)), f"whose support_vectors_ have the shape {shape}")


def check_centers(estimator: Instance) -> None:
    """Check the centers of clusters, which have a number for each feature."""
    own = estimator.state()
    features = own.get("n_features_in_")
    if "cluster_centers_" in own and class_name_of(estimator) in MEANS:
        # Without this number scikit-learn does not look at the width of a table.
        _features(own)
    for name in ("cluster_centers_", "subcluster_centers_"):
        content = content_of(own.get(name))
        if content is not None and content.dtype.kind == "f":
            array(own[name], name, None, None if features is None else _features(own))
    norms = own.get("_subcluster_norms")
    if norms is not None:
        array(norms, "_subcluster_norms", length_of(own.get("subcluster_centers_")))
    if "_bisecting_tree" in own:
        _check_bisecting(own["_bisecting_tree"], _features(own))


def _check_bisecting(root: Node, features: int) -> None:
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, Instance):
            continue
        require(id(node) not in seen, "whose _bisecting_tree has a node twice")
        seen.add(id(node))
        own = node.state()
        center = own.get("center")
        is_row = len(shape_of(center) or ()) == 2  # noqa: PLR2004 (scikit-learn 1.1, one cluster)
        array(center, "_bisecting_tree's center", *((1, features) if is_row else (features,)))
        waiting += [own.get("left"), own.get("right")]


def check_covariance(estimator: Instance) -> None:
    """Check the precision of a covariance, a table of features by features."""
    own = estimator.state()
    precision = own.get("precision_")
    if precision is not None and "n_features_in_" in own:
        array(precision, "precision_", _features(own), _features(own))


def check_mixture(estimator: Instance) -> None:
    """Check the arrays of a mixture: else an answer would hold what the memory held before."""
    own = estimator.state()
    if "means_" not in own or "precisions_cholesky_" not in own:
        return
    features = _features(own)
    count = array(own["means_"], "means_", None, features).shape[0]
    shapes = {
        "full": (count, features, features),
        "tied": (features, features),
        "diag": (count, features),
        "spherical": (count,),
    }
    kind = own.get("covariance_type")
    require(kind in shapes, "whose covariance_type is unknown")
    array(own["precisions_cholesky_"], "precisions_cholesky_", *shapes[str(kind)])
    array(own.get("weights_"), "weights_", count)


def check_chain(estimator: Instance) -> None:
    """Check the order of a chain of models: one that is no order would read what the memory held before."""
    own = estimator.state()
    if "order_" not in own or "estimators_" not in own:
        return
    order, count = values_of(own["order_"]), length_of(own["estimators_"])
    are_whole = order is not None and all(type(one) is int for one in order)
    is_order = order is not None and are_whole and set(order) == set(range(count)) and len(order) == count
    require(is_order, "whose order_ is no order of its models")


def check_factors(estimator: Instance) -> None:
    """Check the factors of a matrix factorization: a row of as many numbers as there are features."""
    own = estimator.state()
    factors = own.get("components_")
    if is_array(factors) and "n_features_in_" in own:
        rows = own.get("_n_components")
        array(factors, "components_", None if rows is None else whole(rows, "_n_components"), _features(own))


def check_polynomials(estimator: Instance) -> None:
    """Check the number of columns, of which memory is taken before they are computed."""
    own = estimator.state()
    if "_n_out_full" not in own:
        return
    features, highest = _features(own), whole(own.get("_max_degree"), "_max_degree")
    wanted = whole(own["_n_out_full"], "_n_out_full")
    total = int(bool(scalar_of(own.get("include_bias"))))
    # One more feature or degree makes each term larger, so that the sum soon is more than is wanted.
    if scalar_of(own.get("interaction_only")):
        term = 1
        for degree in range(1, min(highest, features) + 1):
            term = term * (features - degree + 1) // degree
            total += term
            if total > wanted:
                break
    else:
        term, low, high = 1, min(features, highest), max(features, highest)
        for degree in range(1, low + 1):
            term = term * (high + degree) // degree
            if term > wanted + 1:
                break
        total += term - 1
    require(total == wanted, f"whose _n_out_full is {wanted}, and its columns are {total}")


def check_vocabulary(estimator: Instance) -> None:
    """Check the columns of words, or of names, which are the positions in a sparse table."""
    words = estimator.state().get("vocabulary_")
    if words is None:
        return
    if isinstance(words, Instance):
        raise Unseen
    if not isinstance(words, DictNode):
        raise UnsoundValue("whose vocabulary_ is no dictionary")
    # A repeated key counts once.
    values = list(dict(words.pairs()).values())
    count = len(values)
    if not all(type(value) is int for value in values):
        values = [scalar_of(value) for value in values]
        are_whole = all(isinstance(value, int) for value in values)
        require(are_whole, "whose columns in vocabulary_ are no whole numbers")
    numbers = [value for value in values if isinstance(value, int)]
    is_sound = not numbers or (min(numbers) >= 0 and max(numbers) < count)
    require(is_sound, f"whose columns in vocabulary_ are not all from 0 to {count - 1}")


def check_target_encoder(estimator: Instance) -> None:
    """Check that each column has numbers: else an answer would hold what the memory held before."""
    own = estimator.state()
    if "encodings_" not in own:
        return
    wanted = _features(own)
    if own.get("target_type_") == "multiclass":
        wanted *= length_of(own.get("classes_", ()))
    require(length_of(own["encodings_"]) == wanted, f"whose encodings_ are not {wanted}")


def check_hashing(estimator: Instance) -> None:
    """Check the number of columns by which hashes are divided."""
    whole(estimator.state().get("n_features"), "n_features", 1)


def check_one_hot(estimator: Instance) -> None:
    """Check that the columns of each feature are enough for its categories: positions in a sparse table."""
    own = estimator.state()
    if "categories_" not in own or "_n_features_outs" not in own:
        return
    counts = [length_of(known) for known in items_of(own["categories_"])]
    widths = items_of(own["_n_features_outs"])
    is_one_each = len(counts) == len(widths) == _features(own)
    require(is_one_each, "whose _n_features_outs are not one for each feature")
    mappings: list[Node] = [None] * len(counts)
    if own.get("_default_to_infrequent_mappings"):
        mappings = items_of(own["_default_to_infrequent_mappings"])
    require(len(mappings) == len(counts), "whose infrequent categories are not those of its features")
    dropped = _dropped_by(own, len(counts))
    for at, (count, width) in enumerate(zip(counts, widths, strict=True)):
        last = count - 1
        if mappings[at] is not None:
            mapping = array(mappings[at], "infrequent categories", count)
            within(mapping, 0, count, "infrequent categories")
            noted = integers(mapping, "infrequent categories")
            last = 0 if noted is None else noted.high
        if dropped[at] is not None:
            whole(dropped[at], "drop_idx_", 0, max(last, 0))
            last -= 1
        whole(width, f"_n_features_outs[{at}]", last + 1)


def _dropped_by(own: Attributes, count: int) -> list[Node]:
    dropped = own.get("_drop_idx_after_grouping", own.get("drop_idx_"))
    if dropped is None:
        return [None] * count
    items = list(values_of(dropped) or ()) or items_of(dropped)
    if len(items) < count:
        raise Unseen
    return list(items)
