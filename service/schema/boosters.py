"""What models of CatBoost and LightGBM tell in their own ways of the columns that they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.schema.features import Value


def is_catboost(model: object) -> bool:
    """Tell whether a model is one of CatBoost's."""
    return type(model).__name__.startswith("CatBoost") and hasattr(model, "feature_names_")


def catboost_names(model: Any) -> list[str]:  # noqa: ANN401
    """List the inputs of a CatBoost model: it numbers those without names."""
    names = [str(name) for name in model.feature_names_]
    return [f"x{name}" for name in names] if names == [str(at) for at in range(len(names))] else names


def catboost_texts(model: Any) -> set[int]:  # noqa: ANN401
    """Give the positions of categories and texts: CatBoost takes both as texts, and misses none."""
    return {*model.get_cat_feature_indices(), *model.get_text_feature_indices()}


def lightgbm_categories(model: Any) -> dict[int, list[Value]]:  # noqa: ANN401
    """Give the categories that a model of LightGBM learned from pandas, by the column's position."""
    booster = getattr(model, "_Booster", None)
    tables = getattr(booster, "pandas_categorical", None) or []
    columns = getattr(booster, "params", {}).get("categorical_column", [])
    # Others are numbers that the user called categories, or have an order.
    if not isinstance(columns, list) or len(columns) != len(tables):
        return {}
    return dict(zip(columns, map(list, tables)))
