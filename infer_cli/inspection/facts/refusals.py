"""Estimators that cannot answer new rows, each with the reason and the advice that helps.

`service/models/refusals.py` says the same of a model that is loaded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infer_cli.errors import with_article
from infer_cli.inspection.facts.parts import class_name, named_parts
from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.nodes.node_types import Instance

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.node_types import Node

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


def check_answers(model: Instance) -> None:
    """Raise `Refused` for an estimator that was not fitted, or that cannot answer new rows."""
    part, path = model, "model"
    for _ in range(DEPTH_MAX):
        _check_part(part, path)
        state, inner = part.state(), None
        steps = named_parts(state.get("steps"))
        if class_name(part) == "Pipeline" and steps:
            inner, path = steps[-1][1], f"{path}[-1]"
        elif SEARCHES.fullmatch(class_name(part)):
            inner, path = state.get("best_estimator_"), f"{path}.best_estimator_"
        if not isinstance(inner, Instance):
            return
        part = inner


def _check_part(part: Instance, path: str) -> None:
    unfitted = unfitted_part(part)
    if unfitted is not None:
        raise _refused(unfitted_text(class_name(unfitted), is_inside=unfitted is not part))
    name, state = class_name(part), part.state()
    if SEARCHES.fullmatch(name) and "best_estimator_" not in state:
        raise _refused(search_text(name))
    if not _is_of(part, LIBRARIES):
        return
    if name == "AffinityPropagation" and state.get("affinity") != "precomputed":
        return
    if name in LABELS_OF_TRAINING:
        raise _refused(labels_text(name, path))
    if name in PLACES_OF_TRAINING:
        raise _refused(places_text(name))
    if name in NO_TABLE:
        raise _refused(no_table_text(name))
    if name == "LocalOutlierFactor" and state.get("novelty") is False:
        raise _refused(novelty_text())
    if _is_resampler(part):
        raise _refused(resampler_text(name))


def check_count(count: int | None) -> None:
    """Raise `Refused` for an estimator that says that it takes a number of features that no row has."""
    if count is not None and not 0 <= count <= FEATURES_MAX:
        raise _refused(count_text(count))


def _refused(text: tuple[str, str]) -> Refused:
    reason, advice = text
    return Refused(reason, hint=f"{advice}.")


# The packages whose estimators keep what they learned in attributes that end in "_".
LIBRARIES = ("hdbscan", "imblearn", "sklearn")
# The modules of imbalanced-learn whose classes change rows, in training only.
_RESAMPLERS = re.compile(r"imblearn\.(?!pipeline|ensemble|metrics|model_selection|utils)")


def _is_of(part: Instance, packages: tuple[str, ...]) -> bool:
    return part.made_by is not None and part.made_by.module.partition(".")[0] in packages


def _is_resampler(part: Instance) -> bool:
    return part.made_by is not None and _RESAMPLERS.match(part.made_by.module) is not None


def unfitted_part(part: Node, depth: int = 0) -> Instance | None:
    """Give the estimator that was not fitted: the part, or one of its steps; None if all were."""
    if not isinstance(part, Instance) or depth > DEPTH_MAX:
        return None
    inner = _steps_of(part)
    if inner is None:
        return None if _is_fitted(part) else part
    found = (unfitted_part(step, depth + 1) for step in inner)
    return next((step for step in found if step is not None), None)


def _is_fitted(part: Instance) -> bool:
    """Tell whether an estimator was fitted; one of an unknown package counts as fitted."""
    state, name = part.state(), class_name(part)
    if part.made_by is not None and part.made_by.module in BOOSTERS and "_Booster" in state:
        return state["_Booster"] is not None
    if part.made_by is not None and part.made_by.module == "catboost.core":
        return "__model" in state
    is_known = _is_of(part, (*LIBRARIES, "xgboost")) and name not in STATELESS and not _is_resampler(part)
    # A vectorizer with a given vocabulary has nothing to learn.
    if not is_known or state.get("vocabulary") is not None:
        return True
    return any(key.endswith("_") and not key.startswith("__") for key in state)


def _steps_of(part: Instance) -> list[Node] | None:
    """Give the parts of an estimator that learns nothing itself; None for any other estimator."""
    state, name = part.state(), class_name(part) if _is_of(part, LIBRARIES) else ""
    if name == "Pipeline":
        return [step for _, step, _ in named_parts(state.get("steps"))]
    if name == "FeatureUnion":
        return [step for _, step, _ in named_parts(state.get("transformer_list"))]
    return [state.get("estimator")] if name == "FrozenEstimator" else None


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


def novelty_text() -> tuple[str, str]:
    """Say that a local outlier factor was fitted to judge its own rows."""
    return (
        "holds a LocalOutlierFactor with novelty=False, which judges only the rows that it was fitted to",
        "Fit it with novelty=True: LocalOutlierFactor(novelty=True).fit(X)",
    )


def resampler_text(name: str) -> tuple[str, str]:
    """Say that a resampler predicts nothing."""
    return (
        f"holds {with_article(name)}, which changes the rows of training and answers none",
        "Save the pipeline of imbalanced-learn that ends in the fitted model",
    )
