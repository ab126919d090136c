from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.bulk import predict_file, prediction_columns
from infer_cli.client.service_client import Predictions, ServedFeature, ServedModel, ServiceClient
from infer_cli.errors import InferError, PredictionFailed

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

    def __init__(self) -> None:
        super().__init__("http://localhost:1")
        self.batches: list[tuple[int | None, list[Mapping[str, object]]]] = []

    def model(self) -> ServedModel:
        return ServedModel("regressor", FEATURES, "/prediction?size=1&code=a")

    def predict(self, rows: Sequence[Mapping[str, object]], *, first_row: int | None = None) -> Predictions:
        self.batches.append((first_row, list(rows)))
        if not all(isinstance(row["size"], int | float) for row in rows):
            raise PredictionFailed("one value is wrong", hint="as the service says")
        return Predictions([row["size"] for row in rows], None)


def predict_to_stdout(client: Client, source: Path, batch_rows: int = 2) -> tuple[str, list[int]]:
    """Predict a file; gives what was written, and the counts that were reported."""
    written = io.StringIO()
    counts: list[int] = []
    total = predict_file(
        client, source, None, standard_output=written, batch_rows=batch_rows, on_batch=counts.append
    )
    assert total == (counts[-1] if counts else 0)
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

    predict_file(
        Client(), source, target, standard_output=io.StringIO(), batch_rows=10, on_batch=lambda _: None
    )

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
            "size,coed", "has no column code", "it has coed; did you mean that? the model takes", id="near"
        ),
        pytest.param("size,x", "has no column code", "the model takes size, code, wet", id="not near"),
        pytest.param(
            "size,code,prediction", "has a column called prediction", "rename it", id="a column of ours"
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
        predict_file(
            Client(), source, target, standard_output=io.StringIO(), batch_rows=10, on_batch=lambda _: None
        )

    assert (raised.value.message, raised.value.hint) == (f"{source}: one value is wrong", hint)
    assert not target.exists()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(Predictions([], None), [], id="no rows"),
        pytest.param(
            Predictions([1.5, 2], None), [{"prediction": 1.5}, {"prediction": 2}], id="no probabilities"
        ),
        pytest.param(
            Predictions(["a"], [{"a": 0.75, "b": 0.25}]),
            [{"prediction": "a", "probability_a": 0.75, "probability_b": 0.25}],
            id="probabilities by class",
        ),
        pytest.param(
            Predictions([["a", "c"]], [[{"a": 0.75}, {"c": 1.0}]]),
            [{"prediction": ["a", "c"], "probabilities": '[{"a": 0.75}, {"c": 1.0}]'}],
            id="several outputs",
        ),
    ],
)
def test_answers_become_columns(answer: Predictions, expected: list[Row]) -> None:
    assert prediction_columns(answer) == expected
