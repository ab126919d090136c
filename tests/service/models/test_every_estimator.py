"""Each estimator of scikit-learn is answered as by itself, alone and as the last step of a pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, is_classifier, is_regressor

from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from service.models.methods import METHODS, SOLVED_TOGETHER, listed
from tests.service.loading.both_sides import check_both_sides
from tests.service.models import every_estimator as every

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A compiled model differs in the last digits. A row alone may do so, too: a kernel may be ill-conditioned.
TOLERANCE = 1e-6
CLUSTERERS = {"AffinityPropagation", "BayesianGaussianMixture", "Birch", "BisectingKMeans", "GaussianMixture"}
CLUSTERERS |= {"FrozenEstimator", "GridSearchCV", "KMeans", "MeanShift", "MiniBatchKMeans"}
OUTLIER_DETECTORS = {"EllipticEnvelope", "IsolationForest", "LocalOutlierFactor", "OneClassSVM"}
OUTLIER_DETECTORS |= {"SGDOneClassSVM"}
OTHERS = {"EmpiricalCovariance", "GraphicalLasso", "GraphicalLassoCV", "KernelDensity", "LedoitWolf"}
OTHERS |= {"MinCovDet", "OAS", "ShrunkCovariance"}
# A pipeline hands its rows on to these by no method.
NO_METHOD_OF_PIPELINES = {"NearestNeighbors", *OTHERS} - {"KernelDensity"}


def kind_of(name: str, model: Any) -> str:
    """The kind that an estimator of this class is expected to have."""
    named = {
        **dict.fromkeys(CLUSTERERS, "clusterer"),
        **dict.fromkeys(OUTLIER_DETECTORS, "outlier_detector"),
        **dict.fromkeys(OTHERS, "other"),
        "NearestNeighbors": "neighbors",
    }
    is_supervised = is_classifier(model) or is_regressor(model)
    supervised = "classifier" if is_classifier(model) else "regressor"
    return named.get(name, supervised if is_supervised else "transformer")


@pytest.mark.parametrize("in_pipeline", [False, True], ids=["alone", "in a pipeline"])
@pytest.mark.parametrize("name", every.NAMES)
@pytest.mark.filterwarnings("ignore")
def test_the_answers_are_those_of_the_estimator(
    name: str,
    *,
    in_pipeline: bool,
    save: Callable[..., Path],
) -> None:
    model, table = every.fitted(name, in_pipeline=in_pipeline)
    rows = [[text] for text in table] if name in every.TEXTS else table
    predictor = check_both_sides(save(model))

    found = predictor.predict(rows)
    alone = predictor.predict(rows[:1])
    # Asked after the service: what it does to an estimator in memory is not done to this one.
    own, scores, probabilities = own_answers(model, table, in_pipeline=in_pipeline)

    assert predictor.model.kind == kind_of(name, model)
    assert len(found.values) == len(table)
    if name not in SOLVED_TOGETHER:
        assert_same(found.values, listed(own))
    assert_same(alone.values, found.values[:1])
    assert (found.scores or {}).keys() == scores.keys()
    for score, numbers in scores.items():
        assert_same((found.scores or {})[score], numbers.tolist())
        assert_same((alone.scores or {})[score], numbers[:1].tolist())
    assert (found.probabilities is None) == (probabilities is None)
    if probabilities is not None:
        expected = probabilities
        if isinstance(probabilities, list):
            expected = [list(row) for row in zip(*(output.tolist() for output in probabilities))]
        np.testing.assert_allclose(np.array(found.probabilities), np.array(expected), atol=TOLERANCE)


def own_answers(model: Any, table: Any, *, in_pipeline: bool) -> tuple[Any, dict[str, Any], Any]:
    """The answers of an estimator, its scores by name and its probabilities."""
    last = model.steps[-1][1] if in_pipeline else model
    if in_pipeline and type(last).__name__ in NO_METHOD_OF_PIPELINES:
        return own_answers(last, model[:-1].transform(table), in_pipeline=False)
    method = next(method for method in METHODS if hasattr(model, method))
    values = getattr(model, method)(table)
    scores = {}
    if method == "kneighbors":
        distances, values = values
        scores["distances"] = distances
    elif method == "predict" and not is_classifier(model) and not is_regressor(model):
        names = ("decision_function", "score_samples")
        scores = {name: getattr(model, name)(table) for name in names if hasattr(model, name)}
    has_probabilities = method == "predict" and hasattr(model, "predict_proba")
    return values, scores, model.predict_proba(table) if has_probabilities else None


def assert_same(found: list[Any], expected: list[Any]) -> None:
    """Compare answers: the same labels, and the same numbers to six digits."""
    assert len(found) == len(expected)
    if found and isinstance(found[0], (dict, str)):
        assert found == expected
    else:
        np.testing.assert_allclose(np.array(found), np.array(expected), rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("in_pipeline", [False, True], ids=["alone", "in a pipeline"])
@pytest.mark.parametrize("name", sorted(every.REFUSED & every.CLASSES.keys()))
@pytest.mark.filterwarnings("ignore")
def test_estimators_that_answer_no_new_rows_are_refused_with_advice(
    name: str,
    *,
    in_pipeline: bool,
    save: Callable[..., Path],
) -> None:
    if in_pipeline and name in every.ONLY_LABELS:
        pytest.skip("it takes no table, and so stands in no pipeline")
    model, _ = every.fitted(name, in_pipeline=in_pipeline)

    with pytest.raises(ModelUnloadable) as refused:
        load_model(save(model))

    assert f" {name}" in str(refused.value)
    assert "Save" in refused.value.advice or "Use an estimator" in refused.value.advice


@pytest.mark.parametrize(
    "name", [name for name in every.NAMES if name not in ("FrozenEstimator", "SparseCoder")]
)
@pytest.mark.filterwarnings("ignore")
def test_estimators_that_were_not_fitted_are_refused(name: str, save: Callable[..., Path]) -> None:
    if name == "HashingVectorizer":
        pytest.skip("it has nothing to learn")
    model: BaseEstimator = every.made(name)

    with pytest.raises(ModelUnloadable, match=r"not fitted|does not say which features"):
        load_model(save(model))
