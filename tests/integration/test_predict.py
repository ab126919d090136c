"""`infer predict` against a running service."""

from __future__ import annotations

import csv
import json
import shlex
from typing import TYPE_CHECKING

import pexpect
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished
    from tests.integration.untyped import Estimator

_VALUES = ("slength=1.5", "swidth=0.7", "plength=1.3", "pwidth=0.3")


def _rows(iris_model: Estimator, count: int) -> tuple[list[dict[str, float]], list[str]]:
    """Some rows, and the labels that the model predicts for them."""
    import pandas as pd  # noqa: PLC0415 (slow to import)

    rows = [
        {"slength": 4 + n % 4, "swidth": 2 + n % 3, "plength": 1 + n % 6, "pwidth": (n % 25) / 10}
        for n in range(count)
    ]
    return rows, list(iris_model.predict(pd.DataFrame(rows)))


def test_one_row_is_predicted(infer: Callable[..., Finished], lasting_service: str) -> None:
    assert infer("predict", lasting_service, *_VALUES).stdout.startswith("setosa\n")

    record = infer("predict", lasting_service, *_VALUES, "--json").record
    assert record["prediction"] == "setosa"
    assert list(record["probabilities"]) == ["setosa", "versicolor", "virginica"]


def test_every_wrong_value_is_named(infer: Callable[..., Finished], lasting_service: str) -> None:
    refused = infer("predict", lasting_service, "slength=wide", "swidth=0.7", "plength=1.3", "colour=red")

    assert refused.exit_code == 1
    for wrong in ("slength", "pwidth", "colour"):
        assert wrong in refused.stderr


def test_a_csv_file_gets_predictions_beside_its_columns(
    infer: Callable[..., Finished], lasting_service: str, iris_model: Estimator, tmp_path: Path
) -> None:
    rows, expected = _rows(iris_model, 2500)
    with (tmp_path / "in.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, ["id", *rows[0]])
        writer.writeheader()
        writer.writerows({"id": f"n{number}", **row} for number, row in enumerate(rows))

    finished = infer(
        "predict", lasting_service, "--input", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv")
    )

    assert finished.exit_code == 0, finished.stderr
    assert "2500" in finished.stdout
    with (tmp_path / "out.csv").open(newline="") as file:
        answers = list(csv.DictReader(file))
    assert [answer["prediction"] for answer in answers] == expected
    assert answers[7]["id"] == "n7"
    assert float(answers[0]["probability_setosa"]) >= 0


@pytest.mark.parametrize("ending", ["jsonl", "parquet"])
def test_json_lines_and_parquet_files_get_predictions(
    infer: Callable[..., Finished], lasting_service: str, iris_model: Estimator, tmp_path: Path, ending: str
) -> None:
    import pandas as pd  # noqa: PLC0415 (slow to import)

    rows, expected = _rows(iris_model, 30)
    source, target = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    if ending == "jsonl":
        source.write_text("\n".join(map(json.dumps, rows)))
    else:
        pd.DataFrame(rows).to_parquet(source)

    finished = infer("predict", lasting_service, "-i", str(source), "-o", str(target), "--batch", "7")

    assert finished.exit_code == 0, finished.stderr
    answers = pd.read_json(target, lines=True) if ending == "jsonl" else pd.read_parquet(target)
    assert list(answers["prediction"]) == expected


def test_a_wrong_row_is_named_and_no_file_is_left(
    infer: Callable[..., Finished], lasting_service: str, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("slength,swidth,plength,pwidth\n1,2,3,4\n1,2,oops,4\n")

    refused = infer(
        "predict", lasting_service, "--input", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv")
    )

    assert refused.exit_code == 1
    assert "plength" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


def test_an_unknown_service_is_an_error(infer: Callable[..., Finished]) -> None:
    refused = infer("predict", "no-such-service", *_VALUES)

    assert refused.exit_code == 1
    assert "no service called" in refused.stderr


def test_rows_reach_a_redirected_output_while_a_terminal_shows_progress(
    infer_program: tuple[str, ...], lasting_service: str, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("slength,swidth,plength,pwidth\n5.1,3.5,1.4,0.2\n")
    command = shlex.join([*infer_program, "predict", lasting_service, "-i", str(tmp_path / "in.csv")])

    child = pexpect.spawn("sh", ["-c", f"{command} > {tmp_path}/out.csv"], encoding="utf-8", timeout=30)
    child.expect(pexpect.EOF)
    child.close()

    assert child.exitstatus == 0
    assert (tmp_path / "out.csv").read_text().splitlines()[1].startswith("5.1,3.5,1.4,0.2,setosa,")


def test_a_missing_column_is_named_before_any_row(
    infer: Callable[..., Finished], lasting_service: str, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("slength,swidth,plength,pwidht\n1,2,3,4\n1,2,3,4\n")

    refused = infer("predict", lasting_service, "-i", str(tmp_path / "in.csv"))

    assert refused.exit_code == 1
    assert "has no column pwidth" in refused.stderr
    assert "it has pwidht; did you mean that? Then rename 'pwidht' to 'pwidth'" in refused.stderr
    assert "row" not in refused.stderr


def test_a_column_called_prediction_is_not_replaced(
    infer: Callable[..., Finished], lasting_service: str, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("slength,swidth,plength,pwidth,prediction\n1.5,0.7,1.3,0.3,old\n")

    predicted = infer("predict", lasting_service, "-i", str(tmp_path / "in.csv"))

    assert predicted.stdout.splitlines()[1].startswith("1.5,0.7,1.3,0.3,old,setosa,")
    assert "the answers called prediction are in the column prediction_2" in predicted.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.csv", "slength;swidth;plength;pwidth\n1.5;0.7;1.3;0.3\n"),
        ("rows.json", '[{"slength": 1.5, "swidth": 0.7, "plength": 1.3, "pwidth": 0.3}]'),
        ("rows.json", '{"rows": [{"slength": 1.5, "swidth": 0.7, "plength": 1.3, "pwidth": 0.3}]}'),
    ],
    ids=["semicolons", "array", "rows"],
)
def test_other_notations_of_rows_are_accepted(
    infer: Callable[..., Finished], lasting_service: str, tmp_path: Path, name: str, content: str
) -> None:
    (tmp_path / name).write_text(content)

    predicted = infer("predict", lasting_service, "--input", str(tmp_path / name))

    assert predicted.exit_code == 0, predicted.stderr
    assert predicted.stdout.splitlines()[1].startswith("1.5,0.7,1.3,0.3,setosa,")


def test_decimal_commas_are_named(
    infer: Callable[..., Finished], lasting_service: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("slength;swidth;plength;pwidth\n1,5;0,7;1,3;0,3\n")

    refused = infer("predict", lasting_service, "--input", str(tmp_path / "rows.csv"))

    assert refused.exit_code == 1
    assert refused.stderr.endswith("hint: write numbers with a point: 1.5, not 1,5\n")
