"""Both sides refuse a model whose parameters let it compute without end, each with code of its own."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import NMF, LatentDirichletAllocation
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import PolynomialFeatures

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import inspect_model
from infer_cli.inspection.facts.parameters import limits as limits_of_host
from service.errors import Forbidden
from service.loading.parameters import limits as limits_of_service
from service.loading.policy import Policy
from service.loading.unpickling import load_safely
from tests.safety.folded import altered

if TYPE_CHECKING:
    from pathlib import Path

# scikit-learn has no types.
Estimator = Any

TABLE, TARGET = np.random.default_rng(0).random((20, 3)), np.arange(20.0)


def after(part: Estimator) -> Estimator:
    """Give a pipeline that starts with the part."""
    linear = LinearRegression().fit(part.transform(TABLE), TARGET)
    return Pipeline([("part", part), ("model", linear)])


POWERS = PolynomialFeatures(3).fit(TABLE)
PRODUCTS = PolynomialFeatures(3, interaction_only=True).fit(TABLE)
TOPICS = LatentDirichletAllocation(2, max_iter=2).fit(TABLE)
PARTS = NMF(2, max_iter=100_000).fit(TABLE)
FOREST = RandomForestRegressor(2, n_jobs=64).fit(TABLE, TARGET)
WORDS = TfidfVectorizer(token_pattern=r"(?u)\b[\u4e00-\u9fff\w][-\w]*\b").fit(["a rose", "is a rose"])  # noqa: S106 (no password)
TAKEN = {
    "powers": after(POWERS),
    "products": after(PRODUCTS),
    "topics": after(TOPICS),
    "parts": after(PARTS),
    "threads": FOREST,
    "words": WORDS,
    "pairs of words": altered(WORDS, ngram_range=(1, 3)),
}


def within(part: Estimator) -> Estimator:
    return altered(TAKEN["powers"], steps=[("part", part), TAKEN["powers"].steps[1]])


REFUSED = {
    "powers": (within(altered(POWERS, n_features_in_=100, _max_degree=20)), "5000000 columns"),
    "many powers": (within(altered(POWERS, n_features_in_=100, _max_degree=10**9)), "5000000 columns"),
    "products": (within(altered(PRODUCTS, n_features_in_=10**6, _max_degree=2)), "5000000 columns"),
    "topics": (within(altered(TOPICS, max_doc_update_iter=10**9)), "max_doc_update_iter"),
    "parts": (within(altered(PARTS, max_iter=np.int64(10**9))), "max_iter"),
    "words": (altered(WORDS, token_pattern="(?i)" + "[\x00-\U0010ffff]" * 100), "token_pattern"),
    "threads": (altered(FOREST, n_jobs=10**6), "n_jobs"),
    "threads as a float": (altered(FOREST, n_jobs=1e6), "n_jobs"),
    "threads as a number of NumPy": (altered(FOREST, n_jobs=np.float64(1e6)), "n_jobs"),
    "pairs of words": (altered(WORDS, ngram_range=(1, 10**6)), "ngram_range"),
    "a list of words": (altered(WORDS, ngram_range=[1, 1e6]), "ngram_range"),
    "a set of words": (altered(WORDS, ngram_range={1, 10**6}), "ngram_range"),
}


def saved(model: Estimator, tmp_path: Path) -> Path:
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(model))
    return file


@pytest.mark.parametrize("model", TAKEN.values(), ids=TAKEN)
def test_both_sides_take_real_models(model: Estimator, tmp_path: Path) -> None:
    inspect_model(saved(model, tmp_path))
    load_safely(saved(model, tmp_path), Policy())


@pytest.mark.parametrize(("model", "reason"), REFUSED.values(), ids=REFUSED)
def test_both_sides_refuse_what_has_no_end(model: Estimator, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match=reason):
        inspect_model(saved(model, tmp_path))
    with pytest.raises(Forbidden, match=reason):
        load_safely(saved(model, tmp_path), Policy())


def test_the_service_refuses_a_number_in_an_array(tmp_path: Path) -> None:
    """The inspection does not read the bytes of arrays."""
    with pytest.raises(Forbidden, match="ngram_range"):
        load_safely(saved(altered(WORDS, ngram_range=np.array([1, 10**6])), tmp_path), Policy())


def test_the_service_goes_through_no_range_of_labels(tmp_path: Path) -> None:
    """It costs the file nothing, and a look at each label takes many seconds."""
    table = pd.DataFrame(index=pd.RangeIndex(10**8))

    with pytest.raises(Forbidden, match="longer than any model's"):
        load_safely(saved(table, tmp_path), Policy())


def test_both_sides_read_the_same_limits() -> None:
    assert limits_of_host() == limits_of_service()
