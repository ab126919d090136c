from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.bulk import BulkOptions, PredictedFile, predict_file
from infer_cli.client.predictions import Predictions
from infer_cli.client.served_model import ServedFeature, ServedModel
from infer_cli.client.service_client import ServiceClient
from infer_cli.errors import InferError, PredictionFailed, RowsRefused
from tests.client.conftest import read_all

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row

FEATURES = {
    "size": ServedFeature("number"),
    "code": ServedFeature("text"),
    "wet": ServedFeature("boolean", required=False),
}


class Client(ServiceClient):
    """Predicts that a row's size is its own; remembers each batch, and refuses a size that is no number."""

    def __init__(self, *, open_code: bool = False) -> None:
        super().__init__("http://localhost:1")
        self.features = {**FEATURES, "code": ServedFeature("text", accepts_others=open_code)}
        self.warnings: list[Row] = []
        self.non_finite: list[Row] = []
        self.batches: list[tuple[int | None, list[Mapping[str, object]]]] = []

    def model(self) -> ServedModel:
        return ServedModel("regressor", self.features, "/prediction?size=1&code=a")

    def predict(self, rows: Sequence[Mapping[str, object]], *, first_row: int | None = None) -> Predictions:
        self.batches.append((first_row, list(rows)))
        if not all(isinstance(row["size"], int | float) for row in rows):
            wrong = [at for at, row in enumerate(rows) if not isinstance(row["size"], int | float)]
            reasons = {at: f"size is not a number: {rows[at]['size']}" for at in wrong}
            raise RowsRefused("one value is wrong", hint="as the service says", by_row=reasons)
        return Predictions([row["size"] for row in rows], None, self.warnings, self.non_finite)


def predict(
    client: Client, source: Path, target: Path, *, batch_rows: int = 10, strict: bool = False
) -> PredictedFile:
    return predict_file(
        [client],
        source,
        target,
        standard_output=io.StringIO(),
        on_rows=lambda *_: None,
        options=BulkOptions(batch_rows=batch_rows, strict=strict),
    )


def predict_to_stdout(client: Client, source: Path, batch_rows: int = 2) -> tuple[str, list[int]]:
    """Predict a file; gives what was written, and the counts that were reported."""
    written = io.StringIO()
    counts: list[int] = []
    total = predict_file(
        [client],
        source,
        None,
        standard_output=written,
        on_rows=lambda done, _: counts.append(done),
        options=BulkOptions(batch_rows=batch_rows),
    )
    assert total.rows == counts[-1]
    return written.getvalue(), counts


def test_rows_are_sent_in_batches_with_the_types_of_the_features(tmp_path: Path) -> None:
    client, source = Client(), tmp_path / "rows.csv"
    source.write_text("id,size,code,wet\n1,1.5,007,0\n2,2,b,\n3,3,c,true\n")

    _, counts = predict_to_stdout(client, source)

    assert client.batches == [
        (1, [{"size": 1.5, "code": "007", "wet": False}, {"size": 2, "code": "b", "wet": None}]),
        (3, [{"size": 3, "code": "c", "wet": True}]),
    ]
    assert counts == [0, 2, 3]


def test_a_csv_of_predictions_repeats_the_cells_as_they_stand(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("id,size,code\n007,1.50,x\n")

    written, _ = predict_to_stdout(Client(), source)

    assert written == "id,size,code,prediction\n007,1.50,x,1.5\n"


def test_another_format_of_predictions_gets_the_types(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "rows.jsonl"
    source.write_text("id,size,code\n007,1.50,x\n")

    predict(Client(), source, target)

    assert json.loads(target.read_text()) == {"id": "007", "size": 1.5, "code": "x", "prediction": 1.5}


def test_json_lines_keep_their_own_types(tmp_path: Path) -> None:
    client, source = Client(), tmp_path / "rows.jsonl"
    source.write_text('{"size": 1, "code": "a"}\n{"size": 2, "code": 5}\n')

    predict_to_stdout(client, source)

    assert client.batches == [(1, [{"size": 1, "code": "a"}, {"size": 2, "code": 5}])]


def test_no_rows_are_no_request(tmp_path: Path) -> None:
    client, source = Client(), tmp_path / "rows.csv"
    source.write_text("size,code\n")

    assert predict_to_stdout(client, source) == ("", [0])
    assert client.batches == []


@pytest.mark.parametrize(
    ("header", "message", "hint"),
    [
        pytest.param(
            "size,coed", "has no column code", "it has coed; did you mean that? Then rename 'coed'", id="near"
        ),
        pytest.param("size,x", "has no column code", "the model takes size, code, wet", id="not near"),
        pytest.param("size ,code", "has no column size", "it has 'size '; did you mean that?", id="a blank"),
        pytest.param(
            "size,code,Wet",
            "has no column wet",
            "it has Wet; did you mean that?",
            id="near what may be absent",
        ),
    ],
)
def test_columns_are_checked_before_a_row_is_sent(
    tmp_path: Path, header: str, message: str, hint: str
) -> None:
    client, source = Client(), tmp_path / "rows.csv"
    source.write_text(f"{header}\n{','.join('1' for _ in header.split(','))}\n")

    with pytest.raises(InferError, match=message) as raised:
        predict_to_stdout(client, source)

    assert str(raised.value.hint).startswith(hint)
    assert client.batches == []


def test_each_row_of_json_lines_is_checked(tmp_path: Path) -> None:
    client, source = Client(), tmp_path / "rows.jsonl"
    source.write_text('{"size": 1, "code": "a"}\n{"Size": 2, "code": "b"}\n')

    with pytest.raises(InferError, match=r"rows\.jsonl, row 2 has no column size$"):
        predict_to_stdout(client, source)

    assert client.batches == []


def test_an_answer_gets_a_name_that_no_column_and_no_feature_has(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("size,code,prediction,prediction_2\n1.5,x,old,older\n")

    written, _ = predict_to_stdout(Client(), source)

    assert written == "size,code,prediction,prediction_2,prediction_3\n1.5,x,old,older,1.5\n"


def test_a_later_row_keeps_a_column_with_the_name_of_an_answer(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"size": 1, "code": "a"}\n{"size": 2, "code": "b", "prediction": 7}\n')

    with pytest.raises(InferError, match="row 2 has a column prediction, which the answer would replace"):
        predict(Client(), source, target, batch_rows=1)

    assert not target.exists()


def test_what_an_answer_remarks_is_written_and_counted(tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text("size,code\n1,a\n2,b\n3,c\n")
    client = Client(open_code=True)
    client.warnings = [{"row": 1, "field": "code", "problem": "unknown_category", "message": "b is new"}]
    client.non_finite = [{"row": 2, "field": "prediction", "value": "-inf"}]

    predicted = predict(client, source, tmp_path / "out.csv")
    predict(client, source, tmp_path / "out.jsonl")
    predict(client, source, tmp_path / "out.parquet")

    assert predicted.rows == 3
    assert predicted.notes == (
        "1 row has categories the model does not know: code (1)",
        "1 value of the answers is not finite: -inf (1)",
    )
    assert (tmp_path / "out.csv").read_text() == (
        "size,code,prediction,warnings\n1,a,1,\n2,b,2,b is new\n3,c,-inf,\n"
    )
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["prediction"] for line in lines] == [1, 2, None]
    assert [line.get("warnings") for line in lines] == [
        None,
        [{"field": "code", "problem": "unknown_category", "message": "b is new"}],
        None,
    ]
    assert [line.get("non_finite") for line in lines] == [
        None,
        None,
        [{"field": "prediction", "value": "-inf"}],
    ]
    assert [row["prediction"] for row in read_all(tmp_path / "out.parquet")] == [1, 2, -math.inf]


@pytest.mark.parametrize(
    ("content", "hint"),
    [
        pytest.param("size;code\n1,5;a\n", "write numbers with a point: 1.5, not 1,5", id="decimal comma"),
        pytest.param("size;code\nbig;1,5\n", "as the service says", id="a comma elsewhere"),
    ],
)
def test_a_refusal_names_the_file_and_decimal_commas(tmp_path: Path, content: str, hint: str) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text(content)

    with pytest.raises(PredictionFailed) as raised:
        predict(Client(), source, target, strict=True)

    assert (raised.value.message, raised.value.hint) == (f"{source}: one value is wrong", hint)
    assert not target.exists()


def test_refused_rows_go_to_a_file_of_their_own_and_the_others_are_predicted(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text("id;size;code\n1;1.50;007\n2;big;b\n3;3;c\n4;4;d\n5;5,5;e\n6;6;f\n")

    predicted = predict(Client(), source, target, batch_rows=2)

    assert (predicted.rows, predicted.refused, predicted.rejected) == (4, 2, tmp_path / "out.rejected.csv")
    assert target.read_text() == "id,size,code,prediction\n1,1.50,007,1.5\n3,3,c,3\n4,4,d,4\n6,6,f,6\n"
    assert (tmp_path / "out.rejected.csv").read_text() == (
        "row,reason,id,size,code\n"
        "2,size is not a number: big,2,big,b\n"
        '5,"size is not a number: 5,5 (write numbers with a point: 1.5, not 1,5)",5,"5,5",e\n'
    )


def test_a_row_that_cannot_be_sent_is_a_refused_row(tmp_path: Path) -> None:
    client, source, target = Client(), tmp_path / "rows.jsonl", tmp_path / "out.jsonl"
    source.write_text(
        '{"size": 1, "code": "a"}\n{"Size": 2, "code": "b"}\n{"size": "x", "code": "c"}\n'
        '{"size": 4, "code": "d", "other": [1]}\n'
    )

    predicted = predict(client, source, target)

    assert (predicted.rows, predicted.refused) == (2, 2)
    assert [json.loads(line) for line in target.read_text().splitlines()] == [
        {"size": 1, "code": "a", "prediction": 1},
        {"size": 4, "code": "d", "other": [1], "prediction": 4},
    ]
    assert [json.loads(line) for line in (tmp_path / "out.rejected.jsonl").read_text().splitlines()] == [
        {"row": 2, "reason": "it has no column size", "Size": 2, "code": "b"},
        {"row": 3, "reason": "size is not a number: x", "size": "x", "code": "c"},
    ]
    # Row 2 was never sent, row 3 not twice.
    assert [[row["size"] for row in rows] for _, rows in client.batches] == [[1, "x", 4], [1], [4]]


def test_a_cell_that_reads_in_two_ways_is_a_refused_row(tmp_path: Path) -> None:
    client, source, target = Client(), tmp_path / "rows.csv", tmp_path / "out.csv"
    client.features["code"] = ServedFeature("text", needs_types=True)
    source.write_text("size,code\n1,true\n2,b\n")

    assert predict(client, source, target).refused == 1
    assert "1,code may be a text or a boolean: 'true'" in (tmp_path / "out.rejected.csv").read_text()
    with pytest.raises(InferError, match=r"rows\.csv, row 1: code may be a text or a boolean"):
        predict(client, source, target, strict=True)


def test_a_file_without_good_rows_has_no_predictions(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text("size,code\nbig,a\nlarge,b\n")

    assert predict(Client(), source, target).rows == 0
    assert target.read_text() == ""


def test_an_older_file_of_refused_rows_does_not_stay(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text("size,code\nbig,a\n2,b\n")
    predict(Client(), source, target)
    source.write_text("size,code\n2,b\n")

    predict(Client(), source, target)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "rows.csv"]


def test_rows_on_standard_output_end_at_a_refused_row_unless_it_has_a_file(tmp_path: Path) -> None:
    source, rejected = tmp_path / "rows.csv", tmp_path / "bad.jsonl"
    source.write_text("size,code\n1,a\nbig,b\n3,c\n")
    written = io.StringIO()

    with pytest.raises(RowsRefused, match="one value is wrong"):
        predict_to_stdout(Client(), source)
    predicted = predict_file(
        [Client()],
        source,
        None,
        standard_output=written,
        on_rows=lambda *_: None,
        options=BulkOptions(rejected=rejected),
    )

    assert (predicted.rows, predicted.refused) == (2, 1)
    assert written.getvalue() == "size,code,prediction\n1,a,1\n3,c,3\n"
    assert json.loads(rejected.read_text())["row"] == 2


WRONG_LINES = {
    "csv": ("size,code\n1,a\n2,b,c,d\n3\n4,d\n", "expected 2 values, as in the line of the column names"),
    "jsonl": ('{"size": 1, "code": "a"}\n[2]\n{"size": 3,\n{"size": 4, "code": "d"}\n', "is not"),
}


@pytest.mark.parametrize("ending", WRONG_LINES)
def test_a_line_that_is_no_row_is_refused_with_all_that_it_says(tmp_path: Path, ending: str) -> None:
    content, reason = WRONG_LINES[ending]
    source, target = tmp_path / f"rows.{ending}", tmp_path / "out.jsonl"
    source.write_text(content)

    predicted = predict(Client(), source, target)

    assert (predicted.rows, predicted.refused) == (2, 2)
    assert [json.loads(line)["size"] for line in target.read_text().splitlines()] == [1, 4]
    [first, second] = read_all(tmp_path / f"out.rejected.{ending}")
    assert reason in str(first["reason"])
    assert str(second.pop("reason")).startswith(
        "line 4: expected" if ending == "csv" else "line 3 is not JSON"
    )
    kept = {"row": 3, "size": 3, "code": None} if ending == "csv" else {"row": 3, "line": '{"size": 3,'}
    assert second == kept
    assert first["code" if ending == "csv" else "line"] == ("b,c,d" if ending == "csv" else "[2]")


@pytest.mark.parametrize("ending", WRONG_LINES)
def test_a_strict_run_ends_at_a_wrong_line_and_leaves_nothing(tmp_path: Path, ending: str) -> None:
    """The input must be changed, so that there is nothing to go on with."""
    source, target = tmp_path / f"rows.{ending}", tmp_path / "out.csv"
    source.write_text(WRONG_LINES[ending][0])

    with pytest.raises(InferError, match=rf"rows\.{ending}, line [23]"):
        predict(Client(), source, target, batch_rows=1, strict=True)

    assert list(tmp_path.iterdir()) == [source]


def test_a_csv_that_cannot_be_read_further_leaves_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "rows.csv", tmp_path / "out.csv"
    source.write_text('size,code\n1,a\n2,"b" c\n3,d\n')

    with pytest.raises(InferError, match=r"rows\.csv, line 3: "):
        predict(Client(), source, target, batch_rows=1)

    assert list(tmp_path.iterdir()) == [source]
