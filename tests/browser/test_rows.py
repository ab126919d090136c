"""Many rows at once, as CSV."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    Serve = Callable[..., str]
    Visit = Callable[..., Page]

DROP = """([text, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/csv" }));
  for (const name of ["dragover", "drop"]) {
    const options = { dataTransfer: data, bubbles: true, cancelable: true };
    document.body.dispatchEvent(new DragEvent(name, options));
  }
}"""


def test_a_dropped_file_is_answered_and_the_answers_are_downloaded(
    iris_model: Any, serve: Serve, visit: Visit, tmp_path: Path, shortcomings: Callable[[Page], list[str]]
) -> None:
    page = visit(serve(iris_model))
    lines = ["id,slength,swidth,plength,pwidth"]
    lines += [f"{number},{5 + number / 1000},3.5,{1 + number / 300},0.2" for number in range(1200)]
    lines[3] = "2,wide,3.5,1.4,"

    page.evaluate(DROP, ["\ufeff" + "\r\n".join(lines) + "\r\n", "flowers.csv"])

    expect(page.locator("#progress")).to_have_text("1199 of 1200 rows answered, 1 refused. Left out: id.")
    expect(page.locator("#table tbody tr")).to_have_count(200)
    expect(page.locator("#table tr.refused")).to_contain_text(
        'slength is not a number: "wide"; pwidth is missing'
    )
    assert shortcomings(page) == []
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download as CSV").click()
    file = tmp_path / "answers.csv"
    downloading.value.save_as(file)
    answers = pd.read_csv(file, dtype=str, keep_default_na=False)
    assert list(answers) == [
        *("id", "slength", "swidth", "plength", "pwidth", "prediction"),
        *("probability_setosa", "probability_versicolor", "probability_virginica", "error"),
    ]
    assert list(answers.loc[2][["slength", "prediction", "error"]]) == [
        *("wide", "", 'slength is not a number: "wide"; pwidth is missing'),
    ]
    answered = answers.drop(2)
    table = answered[["slength", "swidth", "plength", "pwidth"]].astype(float)
    assert list(answered["prediction"]) == list(iris_model.predict(table))
    assert answered["probability_setosa"].astype(float).to_numpy() == pytest.approx(
        iris_model.predict_proba(table)[:, 0], abs=1e-12
    )


def test_pasted_rows_of_every_type(many_kinds: Any, mixed_frame: Any, serve: Serve, visit: Visit) -> None:
    page = visit(serve(many_kinds))
    page.get_by_role("button", name="Begin with the inputs above").click()
    expect(page.locator("#csv")).to_have_value(
        "age,income,town,zip,size,rooms,member,since,note,unused\r\n"
        "40.9,5370,A & B,007,L,1,false,2022-12-14,some text,\r\n".replace("\r\n", "\n")
    )
    table = mixed_frame.drop(columns="unused")

    page.locator("#csv").fill(table.to_csv(index=False, sep=";", quoting=csv.QUOTE_MINIMAL))
    page.get_by_role("button", name="Predict rows").click()

    expect(page.locator("#progress")).to_have_text("60 of 60 rows answered. Not in the table: unused.")
    shown = page.locator("#table td.prediction").evaluate_all("cells => cells.map(cell => cell.title)")
    assert shown == list(many_kinds.predict(mixed_frame))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,2\n", "No column of the table is one of the model's: slength, swidth, plength, pwidth."),
        ("slength,swidth\n", "The table needs a header and at least one row."),
        ("", "The table needs a header and at least one row."),
    ],
)
def test_what_is_no_table_of_the_model(
    text: str, expected: str, iris_model: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(serve(iris_model))
    page.locator("#csv").fill(text)

    page.get_by_role("button", name="Predict rows").click()

    expect(page.locator("#progress")).to_have_text(expected)


def test_a_line_with_other_cells_than_the_header_is_refused(
    iris_model: Any, serve: Serve, visit: Visit
) -> None:
    page = visit(serve(iris_model))
    page.locator("#csv").fill("slength\tswidth\tplength\tpwidth\n1\t2\t3\n5\t3\t1\t0.2\n")

    page.get_by_role("button", name="Predict rows").click()

    expect(page.locator("#progress")).to_have_text("1 of 2 rows answered, 1 refused.")
    expect(page.locator("#table tr.refused")).to_contain_text("3 cells, and 4 in the header")
