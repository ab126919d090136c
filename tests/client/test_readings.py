from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.client import readings
from infer_cli.client.cells import typed_row
from infer_cli.client.row_files import read_table
from infer_cli.client.served_model import ServedFeature
from infer_cli.errors import InferError
from service.protocols import readings as of_service
from service.schema.features import TEXT_OR_WHOLE, Feature

if TYPE_CHECKING:
    from pathlib import Path

FEATURES = {
    "some": ServedFeature("any", needs_types=True),
    "catboost": ServedFeature("text", needs_types=True),
    "unused": ServedFeature("any"),
    "number": ServedFeature("number"),
    "mixed": ServedFeature.of(
        {"name": "mixed", "type": "category", "categories": ["22", 7, "false", 1, "1"]}
    ),
}
WORDS = [
    "22",
    "007",
    "1.0",
    " 1.",
    "+5",
    ".5",
    "1e3",
    "-2.50",
    "22.5",
    "true",
    "False",
    "TRUE ",
    "",
    "x",
    "1_000",
]


@pytest.mark.parametrize(
    ("name", "cell", "hint"),
    [
        ("some", "22", "JSON Lines"),
        ("some", "007", "infer.json"),
        ("some", "1.0", "--examples"),
        ("some", "True", "JSON Lines"),
        ("catboost", "True", "write 1 or 0"),
        ("catboost", "false", "write 1 or 0"),
        ("catboost", "22.0", "without a point"),
        ("mixed", "1", "JSON Lines"),
    ],
)
def test_a_cell_with_two_readings_is_refused_by_name(name: str, cell: str, hint: str) -> None:
    with pytest.raises(InferError, match=f"{name} may be a text or a") as caught:
        typed_row({name: cell}, FEATURES)

    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    ("name", "cell", "expected"),
    [
        ("some", "word", "word"),
        ("some", "", None),
        ("catboost", "22", "22"),
        ("catboost", "22.5", "22.5"),
        ("unused", "22", 22),
        ("number", "22.0", 22.0),
        ("mixed", "22", "22"),
        ("mixed", "7", 7),
        ("mixed", "7.0", 7.0),
        ("mixed", "false", "false"),
    ],
)
def test_a_cell_with_one_reading_is_taken(name: str, cell: str, expected: object) -> None:
    assert typed_row({name: cell}, FEATURES) == {name: expected}


def test_the_error_says_in_which_row_the_cell_is(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("some\nx\ny\n7\n", encoding="utf-8")

    with pytest.raises(InferError, match=r"rows\.csv, row 3: some may be"):
        list(read_table(source, FEATURES, batch_rows=2))


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize(
    "feature", [Feature("a", "any", dtype="any"), Feature("a", "text", dtype=TEXT_OR_WHOLE)]
)
def test_the_service_refuses_the_same_words(feature: Feature, word: str) -> None:
    is_refused = bool(of_service.two_readings(feature, word))

    try:
        readings.check_reading("a", word, ServedFeature(feature.type, needs_types=True))
    except InferError:
        assert is_refused
    else:
        assert not is_refused
