from __future__ import annotations

import hashlib
import json
import pickle
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import sklearn

from infer_cli.commands.inspect import _describe, _features, _names
from infer_cli.inspection import Feature, inspect_model
from infer_cli.terminal import output
from tests.inspection.formats.test_compiled import SOUND

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished


def test_a_person_reads_what_the_file_holds(infer: Callable[..., Finished], iris_folder: Path) -> None:
    file = iris_folder / "model.pkl"

    finished = infer("inspect", str(file))

    lines = finished.stdout.splitlines()
    assert finished.exit_code == 0
    assert lines[0].startswith(f"{file}  (pickle, ")
    assert lines[1] == f"digest:    sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"
    assert lines[2:][:3] == [
        "kind:      classifier",
        "features:  slength, swidth, plength, pwidth",
        "classes:   setosa, versicolor, virginica",
    ]
    assert lines[5:9] == [
        "estimator:",
        "  Pipeline",
        "    standardscaler: StandardScaler",
        "    logisticregression: LogisticRegression",
    ]
    assert f"  scikit-learn=={sklearn.__version__}  (recorded in the file)" in lines[9:]


def test_a_script_gets_one_object(infer: Callable[..., Finished], iris_folder: Path) -> None:
    record = infer("inspect", str(iris_folder), "--json").record

    assert record["path"] == str(iris_folder / "model.pkl")
    assert record["kind"] == "classifier"
    assert record["feature_names"] == ["slength", "swidth", "plength", "pwidth"]


def test_versions_are_shown_with_their_sources(infer: Callable[..., Finished], iris_folder: Path) -> None:
    here = infer("inspect", str(iris_folder), VIRTUAL_ENV=sys.prefix)
    elsewhere = infer("inspect", str(iris_folder), "--no-environment", VIRTUAL_ENV=sys.prefix)
    record = infer("inspect", str(iris_folder), "--json", VIRTUAL_ENV=sys.prefix).record

    numpy = f"  numpy=={np.__version__}  (the current environment; deduced >=2: NumPy 2 saved the file)\n"
    assert numpy in here.stdout
    assert f"\ncurrent environment: {sys.prefix} (Python " in here.stdout
    assert "  numpy>=2  (deduced: NumPy 2 saved the file)\n" in elsewhere.stdout
    assert "current environment" not in elsewhere.stdout
    assert record["environment"] == sys.prefix
    assert [(need["package"], need["version"], need["source"]) for need in record["needs"]] == [
        ("numpy", np.__version__, "the current environment"),
        ("scikit-learn", sklearn.__version__, "recorded in the file"),
    ]


def test_a_model_file_has_no_vulnerabilities_of_its_own(
    infer: Callable[..., Finished], iris_folder: Path
) -> None:
    finished = infer("inspect", str(iris_folder), "--vulnerabilities")

    assert finished.exit_code == 2
    assert finished.stderr.splitlines()[-2:] == [
        "error: --vulnerabilities needs an image, whose packages are known",
        f"hint: for a model, plan an image: `infer build {iris_folder} --dry-run`",
    ]


def test_a_file_that_is_no_model_is_an_error(infer: Callable[..., Finished], tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(b"")

    finished = infer("inspect", str(file))

    assert (finished.exit_code, finished.stdout) == (1, "")
    assert "\nerror: " in finished.stderr
    assert str(file) in finished.stderr


@pytest.mark.parametrize("name", ["model.pkl", "nowhere/model.pkl"])
def test_a_file_that_does_not_exist_is_an_error(
    infer: Callable[..., Finished], tmp_path: Path, name: str
) -> None:
    finished = infer("inspect", str(tmp_path / name))

    assert finished.exit_code == 1
    assert "\nerror: " in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize(
    ("names", "count", "expected"),
    [
        pytest.param(("a", "b"), 2, "a, b", id="names"),
        pytest.param(None, 3, "3 without names (x0 … x2)", id="a number alone"),
        pytest.param(None, None, "not recorded", id="nothing"),
    ],
)
def test_features_are_shown_as_far_as_the_file_records_them(
    iris_folder: Path, names: tuple[str, ...] | None, count: int | None, expected: str
) -> None:
    model = inspect_model(iris_folder / "model.pkl")

    assert _features(replace(model, feature_names=names, feature_count=count)) == expected


def test_a_pipe_gets_all_names() -> None:
    assert _names([f"x{number}" for number in range(99)]).endswith("x97, x98")


def test_of_many_names_a_person_sees_the_first_twelve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "terminal_width", lambda: 80)

    assert _names([f"x{number}" for number in range(12)]).endswith("x10, x11")
    assert _names([f"x{number}" for number in range(13)]).endswith("x10, x11, … (13 in all)")


def test_a_fact_that_the_file_does_not_record_is_left_out(iris_folder: Path) -> None:
    model = inspect_model(iris_folder / "model.pkl")

    text = _describe(replace(model, classes=None, estimator=None, compression="gzip"))

    assert "(pickle, gzip, " in text
    assert "classes:" not in text
    assert "estimator:" not in text


def test_each_column_of_a_mixed_table_gets_a_line_with_its_type(
    infer: Callable[..., Finished], mixed_models: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(mixed_models["search"]))

    shown = infer("inspect", str(tmp_path)).stdout
    record = infer("inspect", str(tmp_path), "--json").record

    assert (
        "\nfeatures:\n"
        "  age   number; may be missing\n"
        '  town  category: A & B, Köln, New York, say "hi"\n'
        "classes:   no, yes\n"
    ) in shown
    assert " the model takes named columns of several types: town is a category" in shown
    assert record["features"][1] == {
        "name": "town",
        "kind": "category",
        "required": True,
        "nullable": False,
        "categories": ["A & B", "Köln", "New York", 'say "hi"'],
        "accepts_others": False,
    }


def test_of_many_columns_a_person_sees_the_first(iris_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "terminal_width", lambda: 80)
    model = inspect_model(iris_folder / "model.pkl")
    features = tuple(Feature(f"c{at}", "category", categories=("x",), is_open=True) for at in range(99))

    lines = _features(replace(model, features=features)).splitlines()

    assert lines[1] == "  c0   category: x, or another"
    assert lines[-1] == "  … (99 in all)"


def test_the_source_of_a_compiled_model_is_shown(infer: Callable[..., Finished], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.lean", "w") as archive:
        archive.writestr("model.json", json.dumps(SOUND))

    lines = infer("inspect", str(tmp_path), "--no-environment").stdout.splitlines()

    place = lines.index("compiled from: model.pkl  (sha256:ab)")
    assert lines[0].startswith(f"{tmp_path / 'model.lean'}  (lean, ")
    assert lines[place + 1 : place + 5] == [
        "  Pipeline, loaded with scikit-learn 1.7.0",
        "  192 generated and 5 given rows: no label differs, no number by more than 2.0e-16",
        "needs:",
        "  numpy  (newest that fits; computes the answers)",
    ]


def test_every_imported_name_has_a_verdict(infer: Callable[..., Finished], unsafe_folder: Path) -> None:
    text = infer("inspect", str(unsafe_folder), "--trust", "helpers.more").stdout
    record = infer("inspect", str(unsafe_folder), "--trust", "helpers.more", "--json").record

    assert text.partition("\nhint: ")[0].splitlines()[-3:] == [
        "imports:   1 trusted, 1 unknown, 1 dangerous",
        "  helpers.models.Mine  (unknown: is not known to be harmless)",
        "  posix.system  (dangerous: runs programs)",
    ]
    assert record["globals"] == [
        {"name": "helpers.models.Mine", "verdict": "unknown", "reason": "is not known to be harmless"},
        {"name": "helpers.more.kept", "verdict": "trusted", "reason": None},
        {"name": "posix.system", "verdict": "dangerous", "reason": "runs programs"},
    ]
