from __future__ import annotations

import gzip
import re
from datetime import datetime
from pathlib import Path

import pytest

from service.schema.declared import Declared, DeclaredFeature
from service.schema.features import Feature
from service.schema.usual import Usual, UsualRange, UsualValues
from service.web import page
from service.web.page import MODULES, MOST_OPTIONS, Field, fields_of, kind_with_article

STATIC = Path(page.__file__).with_name("static")


@pytest.mark.parametrize(
    ("feature", "field"),
    [
        (Feature("a"), Field("a", "1", is_number=True)),
        (Feature("a", nullable=True), Field("a", "1", is_number=True, is_nullable=True)),
        (Feature("a", required=False), Field("a", "1", is_number=True, is_nullable=True)),
        (Feature("a", "text"), Field("a", "some text", "textarea")),
        (Feature("a", "date"), Field("a", "2026-01-31", "date")),
        (Feature("a", "boolean"), Field("a", "true", "select", options=("true", "false"))),
        (Feature("a", "category", categories=(3, 4)), Field("a", "3", "select", options=("3", "4"))),
        (Feature("a", "category", categories=(3.0, float("nan"))), Field("a", "3.0", "select", ("3.0",))),
        (Feature("a", "category", categories=("x",), is_open=True), Field("a", "x")),
        (
            Feature("a", "any", required=False, dtype="unused"),
            Field("a", "", is_nullable=True, is_unused=True),
        ),
    ],
)
def test_a_field_fits_its_feature(feature: Feature, field: Field) -> None:
    assert fields_of([feature]) == [field]


def test_a_field_holds_what_is_usual_as_a_person_writes_it() -> None:
    learned = {
        "a": Usual(180.0, UsualRange(150.0, 200.0, "bounds")),
        "b": Usual(1671000000000000.0, UsualRange(1.5e15, 1.7e15, "spread")),
    }
    declared = Declared((DeclaredFeature("c", example="2020-05-01T12:30:00"),))

    fields = fields_of(
        [Feature("a"), Feature("b", unit="us"), Feature("c", "date", dtype="datetime64")],
        UsualValues(declared, learned),
    )

    assert fields == [
        Field("a", "180", is_number=True, has_range=True),
        Field("b", "2022-12-14", "date"),
        Field("c", "2020-05-01", "date"),
    ]


def test_the_usual_value_of_a_number_that_counts_time_is_a_day() -> None:
    usual = UsualValues(learned={"b": Usual(1671000000000000000.0, None)})

    assert usual.value(Feature("b", unit="ns")) == datetime(2022, 12, 14)  # noqa: DTZ001


def test_a_long_list_is_typed_in() -> None:
    known = tuple(map(str, range(MOST_OPTIONS + 1)))

    assert fields_of([Feature("a", "category", categories=known)])[0].options == ()


def test_every_module_of_the_script_is_named_for_the_browser_to_fetch_at_once() -> None:
    imported = {
        name for file in STATIC.glob("*.js") for name in re.findall(r'from "\./([\w.]+)"', file.read_text())
    }

    assert sorted(imported) == list(MODULES) == sorted(MODULES)


def test_the_page_stays_small() -> None:
    """So that it opens at once over a slow line."""
    assert sum(len(gzip.compress(file.read_bytes(), 1)) for file in STATIC.iterdir()) < 32_000


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
