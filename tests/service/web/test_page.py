from __future__ import annotations

import pytest

from service.schema.features import Feature
from service.web.page import MOST_OPTIONS, Field, fields_of, kind_with_article


@pytest.mark.parametrize(
    ("feature", "field"),
    [
        (Feature("a"), Field("a", "1.0", input_mode="decimal")),
        (Feature("a", nullable=True), Field("a", "1.0", input_mode="decimal", is_optional=True)),
        (Feature("a", "text"), Field("a", "some text", is_optional=True)),
        (Feature("a", "date"), Field("a", "2026-01-31", input_type="date")),
        (Feature("a", "boolean"), Field("a", "true", options=("true", "false"))),
        (Feature("a", "category", categories=(3, 4)), Field("a", "3", options=("3", "4"))),
        (Feature("a", "category", categories=("x",), is_open=True), Field("a", "x")),
    ],
)
def test_a_field_fits_its_feature(feature: Feature, field: Field) -> None:
    assert fields_of([feature]) == [field]


def test_a_long_list_is_typed_in() -> None:
    known = tuple(map(str, range(MOST_OPTIONS + 1)))

    assert fields_of([Feature("a", "category", categories=known)])[0].options == ()


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param("classifier", "a classifier", id="a noun of its own"),
        pytest.param("neighbors", "a nearest neighbours model", id="neighbours"),
        pytest.param("outlier_detector", "an outlier detector", id="two words, and a vowel"),
        pytest.param("other", "a model", id="no kind that has a name"),
    ],
)
def test_the_kind_of_a_model_reads_as_a_part_of_a_sentence(kind: str, expected: str) -> None:
    assert kind_with_article(kind) == expected
