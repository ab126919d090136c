"""The starts of boosters that five versions of XGBoost saved: a column of numbers, and two of categories."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import UnusableFile
from service.models.fitted_model import FittedModel
from service.schema.column_types import Reading
from service.schema.declared import Declared, DeclaredFeature
from service.schema.xgboost_columns import columns_of

HEADS = Path(__file__).parents[2] / "golden" / "boosters"
NAMES = ("price", "brand", "shop")
CATEGORIES = {1: (11, 12, 19), 2: ("east", "north", "south")}


def head(version: str) -> bytes:
    return (HEADS / f"xgboost-{version}.head").read_bytes()


class Booster:
    """Has what a loaded booster of XGBoost tells of its columns."""

    def __init__(self, raw: bytes, types: list[str]) -> None:
        self._raw = raw
        self.feature_types = types
        self.feature_names = list(NAMES)

    def save_raw(self, _: str) -> bytearray:
        return bytearray(self._raw)


class XGBRegressor:
    """Has the attributes of a fitted model of XGBoost, and answers 0."""

    n_features_in_ = 3
    feature_names_in_ = NAMES

    def __init__(self, version: str) -> None:
        self._Booster = Booster(head(version), ["float", "c", "c"])

    def predict(self, table: object) -> list[float]:
        return [0.0] * len(table)  # type: ignore[arg-type]  # a DataFrame


@pytest.mark.parametrize("version", ["1.7", "2.0", "3.0"])
def test_versions_that_keep_no_categories(version: str) -> None:
    columns = columns_of(head(version))

    assert columns is not None
    assert (columns.count, columns.names, columns.types) == (3, NAMES, ("float", "c", "c"))
    assert (columns.categories, columns.unknown) == ({}, [1, 2])


@pytest.mark.parametrize("version", ["3.1", "3.2"])
def test_versions_that_keep_the_categories(version: str) -> None:
    columns = columns_of(head(version))

    assert columns is not None
    assert {at: known.values for at, known in columns.categories.items()} == CATEGORIES
    assert [columns.categories[at].dtype for at in (1, 2)] == ["int64", "text"]
    assert columns.unknown == []


def test_a_start_that_is_too_short_tells_nothing() -> None:
    whole = head("3.2")

    assert [columns_of(whole[:length]) for length in range(0, whole.rindex(b"trees"), 97)] == [None] * 33


def test_a_category_that_xgboost_cut_off_is_not_told() -> None:
    columns = columns_of(head("3.2").replace(bytes("north", "ascii"), "nör".encode() + b"t"))

    assert columns is not None
    assert columns.unknown == [2]


@pytest.mark.parametrize("version", ["3.1", "3.2"])
def test_the_features_are_closed_categories_of_pandas(version: str) -> None:
    reading = Reading(3)

    reading.read(XGBRegressor(version))

    price, *rest = reading.features(NAMES)
    assert (price.type, price.nullable) == ("number", True)
    assert [(one.type, one.categories, one.is_open, one.dtype, one.nullable) for one in rest] == [
        ("category", CATEGORIES[1], False, "category", True),
        ("category", CATEGORIES[2], False, "category", True),
    ]


def test_unknown_categories_must_be_declared() -> None:
    with pytest.raises(UnusableFile, match='has features "brand", "shop" whose values are not kn') as caught:
        FittedModel(XGBRegressor("2.0"))

    assert '"categories": [' in caught.value.advice


def test_declared_categories_are_as_closed_as_learned_ones() -> None:
    declared = Declared(
        (
            DeclaredFeature("brand", "number", "codes"),
            DeclaredFeature("shop", "category", categories=("b", "a")),
        )
    )

    _, brand, shop = FittedModel(XGBRegressor("2.0"), declared).features

    assert (brand.type, brand.dtype) == ("number", "float64")
    assert (shop.type, shop.categories, shop.is_open, shop.dtype) == (
        "category",
        ("b", "a"),
        False,
        "category",
    )


@pytest.mark.parametrize(
    "one",
    [
        DeclaredFeature("brand", "category"),
        DeclaredFeature("brand", "number", "int64"),
        DeclaredFeature("brand"),
    ],
)
def test_a_declaration_without_categories_does_not_do(one: DeclaredFeature) -> None:
    with pytest.raises(UnusableFile, match="brand"):
        FittedModel(XGBRegressor("2.0"), Declared((one, DeclaredFeature("shop", "number", "codes"))))
