"""Joint predict: labels and probabilities from one pass through an estimator.

scikit-learn has a method for each. If they are called one after the other, a pipeline transforms its input
twice, and an estimator whose label is the most probable one computes its probabilities twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable

import numpy as np

from service.compiler.convert import SEARCHES, transformers_of
from service.compiler.functions import class_name
from service.compiler.trial_rows import trial_rows
from service.models.shared_work import share_work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Feature, Value
    from service.schema.parts import Part

    # An estimator's input in, labels and probabilities out.
    JointPredict = Callable[[object], tuple[object, object]]

# Estimators whose `predict` gives the class with the largest value of `predict_proba`.
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
    model: Part,
    features: Sequence[Feature],
    table_of: Callable[[list[list[Value]]], object],
) -> JointPredict | None:
    """Give a joint predict that answers as the two methods do; None if there is none, or if one differs.

    It is compared with the two methods on made-up rows; `table_of` makes the estimator's input of rows.
    """
    joint = _joint(model)
    if joint is None:
        return None
    rows = [row for row, _ in zip(trial_rows(model, features), range(TRIAL_ROWS))]
    is_same = all(_is_same(model, joint, table_of(some)) for some in (rows, rows[:1]))
    return joint if is_same else None


def _is_same(model: Part, joint: JointPredict, table: object) -> bool:
    labels, probabilities = joint(table)
    return np.array_equal(np.asarray(labels), model.predict(table)) and np.array_equal(
        np.asarray(probabilities), model.predict_proba(table), equal_nan=True
    )


def _joint(model: Part) -> JointPredict | None:
    """Give the joint predict of an estimator that has one."""
    name = class_name(model)
    if name == "Pipeline":
        return _pipeline(model)
    if name in SEARCHES:
        return _joint(model.best_estimator_)
    if name == "StackingClassifier":
        return _stacking(model)
    if f"{type(model).__module__.partition('.')[0]}.{type(model).__name__}" in MOST_PROBABLE:
        return _most_probable(model)
    return share_work(model)


def _either(model: Part) -> JointPredict:
    return _joint(model) or (lambda table: (model.predict(table), model.predict_proba(table)))


def _pipeline(model: Part) -> JointPredict | None:
    transformers, last = transformers_of(model), model.steps[-1][1]
    if not transformers:
        return _joint(last)
    ask = _either(last)

    def joint(table: object) -> tuple[object, object]:
        for transformer in transformers:
            table = transformer.transform(table)
        return ask(table)

    return joint


def _stacking(model: Part) -> JointPredict:
    ask = _either(model.final_estimator_)
    encoder = model._label_encoder  # noqa: SLF001 (has no public name)

    def joint(table: object) -> tuple[object, object]:
        labels, probabilities = ask(model.transform(table))
        return encoder.inverse_transform(labels), probabilities

    return joint


def _most_probable(model: Part) -> JointPredict:
    def joint(table: object) -> tuple[object, object]:
        probabilities = model.predict_proba(table)
        return model.classes_.take(probabilities.argmax(axis=1), axis=0), probabilities

    return joint
