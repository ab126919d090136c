"""Methods of scikit-learn's estimators, without the work around their numbers.

For one row, scikit-learn spends most of its time on checks that the service has made already, on joblib, and
on what it computes anew although it never changes. A method here makes the same operations on the same arrays
in the same order, so that each bit of its answer is the same; whether that is so is tried when a model is
loaded. Rows of which it is not certain go to scikit-learn's own method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import numpy as np

if TYPE_CHECKING:
    from service.schema.parts import Part

    Array = np.ndarray[Any, Any]
    # Rows in, and the answer out; None for rows that are left to scikit-learn.
    OwnMethod = Callable[[Array], Any]

TREES = ("ball_tree", "kd_tree")
# No column has as many categories.
MOST_CATEGORIES = 2**31
# Right-hand sides by which the two ways of solving are compared.
TRIED_COLUMNS = (1, 5)


def own_methods(part: Part) -> dict[str, Callable[..., object]]:
    """Give what can stand in the place of methods of a fitted part, by their names."""
    make = _MAKERS.get(type(part).__name__)
    if make is None or not type(part).__module__.startswith("sklearn."):
        return {}
    width, methods = make(part)
    return {name: _or_its_own(getattr(part, name), own, width) for name, own in methods.items()}


def _or_its_own(method: Callable[..., object], own: OwnMethod, width: int) -> Callable[..., object]:
    """Give what calls `own` with a plain table, and `method` with any other, and where `own` gives None."""

    def call(*given: object, **keywords: object) -> object:
        if len(given) == 1 and not keywords:
            table = given[0]
            if type(table) is np.ndarray and _is_plain(table, width):
                answer = own(table)
                if answer is not None:
                    return answer
        return method(*given, **keywords)

    return call


def _is_plain(table: Array, width: int) -> bool:
    """Tell whether scikit-learn would take a table as it is."""
    return (
        table.dtype == np.float64
        and table.ndim == 2  # noqa: PLR2004 (rows and columns)
        and len(table) > 0
        and table.shape[1] == width
        and table.flags.c_contiguous
        and bool(np.isfinite(table).all())
    )


def _nearest_centroid(model: Part) -> tuple[int, dict[str, OwnMethod]]:
    """Give how probable each class is without a call of `pairwise_distances` for each, and the labels."""
    width = model.centroids_.shape[1]
    # Not all versions have the method, and the priors; others measure by another metric.
    if not hasattr(model, "_decision_function") or model.metric != "euclidean":
        return width, {}
    deviations = np.where(model.within_class_std_dev_ != 0, model.within_class_std_dev_, 1.0)
    normalized = model.centroids_ / deviations
    # Products and sums of squares of one centroid at a time: of several, BLAS may add up in another order.
    columns = [normalized[[at]].T for at in range(len(normalized))]
    squares = [np.einsum("ij,ij->i", column.T, column.T)[0] for column in columns]
    with np.errstate(divide="ignore"):
        priors = [2.0 * np.log(prior) for prior in model.class_prior_]

    def scores(table: Array) -> Array | None:
        rows = table / deviations
        of_rows = np.einsum("ij,ij->i", rows, rows)
        if not np.isfinite(of_rows).all():
            return None
        found = np.empty((len(rows), len(columns)))
        for at, (column, square, prior) in enumerate(zip(columns, squares, priors)):
            distances = (-2 * (rows @ column)).ravel()
            distances += of_rows
            distances += square
            np.maximum(distances, 0, out=distances)
            np.sqrt(distances, out=distances)
            distances **= 2
            found[:, at] = -distances + prior
        return found

    methods: dict[str, OwnMethod] = {"_decision_function": scores}
    if np.isclose(model.class_prior_, 1 / len(model.classes_)).all():
        methods["predict"] = _certain_labels(model)
    return width, methods


def _certain_labels(model: Part) -> OwnMethod:
    """Give the labels of the nearest centroids, for tables in which no other centroid is nearly as near.

    A distance is wrong by at most (columns + 2) times the unit of rounding times the squares that it is made
    of, in whatever order they are added up. A gap of more than four times that is a gap in each order.
    """
    centroids = model.centroids_
    squares = np.einsum("ij,ij->i", centroids, centroids)
    rounding = 4 * (centroids.shape[1] + 2) * np.finfo(np.float64).eps
    most = 2 * squares.max()

    def labels(table: Array) -> Array | None:
        distances = squares - 2 * (table @ centroids.T)
        nearest = distances.argmin(axis=1)
        two = np.partition(distances, 1, axis=1)
        gaps = two[:, 1] - two[:, 0]
        is_certain = gaps > rounding * (np.einsum("ij,ij->i", table, table) + most)
        return model.classes_[nearest] if is_certain.all() else None

    return labels


def _categories(model: Part) -> tuple[int, dict[str, OwnMethod]]:
    """Give the numbers of categories as whole numbers; numbers that are none are left to scikit-learn."""

    def checked(table: Array) -> Array | None:
        return table.astype(int) if table.min() >= 0 and table.max() < MOST_CATEGORIES else None

    return model.n_features_in_, {"_check_X": checked}


def _radius_neighbors(model: Part) -> tuple[int, dict[str, OwnMethod]]:
    """Give the neighbours that the tree finds, without joblib around a single call."""
    if model._fit_method not in TREES:  # noqa: SLF001 (has no public name)
        return 0, {}
    query = model._tree.query_radius  # noqa: SLF001 (has no public name)

    def neighbors(table: Array) -> tuple[Array, Array]:
        positions, distances = query(table, model.radius, True, sort_results=False)  # noqa: FBT003 (its own)
        return distances, positions

    return model.n_features_in_, {"radius_neighbors": neighbors}


def _gaussian_process(part: Part) -> tuple[int, dict[str, OwnMethod]]:
    """Give the probabilities of two classes, without finding out anew that a matrix is triangular."""
    from scipy.linalg import lapack, solve  # noqa: PLC0415 (comes with scikit-learn)
    from scipy.special import erf  # noqa: PLC0415 (comes with scikit-learn)
    from sklearn.gaussian_process import _gpc  # noqa: PLC0415 (not in every image)

    rows, lower, middle = part.X_train_, part.L_, part.y_train_ - part.pi_
    weights = part.W_sr_[:, np.newaxis]
    coefficients, lambdas = _gpc.COEFS, _gpc.LAMBDAS
    has_numbers = isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.dtype.kind in "iuf"  # noqa: PLR2004 (rows and columns)
    # Another layout would be copied for each row.
    if not (has_numbers and lower.dtype == np.float64 and lower.flags.f_contiguous):
        return 0, {}

    # Versions of SciPy give another layout, and a sum along the columns of another layout has another order.
    layout = _layout_of(solve(lower, weights * part.kernel_(rows, rows[: max(TRIED_COLUMNS)] + 0.0)))

    def solved(right: Array) -> Array:
        return layout(lapack.dtrtrs(lower, right, lower=1)[0])

    for count in TRIED_COLUMNS:
        right = weights * part.kernel_(rows, rows[:count] + 0.0)
        if solved(right).tobytes() != layout(solve(lower, right)).tobytes():
            return 0, {}

    def probabilities(table: Array) -> Array | None:
        likeness = part.kernel_(rows, table)
        right = weights * likeness
        if not np.isfinite(right).all():
            return None
        mean = likeness.T.dot(middle)
        left = solved(right)
        variance = part.kernel_.diag(table) - np.einsum("ij,ij->j", left, left)
        alpha = 1 / (2 * variance)
        gamma = lambdas * mean
        integrals = (
            np.sqrt(np.pi / alpha)
            * erf(gamma * np.sqrt(alpha / (alpha + lambdas**2)))
            / (2 * np.sqrt(variance * 2 * np.pi))
        )
        positive = (coefficients * integrals).sum(axis=0) + 0.5 * coefficients.sum()
        return np.vstack((1 - positive, positive)).T

    return rows.shape[1], {"predict_proba": probabilities}


def _layout_of(array: Array) -> Callable[[Array], Array]:
    """Give what lays out arrays as this one is: row after row, or column after column."""
    return np.ascontiguousarray if array.flags.c_contiguous else np.asfortranarray


_MAKERS: dict[str, Callable[[Part], tuple[int, dict[str, OwnMethod]]]] = {
    "CategoricalNB": _categories,
    "NearestCentroid": _nearest_centroid,
    "RadiusNeighborsClassifier": _radius_neighbors,
    "_BinaryGaussianProcessClassifierLaplace": _gaussian_process,
}
