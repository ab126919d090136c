from __future__ import annotations

import io
import json
import math
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.bulk import PredictedFile, predict_file
from infer_cli.client.predictions import Predictions
from infer_cli.client.served_model import ServedFeature, ServedModel
from infer_cli.client.service_client import ServiceClient
from infer_cli.errors import InferError, PredictionFailed
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
            raise PredictionFailed("one value is wrong", hint="as the service says")
        return Predictions([row["size"] for row in rows], None, self.warnings, self.non_finite)


def predict(client: Client, source: Path, target: Path, batch_rows: int = 10) -> PredictedFile:
    return predict_file(
        client,
        source,
        target,
        standard_output=io.StringIO(),
        batch_rows=batch_rows,
        on_batch=lambda _: None,
    )


def predict_to_stdout(client: Client, source: Path, batch_rows: int = 2) -> tuple[str, list[int]]:
    """Predict a file; gives what was written, and the counts that were reported."""
    written = io.StringIO()
    counts: list[int] = []
    total = predict_file(
        client, source, None, standard_output=written, batch_rows=batch_rows, on_batch=counts.append
    )
    assert total.rows == (counts[-1] if counts else 0)
    return written.getvalue(), counts


def test_rows_are_sent_in_batches_with_the_types_of_the_features(tmp_path: Path) -> None:
    client, source = Client(), tmp_path / "rows.csv"
    source.write_text("id,size,code,wet\n1,1.5,007,0\n2,2,b,\n3,3,c,true\n")

    _, counts = predict_to_stdout(client, source)

    assert client.batches == [
        (1, [{"size": 1.5, "code": "007", "wet": False}, {"size": 2, "code": "b", "wet": None}]),
        (3, [{"size": 3, "code": "c", "wet": True}]),
    ]
    assert counts == [2, 3]


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

    assert predict_to_stdout(client, source) == ("", [])
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

    assert predicted == PredictedFile(
        3,
        (
            "1 row has categories the model does not know: code (1)",
            "1 value of the answers is not finite: -inf (1)",
        ),
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
        predict(Client(), source, target)

    assert (raised.value.message, raised.value.hint) == (f"{source}: one value is wrong", hint)
    assert not target.exists()
