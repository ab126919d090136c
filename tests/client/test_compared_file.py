"""Files of rows are compared with real services, each a process of its own."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression

from infer_cli.client.compared_file import Side, _left_out, compare_file
from infer_cli.client.differences import Refusal
from infer_cli.client.served_model import ServedFeature, ServedModel
from infer_cli.client.service_client import ServiceClient
from infer_cli.errors import InferError, PredictionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from infer_cli.client.differences import Differences

# A model that takes missing values, and two that do not and give other answers.
X = np.array([[1.0, 5.0], [2.0, 4.0], [3.0, 3.0], [4.0, 2.0], [5.0, 1.0]] * 10)
LABELS = np.where(X[:, 0] > 2.5, "high", "low")


@pytest.fixture(scope="module")
def sides(start_service: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The URLs of services by the names of their models."""
    folder = tmp_path_factory.mktemp("models")
    line = LinearRegression().fit(X, X[:, 0] * 2)
    bent = LinearRegression().fit(X, X[:, 0] * 2)
    bent.coef_ = bent.coef_ + np.array([0.0, 1e-6])
    models = {
        "line": line,
        "bent": bent,
        "trees": HistGradientBoostingClassifier(min_samples_leaf=1).fit(X, LABELS),
        "turned": HistGradientBoostingClassifier(min_samples_leaf=1).fit(X, LABELS[::-1]),
    }
    urls = {}
    for name, model in models.items():
        (folder / f"{name}.pkl").write_bytes(pickle.dumps(model))
        urls[name] = start_service(folder / f"{name}.pkl")
    return urls


def compared(
    sides: dict[str, str], a: str, b: str, source: Path, batch_rows: int = 7, most_kept: int = 10
) -> tuple[Differences, Side, Side, list[int]]:
    counts: list[int] = []
    side_a, side_b = (Side(name, ServiceClient(sides[name])) for name in (a, b))
    try:
        found = compare_file(
            side_a,
            side_b,
            source,
            batch_rows=batch_rows,
            tolerance=1e-9,
            most_kept=most_kept,
            on_batch=counts.append,
        )
    finally:
        side_a.client.close()
        side_b.client.close()
    return found, side_a, side_b, counts


def write(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("x0,x1\n" + "".join(f"{row}\n" for row in rows))
    return path


def test_a_service_is_the_same_as_itself(sides: dict[str, str], tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv", [f"{n / 7},{n}" for n in range(40)])

    found, side_a, side_b, counts = compared(sides, "line", "line", source)

    assert found.is_same
    assert (found.rows, found.compared) == (40, 40)
    assert counts == [7, 14, 21, 28, 35, 40]
    assert len(side_a.batch_s) == len(side_b.batch_s) == 5, "the last batch is shorter"


def test_differences_have_the_numbers_of_the_rows(sides: dict[str, str], tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv", [f"1,{n - 20}" for n in range(1, 41)])

    found, *_ = compared(sides, "line", "bent", source, most_kept=3)

    assert (found.labels, found.numbers) == (0, 39)
    assert [one.row for one in found.first_numbers] == [1, 2, 3]
    assert found.largest_absolute is not None
    assert found.largest_absolute.row == 40
    assert found.largest_absolute.absolute == pytest.approx(2e-5)


def test_labels_that_differ_are_counted(sides: dict[str, str], tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv", ["1,5", "3,3", "5,1", "2,4"])

    found, *_ = compared(sides, "trees", "turned", source, batch_rows=2)

    assert [(one.row, one.a, one.b) for one in found.first_labels] == [
        (1, "low", "high"),
        (3, "high", "low"),
        (4, "low", "high"),
    ]
    assert found.labels == 3


@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_rows_that_one_refuses_are_found_among_the_others(
    sides: dict[str, str], tmp_path: Path, batch_rows: int
) -> None:
    """Linear models take no missing values; the text is refused by both."""
    rows = ["2,4"] * 100
    rows[10] = rows[11] = rows[90] = "2,"
    rows[50] = "big,4"
    source = write(tmp_path / "rows.csv", rows)

    found, *_ = compared(sides, "trees", "line", source, batch_rows=batch_rows)

    assert (found.rows, found.compared) == (100, 96)
    assert (found.a_refused, found.b_refused, found.both_refused) == (0, 3, 1)
    assert [one.row for one in found.first_refused] == [11, 12, 91]
    assert isinstance(found.first_refused[0].b, Refusal)
    assert "x1" in found.first_refused[0].b.message


def test_many_refused_rows_are_all_found(sides: dict[str, str], tmp_path: Path) -> None:
    """The service lists 50 of the wrong values, and counts the others."""
    source = write(tmp_path / "rows.csv", ["2,", "2,4"] * 300)

    found, *_ = compared(sides, "trees", "line", source, batch_rows=600)

    assert (found.b_refused, found.compared) == (300, 300)


def test_a_file_without_a_row_to_compare_is_an_error(sides: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(InferError, match="has no rows"):
        compared(sides, "line", "bent", write(tmp_path / "rows.csv", []))

    with pytest.raises(InferError, match="line and bent refuse every row") as refused:
        compared(sides, "line", "bent", write(tmp_path / "rows.csv", ["big,4"]))

    assert "x0" in str(refused.value.detail)


def test_a_file_without_a_column_is_an_error_that_names_the_service(
    sides: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")

    with pytest.raises(InferError) as refused:
        compared(sides, "line", "trees", tmp_path / "rows.csv")

    assert refused.value.message == f"for line: {tmp_path / 'rows.csv'} has no column x0, x1"


def test_a_service_that_does_not_answer_is_an_error(sides: dict[str, str], tmp_path: Path) -> None:
    source = write(tmp_path / "rows.csv", ["1,2"])

    with pytest.raises(PredictionFailed, match="did not answer"):
        compared({**sides, "gone": "http://127.0.0.1:1"}, "line", "gone", source)


def test_a_column_that_one_model_alone_has_is_left_out_for_that_one() -> None:
    more = ServedModel("regressor", {"a": ServedFeature(), "b,c": ServedFeature(), "d": ServedFeature()}, "")
    less = ServedModel("regressor", {"a": ServedFeature()}, "")

    assert _left_out(["d", "b,c"], more, less) == ["d", "b,c"]
    assert _left_out(["d", "b,c"], less, more) == []
    assert _left_out(["a,e"], less, more) == ["a", "e"], "an unknown name is left to be refused"
