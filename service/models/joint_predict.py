"""Joint predict: labels and probabilities from one pass through an estimator.

scikit-learn has a method for each. If they are called one after the other, a pipeline transforms its input
twice, and an estimator whose label is the most probable one computes its probabilities twice.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Callable

import numpy as np

from service.compiler.convert import SEARCHES, transformers_of
from service.compiler.functions import class_name
from service.compiler.proof_rows import proof_rows
from service.compiler.trial_rows import trial_rows
from service.models.shared_work import share_work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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
# Attributes with rows of the training data.
KEEP_ROWS = ("_fit_X", "X_train_")


def find_joint_predict(
    model: Part,
    features: Sequence[Feature],
    table_of: Callable[[list[list[Value]]], object],
) -> JointPredict | None:
    """Give a joint predict that answers as the two methods do; None if there is none, or if one differs.

    It is compared with the two methods on made-up rows; `table_of` makes the estimator's input of rows.
    """
    if _joint(model, is_own=False) is None:
        return None
    rows = _answered(model, features, table_of)
    # Tables of other lengths are computed by other code, and usual rows stand last.
    tables = [table_of(some) for some in (rows, rows[:1], rows[-1:], rows[-3:]) if some]
    for is_own in (True, False):
        # Own methods know the versions of scikit-learn that they were written for.
        with suppress(Exception):
            joint = _joint(model, is_own=is_own)
            if joint and tables and all(_is_same(model, joint, table) for table in tables):
                return joint
    return None


def _answered(
    model: Part, features: Sequence[Feature], table_of: Callable[[list[list[Value]]], object]
) -> list[list[Value]]:
    """Give rows at the limits of a model, and usual rows, without those that the model refuses."""
    sources = (trial_rows(model, features), proof_rows(model, features), _kept_rows(model, len(features)))
    rows = [row for source in sources for row in islice(source, TRIAL_ROWS)]
    with suppress(Exception):
        model.predict(table_of(rows))
        return rows
    return [row for row in rows if _is_answered(model, table_of([row]))]


def _kept_rows(model: Part, width: int) -> Iterator[list[Value]]:
    """Give the rows of the training data that a model keeps, for models that tell nothing far from them."""
    inner = getattr(model, "base_estimator_", None)
    for part in (model, inner, *getattr(inner, "estimators_", ())):
        for name in KEEP_ROWS:
            rows = getattr(part, name, None)
            if isinstance(rows, np.ndarray) and rows.ndim == 2 and rows.shape[1] == width:  # noqa: PLR2004 (rows and columns)
                yield from rows[:TRIAL_ROWS].astype(np.float64).tolist()
                return


def _is_answered(model: Part, table: object) -> bool:
    with suppress(Exception):
        model.predict(table)
        return True
    return False


def _is_same(model: Part, joint: JointPredict, table: object) -> bool:
    """Tell whether both answers are the model's own, to the last bit."""
    labels, probabilities = map(np.asarray, joint(table))
    own_labels, own = np.asarray(model.predict(table)), np.asarray(model.predict_proba(table))
    return (
        (labels.dtype, probabilities.dtype) == (own_labels.dtype, own.dtype)
        and np.array_equal(labels, own_labels)
        and probabilities.shape == own.shape
        and probabilities.tobytes() == own.tobytes()
    )


def _joint(model: Part, *, is_own: bool) -> JointPredict | None:
    """Give the joint predict of an estimator that has one; with `is_own`, by own methods if it has any."""
    name = class_name(model)
    if name == "Pipeline":
        return _pipeline(model, is_own=is_own)
    if name in SEARCHES:
        return _joint(model.best_estimator_, is_own=is_own)
    if name == "StackingClassifier":
        return _stacking(model, is_own=is_own)
    if f"{type(model).__module__.partition('.')[0]}.{type(model).__name__}" in MOST_PROBABLE:
        return _most_probable(model)
    return share_work(model, is_own=is_own)


def _either(model: Part, *, is_own: bool) -> JointPredict:
    return _joint(model, is_own=is_own) or (lambda table: (model.predict(table), model.predict_proba(table)))


def _pipeline(model: Part, *, is_own: bool) -> JointPredict | None:
    transformers, last = transformers_of(model), model.steps[-1][1]
    if not transformers:
        return _joint(last, is_own=is_own)
    ask = _either(last, is_own=is_own)

    def joint(table: object) -> tuple[object, object]:
        for transformer in transformers:
            table = transformer.transform(table)
        return ask(table)

    return joint


def _stacking(model: Part, *, is_own: bool) -> JointPredict:
    ask = _either(model.final_estimator_, is_own=is_own)
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
