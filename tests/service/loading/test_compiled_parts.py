"""Compiled code is given no part whose values it would trust in vain, and each real model passes."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from service.errors import UnusableFile
from service.loading.compiled_parts import check_values
from tests.safety.unsound import TABLE, TARGET, UNSOUND, squeezed_node
from tests.service.models import every_estimator


@pytest.mark.parametrize("name", every_estimator.NAMES)
@pytest.mark.filterwarnings("ignore")
def test_real_models_pass(name: str) -> None:
    model, _ = every_estimator.fitted(name)
    check_values(pickle.loads(pickle.dumps(model)))


@pytest.mark.parametrize("what", UNSOUND)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_unsound_values_are_refused(what: str) -> None:
    with pytest.raises(UnusableFile):
        check_values(UNSOUND[what]())


def test_the_place_is_named() -> None:
    forest = squeezed_node(RandomForestClassifier(3, random_state=0).fit(TABLE, TARGET))
    model = make_pipeline(StandardScaler(), forest)
    with pytest.raises(
        UnusableFile, match=r"holds steps\[1\]\[1\]\.estimators_\[2\]\.tree_ \(Tree\), whose node 0"
    ):
        check_values({"model": model}["model"])


def test_stages_are_not_added_to_too_few_columns() -> None:
    model = GradientBoostingClassifier(n_estimators=2).fit(TABLE, TARGET)
    model.init_ = DummyClassifier().fit(TABLE, TARGET > 0)
    check_values(model)

    with pytest.raises(ValueError, match="do not fit"):
        model.predict(TABLE)


def test_trees_are_not_given_a_table_of_too_few_columns() -> None:
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features=[0]).fit(TABLE, TARGET)
    if getattr(model, "_preprocessor", None) is None:
        pytest.skip("this version of scikit-learn computes no other table")
    check_values(model)
    model._preprocessor = FunctionTransformer(lambda table: table[:, :2])

    with pytest.raises(ValueError, match="do not fit"):
        model.predict(TABLE)


@pytest.mark.parametrize("method", ["predict", "decision_function", "predict_proba"])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_support_vectors_are_given_as_many_numbers_as_they_read(method: str) -> None:
    model = SVC(kernel=rbf_kernel, probability=True).fit(TABLE, TARGET)
    model._BaseLibSVM__Xfit = TABLE[:1]
    check_values(model)

    with pytest.raises(ValueError, match=r"do not fit|X\.shape"):
        getattr(model, method)(TABLE)


@pytest.mark.parametrize("function", [np.power, partial(np.left_shift, 1), partial(np.multiply, 10**30)])
def test_functions_do_not_grow_whole_numbers_without_end(function: object) -> None:
    """NumPy would compute with Python's own numbers: a row with a large one would take all memory."""
    model = FunctionTransformer(function, kw_args={"dtype": np.dtype(object)})
    check_values(model)

    with pytest.raises(ValueError, match="takes no whole numbers of any length"):
        model.transform(np.array([[10**12]]))


def test_functions_of_numbers_are_called() -> None:
    model = FunctionTransformer(partial(np.power, 2.0))
    check_values(model)

    assert model.transform(np.array([[3.0]])).tolist() == [[8.0]]


def test_a_model_tells_nothing_of_its_progress(capfd: pytest.CaptureFixture[str]) -> None:
    """Each request would write a line for each tree into the log."""
    forest = RandomForestClassifier(3, random_state=0).fit(TABLE, TARGET)
    forest.verbose = 100
    votes = VotingClassifier([("forest", forest)]).fit(TABLE, TARGET)
    votes.estimators_[0].verbose = 100
    capfd.readouterr()
    check_values(votes)

    votes.predict(TABLE)

    assert capfd.readouterr() == ("", "")
