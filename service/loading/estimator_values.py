"""Whether the arrays of an estimator fit each other where compiled code takes that for granted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from service.errors import UnusableFile
from service.loading.soundness import (
    COUNT_MAX,
    array,
    attributes,
    bases,
    require,
    whole,
    within,
)

if TYPE_CHECKING:
    from service.loading.soundness import Part


# Hashed words have the most columns. Names for so many take two gigabytes.
COLUMNS_MAX = 2**25


def _features(own: Part) -> int:
    return whole(own.get("n_features_in_"), "n_features_in_", 1)


def check_counts(estimator: Part) -> None:
    """Check how many columns an estimator says it takes or gives: a name is made for each of them.

    What it would tell of its progress is turned off.
    """
    own = attributes(estimator)
    if own.get("verbose"):
        # Each request would write its progress into the log, with a line for each tree.
        own["verbose"] = 0
    for name in ("n_features_in_", "_n_features_out", "n_features_out_"):
        count = own.get(name)
        if isinstance(count, (int, np.integer)) and not 0 <= count <= COLUMNS_MAX:
            verb = "gives" if "out" in name else "takes"
            raise UnusableFile(
                f"says that it {verb} {count} features, which no row has", "Fit and save the model again"
            )


def check_support_vectors(estimator: Part) -> None:
    """Check the arrays of a support vector machine, which libsvm takes as they are."""
    own = attributes(estimator)
    if "support_vectors_" not in own:
        return
    require("_impl" not in own, "which sets its own _impl")
    vectors = array(own.get("support_"), "support_", None)
    count = len(vectors)
    kernel = own.get("kernel")
    is_kept = isinstance(kernel, str) and kernel != "precomputed"
    # libsvm would take the numbers of a sparse table for positions in the row.
    require(is_kept or not own.get("_sparse"), "which is sparse, and computes no kernel")
    _check_vectors(own, count, is_kept=is_kept)
    fitted = own.get("shape_fit_")
    rows = fitted[0] if isinstance(fitted, tuple) and fitted else COUNT_MAX
    within(vectors, 0, whole(rows, "shape_fit_"), "support_")
    is_classifier = "BaseSVC" in bases(estimator)
    by_class = array(own.get("_n_support"), "_n_support", None)
    classes = len(own.get("classes_", ())) if is_classifier else 2
    require(len(by_class) == classes, f"whose _n_support are not {classes}")
    if is_classifier:
        # Of other models libsvm does not read these numbers, and scikit-learn 1.1 to 1.7 set wrong ones.
        within(by_class, 0, count + 1, "_n_support")
        require(int(by_class.sum()) == count, "whose _n_support do not add up to its support_")
    pairs = classes * (classes - 1) // 2
    array(own.get("_intercept_"), "_intercept_", pairs)
    array(own.get("intercept_"), "intercept_", pairs)
    for name in ("_dual_coef_", "dual_coef_"):
        require(own[name].shape == (classes - 1, count), f"whose {name} has the shape {own[name].shape}")
    if own.get("_sparse"):
        require(own["_dual_coef_"].nnz == (classes - 1) * count, "whose _dual_coef_ lacks numbers")
    for name in ("_probA", "_probB"):
        numbers = array(own.get(name), name, None)
        require(len(numbers) in (0, pairs), f"whose {name} are not {pairs}")
    if is_classifier:
        require(len(own["_probA"]) == len(own["_probB"]), "whose _probA and _probB do not fit")


def _check_vectors(own: Part, count: int, *, is_kept: bool) -> None:
    vectors = own["support_vectors_"]
    is_sparse = hasattr(type(vectors), "tocsr")
    require(bool(own.get("_sparse")) == is_sparse, "whose support_vectors_ are not of its kind")
    if is_sparse:
        require(type(vectors).__name__.startswith("csr"), "whose support_vectors_ are not stored by rows")
    else:
        array(vectors, "support_vectors_", None, None)
    if is_kept:
        is_fit = tuple(vectors.shape) == (count, _features(own))
        require(is_fit, f"whose support_vectors_ have the shape {tuple(vectors.shape)}")


def check_centers(estimator: Part) -> None:
    """Check the centers of clusters, which have a number for each feature."""
    own = attributes(estimator)
    if "cluster_centers_" in own and "_BaseKMeans" in bases(estimator):
        # Without this number scikit-learn does not look at the width of a table.
        _features(own)
    for name in ("cluster_centers_", "subcluster_centers_"):
        if isinstance(own.get(name), np.ndarray) and own[name].dtype.kind == "f":
            array(own[name], name, None, own.get("n_features_in_"))
    norms = own.get("_subcluster_norms")
    if norms is not None:
        array(norms, "_subcluster_norms", len(own["subcluster_centers_"]))
    if "_bisecting_tree" in own:
        _check_bisecting(own["_bisecting_tree"], _features(own))


def _check_bisecting(root: Part, features: int) -> None:
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        require(id(node) not in seen, "whose _bisecting_tree has a node twice")
        seen.add(id(node))
        center = attributes(node).get("center")
        is_row = isinstance(center, np.ndarray) and center.ndim == 2  # noqa: PLR2004 (scikit-learn 1.1, one cluster)
        array(center, "_bisecting_tree's center", *((1, features) if is_row else (features,)))
        waiting += [attributes(node).get("left"), attributes(node).get("right")]


def check_covariance(estimator: Part) -> None:
    """Check the precision of a covariance, a table of features by features."""
    own = attributes(estimator)
    precision = own.get("precision_")
    if precision is not None and "n_features_in_" in own:
        array(precision, "precision_", _features(own), _features(own))


def check_mixture(estimator: Part) -> None:
    """Check the arrays of a mixture: else an answer would hold what the memory held before."""
    own = attributes(estimator)
    if "means_" not in own or "precisions_cholesky_" not in own:
        return
    features = _features(own)
    count = len(array(own["means_"], "means_", None, features))
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


def check_chain(estimator: Part) -> None:
    """Check the order of a chain of models: one that is no order would read what the memory held before."""
    own = attributes(estimator)
    if "order_" not in own or "estimators_" not in own:
        return
    order = np.asarray(own["order_"])
    count = len(own["estimators_"])
    is_order = order.shape == (count,) and order.dtype.kind in "iu"
    require(is_order and sorted(order.tolist()) == [*range(count)], "whose order_ is no order of its models")


def check_factors(estimator: Part) -> None:
    """Check the factors of a matrix factorization: a row of as many numbers as there are features."""
    own = attributes(estimator)
    factors = own.get("components_")
    if isinstance(factors, np.ndarray) and "n_features_in_" in own:
        array(factors, "components_", own.get("_n_components", None), _features(own))


def check_polynomials(estimator: Part) -> None:
    """Check the number of columns, of which memory is taken before they are computed."""
    own = attributes(estimator)
    if "_n_out_full" not in own:
        return
    features, highest = _features(own), whole(own.get("_max_degree"), "_max_degree")
    wanted = whole(own["_n_out_full"], "_n_out_full")
    total = bool(own.get("include_bias")) + 0
    # One more feature or degree makes each term larger, so that the sum soon is more than is wanted.
    if own.get("interaction_only"):
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


def check_vocabulary(estimator: Part) -> None:
    """Check the columns of words, or of names, which are the positions in a sparse table."""
    own = attributes(estimator)
    words = own.get("vocabulary_")
    if words is None:
        return
    require(isinstance(words, dict), "whose vocabulary_ is no dictionary")
    values = np.asarray(list(words.values()) or np.zeros(0, dtype=int))
    require(values.ndim == 1, "whose vocabulary_ holds no positions")
    within(values, 0, len(words), "columns in vocabulary_")


def check_target_encoder(estimator: Part) -> None:
    """Check that each column has numbers: else an answer would hold what the memory held before."""
    own = attributes(estimator)
    if "encodings_" not in own:
        return
    wanted = _features(own)
    if own.get("target_type_") == "multiclass":
        wanted *= len(own.get("classes_", ()))
    require(len(own["encodings_"]) == wanted, f"whose encodings_ are not {wanted}")


def check_hashing(estimator: Part) -> None:
    """Check the number of columns by which hashes are divided."""
    whole(attributes(estimator).get("n_features"), "n_features", 1)


def check_one_hot(estimator: Part) -> None:
    """Check that the columns of each feature are enough for its categories: positions in a sparse table."""
    own = attributes(estimator)
    if "categories_" not in own or "_n_features_outs" not in own:
        return
    counts, widths = [len(known) for known in own["categories_"]], list(own["_n_features_outs"])
    require(
        len(counts) == len(widths) == _features(own), "whose _n_features_outs are not one for each feature"
    )
    mappings = own.get("_default_to_infrequent_mappings") or [None] * len(counts)
    require(len(mappings) == len(counts), "whose infrequent categories are not those of its features")
    dropped = own.get("_drop_idx_after_grouping", own.get("drop_idx_"))
    dropped = [None] * len(counts) if dropped is None else list(dropped)
    for at, (count, width) in enumerate(zip(counts, widths)):
        last = count - 1
        if mappings[at] is not None:
            mapping = array(np.asarray(mappings[at]), "infrequent categories", count)
            within(mapping, 0, count, "infrequent categories")
            last = int(mapping.max(initial=0))
        if dropped[at] is not None:
            whole(dropped[at], "drop_idx_", 0, max(last, 0))
            last -= 1
        whole(width, f"_n_features_outs[{at}]", last + 1)
