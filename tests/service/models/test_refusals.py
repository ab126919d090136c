"""Estimators that cannot answer new rows are refused; stand-ins, as their packages are large."""

from __future__ import annotations

import pytest

from service.errors import UnusableFile
from service.models.refusals import check_answers


class CatBoostRegressor:
    """Has the methods of a model of CatBoost that tell of its columns."""

    def __init__(self, embeddings: list[int]) -> None:
        self._embeddings = embeddings

    def is_fitted(self) -> bool:
        return True

    def get_embedding_feature_indices(self) -> list[int]:
        return self._embeddings


CatBoostRegressor.__module__ = "catboost.core"


def test_columns_of_embeddings_are_refused() -> None:
    """A row cannot hold a list, so the service would refuse every row."""
    with pytest.raises(UnusableFile, match="such as embeddings"):
        check_answers(CatBoostRegressor([2]))


def test_other_models_of_catboost_are_taken() -> None:
    check_answers(CatBoostRegressor([]))
