from __future__ import annotations

import json
import pickle
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from infer_cli.building.sample import declared_with_sample, read_sample
from infer_cli.errors import UsageError
from infer_cli.inspection import Declared, DeclaredFeature, declared_by_options, inspect_model
from infer_cli.inspection.facts.declared import parse_declared
from infer_cli.terminal.command_line import remember
from service.schema.declared import parse_declared as parse_in_the_service

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


def test_many_rows_tell_how_numbers_are_distributed(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("n,word,same\n" + "".join(f"{at % 100},w{at},7\n" for at in range(1000)))

    n, word, same = read_sample(file)

    assert n.distribution is not None
    assert n.distribution.edges == (0, 9, 19, 29, 39, 49, 59, 69, 79, 89, 99)
    assert n.distribution.shares == pytest.approx([0.1] * 10)
    assert (word.distribution, same.distribution) == (None, None)
    declared = Declared(features=(n,))
    assert parse_declared(json.loads(json.dumps(declared.as_dict()))) == declared
    (read,) = parse_in_the_service(declared.as_dict()).features
    assert read.distribution is not None
    assert tuple(read.distribution) == tuple(n.distribution)


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


IRIS_ROWS = "slength,swidth,plength,pwidth,species\n5,3,1,0.2,setosa\n7,3,5,2.0,virginica\n"


class OwnStep(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    def fit(self, _rows: object, _labels: object = None) -> OwnStep:
        self.fitted_ = True
        return self

    def transform(self, rows: object) -> object:
        return rows


def nameless_model(tmp_path: Path, labels: list[object]) -> Path:
    """A model that begins with a step of its own, which keeps no list of its columns."""
    model = make_pipeline(OwnStep(), LogisticRegression()).fit([[1.0], [2.0], [3.0], [4.0]], labels)
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(model))
    return file


@pytest.mark.parametrize(
    ("labels", "rows", "names", "said"),
    [
        pytest.param(
            ["setosa", "virginica"],
            IRIS_ROWS,
            ["slength", "swidth", "plength", "pwidth"],
            "not species, which holds the classes of the model",
            id="a column of the classes",
        ),
        pytest.param(
            ["setosa", "virginica"],
            "before,after\nsetosa,virginica\nvirginica,setosa\n",
            ["before", "after"],
            "if one of them holds the answers",
            id="two columns of the classes",
        ),
        pytest.param(
            [0, 1],
            "age,ill\n5,0\n7,1\n",
            ["age", "ill"],
            "if one of them holds the answers",
            id="classes that are numbers",
        ),
        pytest.param(
            ["setosa", "virginica"],
            "a,near\n5,setosa\n7,setosa\n",
            ["a", "near"],
            "if one of them holds the answers",
            id="one class alone",
        ),
        pytest.param([0, 1], "a,b,prediction\n5,0,0\n", ["a", "b"], None, id="answers with their own name"),
    ],
)
def test_of_a_model_without_a_list_of_columns_it_is_said_what_was_taken(
    tmp_path: Path, labels: list[object], rows: str, names: list[str], said: str | None
) -> None:
    model, examples = nameless_model(tmp_path, labels * 2), tmp_path / "rows.csv"
    examples.write_text(rows)
    notes: list[str] = []

    declared = declared_with_sample(model, examples, note=notes.append)

    assert declared.names == names
    assert len(notes) == (said is not None)
    if said is not None:
        assert said in notes[0]
        assert f"from {examples}: {', '.join(names)}" in notes[0]
        assert "--features" in notes[0]


def test_columns_that_were_named_need_no_word(tmp_path: Path) -> None:
    model, examples = nameless_model(tmp_path, [0, 1] * 2), tmp_path / "rows.csv"
    examples.write_text("age,ill\n5,0\n7,1\n")
    notes: list[str] = []

    declared = declared_with_sample(model, examples, declared_by_options(features="age"), notes.append)

    assert (declared.names, notes) == (["age"], [])


def test_for_a_model_fitted_without_names_the_option_names_the_columns_of_the_rows(tmp_path: Path) -> None:
    labels = ["setosa", "virginica"]
    model, examples = tmp_path / "model.pkl", tmp_path / "rows.csv"
    model.write_bytes(pickle.dumps(LogisticRegression().fit([[5, 3, 1, 0], [7, 3, 5, 2]], labels)))
    examples.write_text(IRIS_ROWS)
    remember(["build", str(model), "--examples", str(examples)])

    with pytest.raises(UsageError, match="fitted without the names of its 4 columns") as raised:
        declared_with_sample(model, examples)

    command = f"infer build {model} --examples {examples} --features slength,swidth,plength,pwidth"
    assert raised.value.hint == f"name its columns, in the order of the training: `{command}`"
    named_by_option = declared_by_options(features="slength,swidth,plength,pwidth")
    assert declared_with_sample(model, examples, named_by_option).names == [
        "slength",
        "swidth",
        "plength",
        "pwidth",
    ]


def test_for_a_table_with_too_few_columns_the_made_up_names_are_told(tmp_path: Path) -> None:
    model, examples = tmp_path / "model.pkl", tmp_path / "rows.csv"
    model.write_bytes(pickle.dumps(LinearRegression().fit([[5, 3], [7, 1]], [1, 2])))
    examples.write_text("a\n1\n")

    with pytest.raises(UsageError) as raised:
        declared_with_sample(model, examples)

    assert raised.value.hint == "call the columns x0, x1, in the order of the training"
