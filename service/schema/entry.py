"""The part of an estimator to which the rows come first: it says which columns the estimator takes.

`infer_cli/inspection/facts/entry.py` finds the same part in a file that is not loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.schema.boosters import lightgbm_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.schema.parts import Part

# Packages whose parts hand the columns that they get to the models inside them.
KNOWN = frozenset(
    {
        *("catboost", "category_encoders", "cuml", "daal4py", "feature_engine", "imblearn", "lightgbm"),
        *("sklearn", "sklearnex", "xgboost"),
    }
)
TAKE_DICTIONARIES = frozenset({"DictVectorizer", "FeatureHasher"})
# How deep parts may lie within parts; a real model has a few levels.
DEPTH_MAX = 20


def entry_of(estimator: object) -> object:
    """Find the part that gets the rows first, and that says what it takes; None if that part does not say."""
    return next((part for part in _entries(estimator, 0) if _says(part)), None)


def entries_of(estimator: object) -> list[object]:
    """List the parts that get the rows first: several where parts stand side by side."""
    return list(_entries(estimator, 0))


def takes_dictionaries(estimator: object) -> bool:
    """Tell whether an estimator takes dictionaries in place of columns."""
    return any(type(part).__name__ in TAKE_DICTIONARIES for part in entries_of(estimator))


def vectorizer_of(estimator: object) -> Part | None:
    """Find the `DictVectorizer` that gets the rows first; None if there is none, or if it is not alone."""
    entries = entries_of(estimator)
    is_alone = len(entries) == 1 and type(entries[0]).__name__ == "DictVectorizer"
    return entries[0] if is_alone else None


def first_part_of(estimator: object) -> object:
    """Find the part that gets the rows first, whatever it says."""
    return next(_entries(estimator, 0), estimator)


def names_of(entry: object) -> list[str] | None:
    """List the names of the columns that a part was trained with; None if it keeps none."""
    names = getattr(entry, "feature_names_in_", None)
    return lightgbm_names(entry) if names is None else [str(name) for name in names]


def takes_named_columns(estimator: object, names: Sequence[str]) -> bool:
    """Tell whether the rows go into the estimator under these names: it was trained with names.

    A part of unknown code that does not say so gets an array only if the names are x0, x1, and so on.
    """
    entry = entry_of(estimator)
    if names_of(entry) is not None:
        return True
    return not is_known(entry or first_part_of(estimator)) and list(names) != unnamed(len(names))


def unnamed(count: int) -> list[str]:
    """Give the names of columns that have none."""
    return [f"x{at}" for at in range(count)]


def is_known(part: object) -> bool:
    """Tell whether a part is of a package of which it is known how it takes columns.

    An encoder of category_encoders before 2.6.1 keeps no list of them.
    """
    package = type(part).__module__.partition(".")[0]
    return package in KNOWN and (package != "category_encoders" or _says(part))


def _says(part: object) -> bool:
    return hasattr(part, "n_features_in_") or hasattr(part, "feature_names_in_")


def _entries(part: Part, depth: int) -> Iterator[object]:
    """Go through the parts that get the rows unchanged: several where parts stand side by side."""
    inner = list(_inside(part)) if depth < DEPTH_MAX else []
    for one in inner:
        yield from _entries(one, depth + 1)
    if not inner:
        yield part


def _inside(part: Part) -> Sequence[object]:
    """List the parts inside one that get its rows unchanged; none if it takes the rows itself."""
    best = getattr(part, "best_estimator_", None)
    if best is not None:
        return [best]
    steps = getattr(part, "steps", None)
    if isinstance(steps, list) and steps:
        return [next((step for _, step in steps if not _passes(step)), steps[-1][1])]
    if isinstance(getattr(part, "transformer_list", None), list):
        return [one for _, one in part.transformer_list if one not in ("drop", "passthrough")]
    if _says(part) or not is_known(part):
        return []
    several = getattr(part, "estimators_", None)
    if isinstance(several, list) and several:
        return several
    names = ("regressor_", "classifier_", "estimator_", "estimator", "base_estimator")
    found = (getattr(part, name, None) for name in names)
    return [one for one in found if hasattr(one, "fit")][:1]


def _passes(step: Part) -> bool:
    """Tell whether a step gives the very columns that it takes, and does not say which."""
    is_identity = type(step).__name__ == "FunctionTransformer" and step.func is None
    return step in (None, "passthrough") or (is_identity and not _says(step))
