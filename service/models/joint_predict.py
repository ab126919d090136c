"""Labels and probabilities from one pass through a model, where asking for each would do the same work twice.

scikit-learn has a method for either. Called one after the other, a pipeline transforms twice, and models
whose label is the most probable one work out their probabilities twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from service.compiler.convert import SEARCHES, transformers_of
from service.compiler.functions import class_name
from service.compiler.trial_rows import trial_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Feature, Value

    # A table in, labels and probabilities out.
    JointPredict = Callable[[object], tuple[Any, Any]]

# Their `predict` takes the largest of what their `predict_proba` gives.
MOST_PROBABLE = frozenset(
    {
        *("sklearn.BaggingClassifier", "sklearn.CalibratedClassifierCV", "sklearn.ExtraTreesClassifier"),
        *("sklearn.KNeighborsClassifier", "sklearn.LabelPropagation", "sklearn.LabelSpreading"),
        *("sklearn.RandomForestClassifier", "sklearn.VotingClassifier"),
        *("lightgbm.LGBMClassifier", "xgboost.XGBClassifier"),
    }
)
TRIAL_ROWS = 32


def find_joint_predict(
    model: Any,  # noqa: ANN401 (models have no type)
    features: Sequence[Feature],
    table_of: Callable[[list[list[Value]]], object],
) -> JointPredict | None:
    """Give what answers both as the model's two methods do; None where that is no less work, or differs.

    It is tried on rows of which `table_of` makes tables.
    """
    joint = _joint(model)
    if joint is None:
        return None
    rows = [row for row, _ in zip(trial_rows(model, features), range(TRIAL_ROWS))]
    is_same = all(_is_same(model, joint, table_of(some)) for some in (rows, rows[:1]))
    return joint if is_same else None


def _is_same(model: Any, joint: JointPredict, table: object) -> bool:  # noqa: ANN401
    labels, probabilities = joint(table)
    return np.array_equal(labels, model.predict(table)) and np.array_equal(
        probabilities, model.predict_proba(table), equal_nan=True
    )


def _joint(model: Any) -> JointPredict | None:  # noqa: ANN401
    """Give what asks the model for both at once, if anything does."""
    name = class_name(model)
    if name == "Pipeline":
        return _pipeline(model)
    if name in SEARCHES:
        return _joint(model.best_estimator_)
    if name == "StackingClassifier":
        return _stacking(model)
    if f"{type(model).__module__.partition('.')[0]}.{type(model).__name__}" in MOST_PROBABLE:
        return _most_probable(model)
    return None


def _either(model: Any) -> JointPredict:  # noqa: ANN401
    return _joint(model) or (lambda table: (model.predict(table), model.predict_proba(table)))


def _pipeline(model: Any) -> JointPredict | None:  # noqa: ANN401
    transformers, last = transformers_of(model), model.steps[-1][1]
    if not transformers:
        return _joint(last)
    ask = _either(last)

    def joint(table: Any) -> tuple[Any, Any]:  # noqa: ANN401
        for transformer in transformers:
            table = transformer.transform(table)
        return ask(table)

    return joint


def _stacking(model: Any) -> JointPredict:  # noqa: ANN401
    ask = _either(model.final_estimator_)
    encoder = model._label_encoder  # noqa: SLF001 (has no public name)

    def joint(table: object) -> tuple[Any, Any]:
        labels, probabilities = ask(model.transform(table))
        return encoder.inverse_transform(labels), probabilities

    return joint


def _most_probable(model: Any) -> JointPredict:  # noqa: ANN401
    def joint(table: object) -> tuple[Any, Any]:
        probabilities = model.predict_proba(table)
        return model.classes_.take(probabilities.argmax(axis=1), axis=0), probabilities

    return joint
