"""`infer predict` against a running service."""

from __future__ import annotations

import csv
import json
import random
import shlex
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pexpect
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
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


def test_a_refused_row_goes_to_a_file_of_its_own(
    infer: Callable[..., Finished], lasting_service: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("slength,swidth,plength,pwidth\n5.1,3.5,1.4,0.2\n1,2,oops,4\n6.7,3,5.2,2.3\n")

    finished = infer("predict", lasting_service, "--input", str(source), "--output", str(target))
    record = infer("predict", lasting_service, "-i", str(source), "-o", str(target), "--json").record

    assert finished.exit_code == 3
    assert finished.stdout.splitlines() == [
        f"Wrote 2 predictions to {target}",
        f"1 row was refused; the reasons are in {tmp_path / 'out.rejected.csv'}",
    ]
    assert [line.split(",")[4] for line in target.read_text().splitlines()[1:]] == ["setosa", "virginica"]
    assert (tmp_path / "out.rejected.csv").read_text() == (
        'row,reason,slength,swidth,plength,pwidth\n2,"plength is not a number: ""oops""",1,2,oops,4\n'
    )
    assert (record["rows"], record["refused"]) == (2, 1)
    assert record["rejected"] == str(tmp_path / "out.rejected.csv")


def _begin(words: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """Start a prediction, and wait until it has saved something further."""
    state = folder / "out.csv.unfinished" / "state.json"
    before = state.read_text() if state.exists() else None
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not state.exists() or state.read_text() == before:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process


def test_a_run_that_is_killed_or_interrupted_goes_on_to_the_same_bytes(
    infer: Callable[..., Finished], infer_program: tuple[str, ...], lasting_service: str, tmp_path: Path
) -> None:
    source, whole, target = tmp_path / "in.csv", tmp_path / "whole.csv", tmp_path / "out.csv"
    chance = random.Random(7)  # noqa: S311 (flowers, and moments)
    with source.open("w") as file:
        file.write("slength,swidth,plength,pwidth\n")
        for number in range(120_000):
            values = [round(chance.uniform(0.1, 7), 1) for _ in range(4)]
            file.write(",".join(map(str, values)) + ("wide\n" if number % 5000 == 7 else "\n"))
    options = ("predict", lasting_service, "--input", str(source), "--batch", "20")
    assert infer(*options, "--output", str(whole)).exit_code == 3
    words = [*infer_program, *options, "--output", str(target)]

    with _begin(words, tmp_path) as process:
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
    assert process.returncode == -signal.SIGKILL
    with _begin(words, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    finished = infer(*words[len(infer_program) :])

    assert process.returncode == 130
    assert f"kept in {target}.unfinished, and the same command goes on" in said
    assert finished.exit_code == 3
    assert "rows are done already: going on behind them" in finished.stderr
    assert target.read_bytes() == whole.read_bytes()
    assert (tmp_path / "out.rejected.csv").read_bytes() == (tmp_path / "whole.rejected.csv").read_bytes()
    assert not (tmp_path / "out.csv.unfinished").exists()


def test_a_service_that_is_gone_leaves_what_is_done_for_the_next(
    infer: Callable[..., Finished], infer_program: tuple[str, ...], iris_service: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("slength,swidth,plength,pwidth\n" + 60_000 * "5.1,3.5,1.4,0.2\n")
    options = ("predict", iris_service, "-i", str(source), "-o", str(target), "--batch", "20")

    with _begin([*infer_program, *options, "--retry-for", "0.5"], tmp_path) as process:
        assert infer("restart", iris_service).exit_code == 0
        _, said = process.communicate()
    went_on = process.returncode == 0
    finished = infer(*options)

    # A service that is back soon enough is only waited for.
    assert went_on or (process.returncode == 1 and "rows are done, and kept in" in said)
    assert finished.exit_code == 0
    assert went_on or "rows are done already" in finished.stderr
    assert len(target.read_text().splitlines()) == 60_001


def test_a_wrong_row_is_named_and_no_file_is_left(
    infer: Callable[..., Finished], lasting_service: str, tmp_path: Path
) -> None:
    (tmp_path / "in.csv").write_text("slength,swidth,plength,pwidth\n1,2,3,4\n1,2,oops,4\n")

    paths = ("--input", str(tmp_path / "in.csv"), "--output", str(tmp_path / "out.csv"))
    refused = infer("predict", lasting_service, *paths, "--strict")

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
