"""The part of an estimator to which the rows come first: it says which columns the estimator takes.

`service/schema/entry.py` finds the same part of a loaded estimator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.facts.boosters import lightgbm_names, xgboost_columns
from infer_cli.inspection.facts.parts import class_name, named_parts
from infer_cli.inspection.nodes.arrays import shape_of, values_of
from infer_cli.inspection.nodes.node_types import Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Packages whose parts hand the columns that they get to the models inside them.
KNOWN = frozenset(
    {
        *("catboost", "category_encoders", "cuml", "daal4py", "feature_engine", "imblearn", "lightgbm"),
        *("sklearn", "sklearnex", "xgboost"),
    }
)
TAKE_DICTIONARIES = frozenset({"DictVectorizer", "FeatureHasher"})
# How deep parts may lie within parts: a real model has a few levels, a hostile one may hold itself.
DEPTH_MAX = 20
# How many parts may stand side by side, with those inside them.
PARTS_MAX = 1000
_COUNTS = ("n_features_in_", "_n_features_in", "n_features_")
_INNER = ("regressor_", "classifier_", "estimator_", "estimator", "base_estimator")


def names_of(model: Instance) -> tuple[str, ...] | None:
    """Give the names of the columns that a model was trained with; None if the file tells none."""
    return _first_told(model)[0]


def count_of(model: Instance) -> int | None:
    """Give the number of columns that a model was trained with; None if the file does not tell it."""
    return _first_told(model)[1]


def unknown_entry(model: Instance) -> Instance | None:
    """Give the part that gets the rows first and does not say which columns it takes.

    It is of unknown code, or hashes the keys of dictionaries.
    """
    entries = entries_of(model)
    is_told = any(_told(part) != (None, None) for part in entries)
    unknown = (part for part in entries if not is_known(part) or class_name(part) in TAKE_DICTIONARIES)
    return None if is_told else next(unknown, None)


def entries_of(model: Instance) -> list[Instance]:
    """List the parts that get the rows first: several where parts stand side by side."""
    return list(_entries(model))


def takes_dictionaries(model: Instance) -> bool:
    """Say whether a model takes dictionaries in place of columns: a part for them gets the rows first."""
    return any(class_name(part) in TAKE_DICTIONARIES for part in entries_of(model))


def vectorizer_of(model: Instance) -> Instance | None:
    """Find the `DictVectorizer` that gets the rows first; None if there is none, or if it is not alone."""
    entries = entries_of(model)
    is_alone = len(entries) == 1 and class_name(entries[0]) == "DictVectorizer"
    return entries[0] if is_alone else None


def takes_named_columns(model: Instance, names: Sequence[str]) -> bool:
    """Say whether the rows go into the model under these names: it was trained with names.

    A part of unknown code that does not say so gets an array only if the names are x0, x1, and so on.
    """
    if names_of(model) is not None:
        return True
    told = next((part for part in _entries(model) if _told(part) != (None, None)), None)
    first = told or next(_entries(model), model)
    return not is_known(first) and list(names) != unnamed(len(names))


def unnamed(count: int) -> list[str]:
    """Give the names of columns that have none."""
    return [f"x{at}" for at in range(count)]


def is_known(part: Instance) -> bool:
    """Say whether a part is of a package of which it is known how it takes columns.

    An encoder of category_encoders before 2.6.1 keeps no list of them.
    """
    package = "" if part.made_by is None else part.made_by.module.partition(".")[0]
    return package in KNOWN and (package != "category_encoders" or _told(part) != (None, None))


def _first_told(model: Instance) -> tuple[tuple[str, ...] | None, int | None]:
    told = map(_told, _entries(model))
    return next((found for found in told if found != (None, None)), (None, None))


def _told(part: Instance) -> tuple[tuple[str, ...] | None, int | None]:
    """Give the names and the number of the columns that a part says it takes; None for what is not said."""
    state = part.state()
    count = next((found for name in _COUNTS if isinstance(found := state.get(name), int)), None)
    if count is None and class_name(part) == "SparseCoder":
        # Older versions compute the number from the dictionary, which has a column for each of these.
        count = (shape_of(state.get("dictionary")) or (None,))[-1]
    booster = xgboost_columns(part)
    listed = values_of(state.get("feature_names_in_"))
    names = lightgbm_names(part) if listed is None else tuple(map(str, listed))
    if booster is not None:
        return names or booster.names or None, count or booster.count or None
    return names, len(names) if count is None and names is not None else count


def _entries(model: Instance) -> Iterator[Instance]:
    """Go through the parts that get the rows unchanged: several where parts stand side by side."""
    waiting = [(model, 0)]
    for _ in range(PARTS_MAX):
        if not waiting:
            return
        part, depth = waiting.pop(0)
        inner = [one for one in _inside(part) if isinstance(one, Instance)] if depth < DEPTH_MAX else []
        waiting = [*((one, depth + 1) for one in inner), *waiting]
        if not inner:
            yield part


def _inside(part: Instance) -> Sequence[Node]:
    """List the parts inside one that get its rows unchanged; none if it takes the rows itself."""
    state = part.state()
    if isinstance(best := state.get("best_estimator_"), Instance):
        return [best]
    if steps := named_parts(state.get("steps")):
        return [next((step for _, step, _ in steps if not _passes(step)), steps[-1][1])]
    if transformers := named_parts(state.get("transformer_list")):
        return [one for _, one, _ in transformers]
    if _told(part) != (None, None) or not is_known(part):
        return []
    several = state.get("estimators_")
    if isinstance(several, ListNode) and several.items:
        return several.items
    found = (state.get(name) for name in _INNER)
    return [one for one in found if isinstance(one, Instance)][:1]


def _passes(step: Node) -> bool:
    """Say whether a step gives the very columns that it takes, and does not say which."""
    if not isinstance(step, Instance):
        return True
    is_identity = class_name(step) == "FunctionTransformer" and step.state().get("func") is None
    return is_identity and _told(step) == (None, None)
