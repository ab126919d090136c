"""Finds the parts of a fitted estimator that get columns of the rows unchanged, and which columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from service.schema.parts import positions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.compiler.functions import Fitted

# Attributes with the fitted models that get the same columns as the model that holds them.
ONE_INSIDE = ("estimator_", "regressor_", "classifier_")
MOST_MEMBERS = 20
# The place of a column that does not stand in the rows. As a position in a list, it is that of the last item.
NONE = -1


def column_parts(part: Fitted, columns: list[int]) -> Iterator[tuple[Fitted, list[int]]]:
    """Give each innermost part that gets some of these columns as they stand in the rows.

    The columns that it gets are positions in the rows; `NONE` stands for one that is made of others.
    """
    part = getattr(part, "best_estimator_", part)
    inner = list(_parts_inside(part, columns))
    for branch, its_columns in inner:
        if branch is not None and not isinstance(branch, str):
            yield from column_parts(branch, its_columns)
    if not inner:
        yield part, columns


def _parts_inside(part: Fitted, columns: list[int]) -> Iterator[tuple[Fitted, list[int]]]:
    """Give each part inside a part that gets some of its columns unchanged, and these columns."""
    if hasattr(part, "steps"):
        for _, step in part.steps:
            if not _is_nothing(step):
                yield step, columns
                columns = kept_columns(step, columns)
            if all(column == NONE for column in columns):
                break
    elif hasattr(part, "transformers_"):
        for name, branch, _ in part.transformers_:
            yield branch, [columns[at] for at in positions_of(part, name)]
    elif hasattr(part, "transformer_list"):
        yield from ((branch, columns) for _, branch in part.transformer_list)
    else:
        yield from ((model, columns) for model in _models_inside(part))


def _models_inside(part: Fitted) -> Iterable[Fitted]:
    """Give the models inside a model that get all its columns."""
    if hasattr(part, "calibrated_classifiers_"):
        return [one.estimator for one in part.calibrated_classifiers_[:MOST_MEMBERS]]
    if hasattr(part, "estimators_"):
        # Of a forest, `estimator_` is what its trees are copies of, and not fitted.
        return part.estimators_[:MOST_MEMBERS] if _has_members(part) else ()
    return [getattr(part, name) for name in ONE_INSIDE if hasattr(part, name)]


def kept_columns(step: Fitted, columns: list[int]) -> list[int]:
    """Give which column of the rows each column is that leaves a step, or `NONE`.

    An imputer changes no value but missing ones. Of other steps only those are followed that hold imputers.
    """
    if _is_nothing(step):
        return columns
    if _only_fills_gaps(step, len(columns)):
        # The columns that say where gaps were stand behind all others.
        return columns + [NONE] * len(getattr(getattr(step, "indicator_", None), "features_", ()))
    if hasattr(step, "steps"):
        for _, inner in step.steps:
            columns = kept_columns(inner, columns)
        return columns
    places: dict[str, slice] = getattr(step, "output_indices_", {})
    kept = [NONE] * max((place.stop for place in places.values()), default=0)
    for name, branch, _ in getattr(step, "transformers_", ()):
        place = places.get(name, slice(0, 0))
        found = (
            [] if branch == "drop" else kept_columns(branch, [columns[at] for at in positions_of(step, name)])
        )
        if len(found) == place.stop - place.start:
            kept[place] = found
    return kept


def _is_nothing(step: Fitted) -> bool:
    """Tell whether a step of a pipeline, or a branch, leaves everything as it is."""
    does_nothing = getattr(step, "func", True) is None and type(step).__name__ == "FunctionTransformer"
    return step is None or (isinstance(step, str) and step == "passthrough") or does_nothing


def _only_fills_gaps(step: Fitted, count: int) -> bool:
    """Tell whether a step leaves the columns in their places, and changes no value but missing ones."""
    filling: Any = getattr(step, "statistics_", None)
    if np.shape(filling) != (count,):
        return False
    # A column that had no value in training is left out.
    return not any(value is None or value != value for value in np.asarray(filling, dtype=object))  # noqa: PLR0124 (NaN)


def _has_members(part: Fitted) -> bool:
    """Tell whether a part is an ensemble of models, other than trees, that get all its columns."""
    members = getattr(part, "estimators_", None)
    if not isinstance(members, list) or not members or hasattr(part, "estimators_features_"):
        return False
    return not hasattr(members[0], "tree_")
