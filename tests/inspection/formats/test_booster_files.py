"""The files of XGBoost, LightGBM and CatBoost are inspected as data, and found among other files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from infer_cli.errors import ModelNotFound, ModelUnreadable
from infer_cli.inspection import find_model, inspect_model, requirements_of
from infer_cli.inspection.facts.declared import Declared
from infer_cli.inspection.facts.required import require_columns

if TYPE_CHECKING:
    from infer_cli.inspection import Inspection

BOOSTERS = Path(__file__).parents[2] / "golden" / "boosters"
NAMES = ("xgboost.json", "xgboost.ubj", "lightgbm.txt", "catboost.cbm")
NUMBERED = NAMES[:3]


def inspect_bytes(tmp_path: Path, content: bytes) -> Inspection:
    file = tmp_path / "model"
    file.write_bytes(content)
    return inspect_model(file)


@pytest.mark.parametrize("name", NUMBERED)
def test_a_file_without_labels_has_numbers_and_a_note(name: str) -> None:
    model = inspect_model(BOOSTERS / name)

    assert (model.kind, model.format) == ("classifier", name.partition(".")[0])
    assert model.feature_names == ("town", "rooms", "area")
    assert model.features is not None
    assert [(one.type, one.categories, one.nullable) for one in model.features] == [
        ("category", ("Bonn", "Paris", "Rome"), True),
        ("category", (1, 2, 3, 4), True),
        ("number", None, True),
    ]
    assert model.classes == (0, 1)
    assert [note.partition(":")[0] for note in model.notes] == [
        f"{'LightGBM' if name.startswith('lightgbm') else 'XGBoost'} keeps no labels in its file"
    ]


@pytest.mark.parametrize("name", NUMBERED)
def test_declared_labels_are_those_of_the_model(name: str) -> None:
    model = inspect_model(BOOSTERS / name, Declared(classes=("no", "yes")))

    assert (model.classes, model.notes) == (("no", "yes"), ())


@pytest.mark.parametrize("name", NAMES)
def test_another_number_of_labels_is_refused(name: str) -> None:
    with pytest.raises(ModelUnreadable, match="classes"):
        inspect_model(BOOSTERS / name, Declared(classes=("no", "yes", "perhaps")))


def test_catboost_keeps_its_labels_and_its_version() -> None:
    model = inspect_model(BOOSTERS / "catboost.cbm")

    assert (model.kind, model.classes, model.notes) == ("classifier", ("no", "yes"), ())
    assert model.features is not None
    assert [(one.name, one.type, one.nullable) for one in model.features] == [
        ("town", "text", False),
        ("rooms", "number", True),
        ("area", "number", True),
    ]


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        pytest.param("xgboost.ubj", ["xgboost==3.2.0"], id="xgboost"),
        pytest.param("lightgbm.txt", ["lightgbm", "scikit-learn"], id="lightgbm"),
        pytest.param("catboost.cbm", ["catboost>=1.2.10", "pandas"], id="catboost"),
    ],
)
def test_the_image_gets_the_library_and_little_else(name: str, needs: list[str]) -> None:
    """LightGBM's wheel lacks the OpenMP library, which scikit-learn's has."""
    assert list(map(str, requirements_of(inspect_model(BOOSTERS / name)))) == needs


@pytest.mark.parametrize("name", NAMES)
def test_the_model_is_found_among_files_with_the_same_ending(name: str, tmp_path: Path) -> None:
    shutil.copy(BOOSTERS / name, tmp_path)
    (tmp_path / "data.json").write_text('[{"town": "Bonn"}]')
    (tmp_path / "infer.json").write_text("{}")
    (tmp_path / "notes.txt").write_text("tree house\n")
    (tmp_path / "log.bin").write_bytes(b"\0" * 100)

    assert find_model(tmp_path) == tmp_path / name


def test_other_files_alone_are_no_model(tmp_path: Path) -> None:
    (tmp_path / "infer.json").write_text('{"classes": ["no", "yes"]}')

    with pytest.raises(ModelNotFound, match="no model"):
        find_model(tmp_path)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kept", [20, 200, 900, 2000])
def test_a_file_that_is_cut_short_is_refused(name: str, kept: int, tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable):
        inspect_bytes(tmp_path, (BOOSTERS / name).read_bytes()[:kept])


@pytest.mark.parametrize("name", NAMES)
def test_a_damaged_file_is_refused_or_read_and_raises_nothing_else(name: str, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    content = np.frombuffer((BOOSTERS / name).read_bytes(), np.uint8)
    for _ in range(150):
        damaged = content.copy()
        damaged[random.integers(0, len(content), 3)] = random.integers(0, 256, 3)
        try:
            inspect_bytes(tmp_path, damaged.tobytes())
        except ModelUnreadable:
            continue


def test_categories_that_are_not_kept_are_asked_for(tmp_path: Path) -> None:
    """XGBoost keeps the categories from 3.1 on."""
    document = json.loads((BOOSTERS / "xgboost.json").read_text())
    del document["learner"]["gradient_booster"]["model"]["cats"]
    content = json.dumps(document).encode()

    with pytest.raises(ModelUnreadable, match="kept no list of its categories"):
        require_columns(inspect_bytes(tmp_path, content))

    features = [
        {"name": "town", "type": "category", "categories": ["Bonn", "Paris", "Rome"]},
        {"name": "rooms", "type": "category", "categories": [1, 2, 3, 4]},
    ]
    (tmp_path / "infer.json").write_text(json.dumps({"features": features}))
    model = inspect_bytes(tmp_path, content)
    require_columns(model)
    assert [one.categories for one in model.features or ()] == [("Bonn", "Paris", "Rome"), (1, 2, 3, 4), None]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(
            b"\0\0\0?" + b"\x05\0\0\0" + b"\0" * 128 + b"\x0f" + b"\0" * 7 + b"binary:logistic"
            b"\x06" + b"\0" * 7 + b"gbtree" + b"\0" * 40,
            "in the binary format that XGBoost 3.1 no longer reads",
            id="old-xgboost",
        ),
        pytest.param(b'{"name":"tree","version":"v4"}', "dump_model", id="dump-of-lightgbm"),
        pytest.param(b'[{ "nodeid": 0, "leaf": 1}]', "dump_model", id="dump-of-xgboost"),
        pytest.param(b'{"features_info": {}}', "CatBoost model in JSON", id="json-of-catboost"),
    ],
)
def test_what_the_libraries_write_besides_is_refused_with_the_line_that_saves(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnreadable, match=reason) as caught:
        inspect_bytes(tmp_path, content)

    assert "save_model('model." in str(caught.value.hint)
