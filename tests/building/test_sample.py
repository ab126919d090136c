from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from infer_cli.building.sample import declared_with_sample, read_sample
from infer_cli.inspection import Declared, DeclaredFeature, declared_by_options, inspect_model

if TYPE_CHECKING:
    from pathlib import Path

ROWS = [
    {"id": 1, "n": 1.5, "k": 7, "yes": True, "word": "a", "gap": 3, "mixed": 1},
    {"id": 2, "n": -2.0, "k": 2**53 + 1, "yes": False, "word": "b", "gap": None, "mixed": "x"},
]


def named(features: list[DeclaredFeature]) -> dict[str, tuple[str | None, str | None]]:
    return {feature.name: (feature.type, feature.dtype) for feature in features}


@pytest.mark.parametrize("ending", ["csv", "jsonl", "json", "parquet"])
def test_a_sample_tells_the_types_of_its_columns(tmp_path: Path, ending: str) -> None:
    file = tmp_path / f"rows.{ending}"
    rows = [{**row, "prediction": 1, "probability_yes": 0.5} for row in ROWS]
    if ending == "csv":
        pd.DataFrame(rows).astype(object).to_csv(file, index=False)
    elif ending == "jsonl":
        file.write_text("\n".join(map(json.dumps, rows)))
    elif ending == "json":
        file.write_text(json.dumps(rows))
    else:
        rows = [{name: value for name, value in row.items() if name != "mixed"} for row in rows]
        pd.DataFrame(rows).assign(gap=pd.array([3, None], dtype="Int64")).to_parquet(file)

    sample = read_sample(file)

    expected = {
        "id": ("number", "int64"),
        "n": ("number", "float64"),
        "k": ("number", "int64"),
        "yes": ("boolean", None),
        "word": ("text", None),
        "gap": ("number", "float64"),
        "mixed": (None, None),
    }
    if ending == "parquet":
        del expected["mixed"]
    assert named(sample) == expected
    assert {feature.name: feature.example for feature in sample} == {name: ROWS[0][name] for name in expected}
    assert [(feature.low, feature.high) for feature in sample if feature.name == "n"] == [(-2.0, 1.5)]


def test_words_for_missing_values_are_gaps_among_numbers_and_booleans_of_a_csv(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("n,yes,country,all\n1,True,NO,NA\nNA,N/A,NA,NA\n nan ,,SE,null\n")

    sample = read_sample(file)

    assert named(sample) == {
        "n": ("number", "float64"),
        "yes": ("boolean", None),
        "country": ("text", None),
        "all": ("text", None),
    }


def test_dates_are_known_where_the_file_has_types(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pd.DataFrame({"day": pd.to_datetime(["2026-01-31"])}).to_parquet(file)

    assert read_sample(file) == [DeclaredFeature("day", "date", example="2026-01-31T00:00:00")]


def test_only_columns_of_the_model_are_taken(tmp_path: Path, iris_folder: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("id,slength,swidth,plength,pwidth,prediction\n9,5.1,3.5,1.4,0.2,setosa\n")

    declared = declared_with_sample(iris_folder / "model.pkl", file, declared_by_options(optional="pwidth"))

    assert declared.names == ["slength", "swidth", "plength", "pwidth"]
    assert declared.optional == ("pwidth",)
    assert declared.features[0].example == 5.1
    assert inspect_model(iris_folder / "model.pkl", declared).features is not None


def test_what_is_declared_stays(tmp_path: Path, iris_folder: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("slength,swidth,plength,pwidth\n5,3,1,0\n")
    given = Declared((DeclaredFeature("pwidth", "number", "float32", example=0.3),))

    declared = declared_with_sample(iris_folder / "model.pkl", file, given)

    features = {feature.name: feature for feature in declared.features}
    assert features["pwidth"] == DeclaredFeature("pwidth", "number", "float32", low=0, high=0, example=0.3)
    assert features["swidth"].dtype == "int64"


def test_the_type_of_a_column_that_the_model_does_not_know_is_filled(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 1.0]})
    model = make_pipeline(FunctionTransformer(validate=False), LinearRegression()).fit(frame, [1, 2, 3])
    file, rows = tmp_path / "model.pkl", tmp_path / "rows.csv"
    file.write_bytes(pickle.dumps(model))
    frame.to_csv(rows, index=False)

    declared = declared_with_sample(file, rows)

    assert named(list(declared.features)) == {"a": ("number", "int64"), "b": ("number", "float64")}
