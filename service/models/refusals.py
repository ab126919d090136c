"""Estimators that cannot answer new rows, each with the reason and the advice that helps.

`infer_cli/inspection/facts/refusals.py` says the same of a file that is not loaded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from service.errors import UnusableFile, with_article

if TYPE_CHECKING:
    from service.schema.parts import Part

# Clusterers that give labels to the rows of their training only, by the attribute that holds the labels.
LABELS_OF_TRAINING = {
    "AffinityPropagation": "labels_",
    "AgglomerativeClustering": "labels_",
    "DBSCAN": "labels_",
    "HDBSCAN": "labels_",
    "OPTICS": "labels_",
    "SpectralBiclustering": "row_labels_",
    "SpectralClustering": "labels_",
    "SpectralCoclustering": "row_labels_",
}
# Embeddings that give a place to the rows of their training only.
PLACES_OF_TRAINING = frozenset({"ClassicalMDS", "MDS", "SpectralEmbedding", "TSNE"})
# Transformers of labels or of images, which take no table of features.
NO_TABLE = {
    "LabelBinarizer": "labels",
    "LabelEncoder": "labels",
    "MultiLabelBinarizer": "sets of labels",
    "PatchExtractor": "images",
}
# Transformers that have nothing to learn, and so no attribute that tells that they were fitted.
STATELESS = frozenset(
    {
        *("AdditiveChi2Sampler", "Binarizer", "FeatureHasher", "FunctionTransformer", "HashingVectorizer"),
        *("Normalizer", "PatchExtractor", "SparseCoder"),
    }
)
# The modules whose estimators keep the booster that they trained as `_Booster`.
BOOSTERS = ("lightgbm.sklearn", "xgboost.sklearn")
SEARCHES = re.compile(r"(Halving)?(Grid|Random|Randomized)SearchCV|BayesSearchCV")
DEPTH_MAX = 20
# The columns of a text that is hashed are a million.
FEATURES_MAX = 2**22


def check_answers(model: Part) -> None:
    """Raise `UnusableFile` for an estimator that was not fitted, or that cannot answer new rows."""
    if type(model).__name__ == "Pipeline" and _is_of(model, ("pycaret",)):
        raise UnusableFile(*pycaret_text())
    part, path = model, "model"
    for _ in range(DEPTH_MAX):
        _check_part(part, path)
        name = type(part).__name__
        if name == "Pipeline" and part.steps:
            part, path = part.steps[-1][1], f"{path}[-1]"
        elif SEARCHES.fullmatch(name) and hasattr(part, "best_estimator_"):
            part, path = part.best_estimator_, f"{path}.best_estimator_"
        else:
            return


def _check_part(part: Part, path: str) -> None:
    unfitted = unfitted_part(part)
    if unfitted is not None:
        raise UnusableFile(*unfitted_text(type(unfitted).__name__, is_inside=unfitted is not part))
    name = type(part).__name__
    if SEARCHES.fullmatch(name) and not hasattr(part, "best_estimator_"):
        raise UnusableFile(*search_text(name))
    _check_catboost(part)
    if not _is_of(part, LIBRARIES):
        return
    if name == "AffinityPropagation" and part.affinity != "precomputed":
        return
    if name in LABELS_OF_TRAINING:
        raise UnusableFile(*labels_text(name, path))
    if name in PLACES_OF_TRAINING:
        raise UnusableFile(*places_text(name))
    if name in NO_TABLE:
        raise UnusableFile(*no_table_text(name))
    if name == "LocalOutlierFactor" and not part.novelty:
        raise UnusableFile(*novelty_text())
    if hasattr(part, "fit_resample") and name != "Pipeline":
        raise UnusableFile(*resampler_text(name))


# The packages whose estimators keep what they learned in attributes that end in "_".
LIBRARIES = ("hdbscan", "imblearn", "sklearn")


def _is_of(part: Part, packages: tuple[str, ...]) -> bool:
    return type(part).__module__.partition(".")[0] in packages


def _check_catboost(part: Part) -> None:
    """Raise `UnusableFile` for a model of CatBoost that takes columns of lists of numbers."""
    positions = getattr(part, "get_embedding_feature_indices", None)
    # Old versions of CatBoost know no such columns.
    if type(part).__module__ == "catboost.core" and positions is not None and len(positions()):
        raise UnusableFile(*embeddings_text())


def unfitted_part(part: Part, depth: int = 0) -> Part | None:
    """Give the estimator that was not fitted: the part, or one of its steps; None if all were."""
    if part is None or isinstance(part, str) or depth > DEPTH_MAX:
        return None
    inner = _steps_of(part)
    if inner is None:
        return None if _is_fitted(part) else part
    found = (unfitted_part(step, depth + 1) for step in inner)
    return next((step for step in found if step is not None), None)


def _is_fitted(part: Part) -> bool:
    """Tell whether an estimator was fitted; one of an unknown package counts as fitted."""
    if type(part).__module__ in BOOSTERS and "_Booster" in vars(part):
        return vars(part)["_Booster"] is not None
    if type(part).__module__ == "catboost.core":
        return bool(part.is_fitted())
    name = type(part).__name__
    is_known = (
        _is_of(part, (*LIBRARIES, "xgboost")) and name not in STATELESS and not hasattr(part, "fit_resample")
    )
    # A vectorizer with a given vocabulary has nothing to learn.
    if not is_known or getattr(part, "vocabulary", None) is not None:
        return True
    return any(key.endswith("_") and not key.startswith("__") for key in vars(part))


def _steps_of(part: Part) -> list[Part] | None:
    """Give the parts of an estimator that learns nothing itself; None for any other estimator."""
    name = type(part).__name__ if _is_of(part, LIBRARIES) else ""
    if name == "Pipeline":
        return [step for _, step in part.steps]
    if name == "FeatureUnion":
        return [step for _, step in part.transformer_list]
    return [part.estimator] if name == "FrozenEstimator" else None


# What the refusals say: the reason, which completes a sentence that starts with "it", and the advice.


def count_text(count: int) -> tuple[str, str]:
    """Say that an estimator says that it takes a number of features that no row has."""
    return f"says that it takes {count} features, which no row has", "Fit and save the model again"


def unfitted_text(name: str, *, is_inside: bool) -> tuple[str, str]:
    """Say that an estimator, or a part of it, was not fitted."""
    place = "a step that was not fitted" if is_inside else "an estimator that was not fitted"
    return f"holds {place}: {name}", "Fit it before it is saved: model.fit(X, y)"


def search_text(name: str) -> tuple[str, str]:
    """Say that a search kept no estimator."""
    return (
        f"holds {with_article(name)} without best_estimator_: it was made with refit=False",
        "Search again with refit=True; or fit the estimator that you chose, and save that",
    )


def labels_text(name: str, path: str) -> tuple[str, str]:
    """Say that a clusterer cannot label new rows; `path` is the Python expression that gives it."""
    classifier = "KNeighborsClassifier(n_neighbors=1)"
    if path.endswith("[-1]"):
        classifier = f"make_pipeline(*{path[:-4]}[:-1], {classifier})"
    labels = f"{path}.{LABELS_OF_TRAINING[name]}"
    return (
        f"holds {with_article(name)}, which labels only the rows that it was fitted to",
        f"Save a classifier that was fitted to its labels: {classifier}.fit(X, {labels})",
    )


def places_text(name: str) -> tuple[str, str]:
    """Say that an embedding cannot place new rows."""
    return (
        f"holds {with_article(name)}, which places only the rows that it was fitted to",
        "Use an estimator with a transform method, such as PCA, KernelPCA or Isomap",
    )


def no_table_text(name: str) -> tuple[str, str]:
    """Say that a transformer takes no table of features."""
    return (
        f"holds {with_article(name)}, which takes {NO_TABLE[name]}, and no rows of features",
        "Save the fitted model that predicts from rows of features",
    )


def embeddings_text() -> tuple[str, str]:
    """Say that a model of CatBoost takes columns that no door can fill."""
    return (
        "takes columns of a kind that infer does not serve, such as embeddings",
        "Train the model with columns of numbers, categories and texts",
    )


def novelty_text() -> tuple[str, str]:
    """Say that a local outlier factor was fitted to judge its own rows."""
    return (
        "holds a LocalOutlierFactor with novelty=False, which judges only the rows that it was fitted to",
        "Fit it with novelty=True: LocalOutlierFactor(novelty=True).fit(X)",
    )


def pycaret_text() -> tuple[str, str]:
    """Say that a pipeline of PyCaret lists the labels as a feature, and knows classes as numbers."""
    return (
        "holds a pipeline of PyCaret, whose columns and classes would be told wrongly",
        "Save a pipeline of scikit-learn: `infer build` prints the line of Python that makes one of the file",
    )


def resampler_text(name: str) -> tuple[str, str]:
    """Say that a resampler predicts nothing."""
    return (
        f"holds {with_article(name)}, which changes the rows of training and answers none",
        "Save the pipeline of imbalanced-learn that ends in the fitted model",
    )
