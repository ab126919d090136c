from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import inspect_model
from infer_cli.inspection.facts import declared as twin
from service.errors import WrongSchema
from service.schema import declared

DOCUMENTS: dict[str, object] = {
    "empty": {},
    "all": {
        "features": [
            {"name": "a", "type": "category", "dtype": "int64", "categories": [1, 2], "nullable": True},
            {"name": "b", "low": 1, "high": 2.5, "example": 2},
        ],
        "optional": ["a"],
        "classes": [False, True],
        "member": "0",
        "digest": "sha256:00",
    },
    "a list": [],
    "unknown key": {"x": 1},
    "no name": {"features": [{"type": "number"}]},
    "unknown type": {"features": [{"name": "a", "type": "float"}]},
    "wrong bound": {"features": [{"name": "a", "low": "1"}]},
    "wrong member": {"member": 0},
    **{
        f"distribution {number}": {"features": [{"name": "a", "distribution": one}]}
        for number, one in enumerate(
            [
                {"edges": [0, 0, 1.5], "shares": [0.25, 0.75]},
                *({"edges": [0, 1]}, {"edges": [0], "shares": []}, {"edges": [0, 1], "shares": [0.5]}),
                *({"edges": [1, 0], "shares": [1]}, {"edges": [0, "1"], "shares": [1]}, [0, 1], {"edges": 3}),
                *({"edges": [0, float("nan")], "shares": [1]}, {"edges": [0, True], "shares": [1]}),
                *({"edges": [0, 1, 2], "shares": [2, -1]}, {"edges": [0, 1], "shares": [1], "bins": 3}),
                {"edges": [*range(102)], "shares": [1, *[0] * 100]},
            ]
        )
    },
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_both_sides_read_a_schema_alike(name: str) -> None:
    outcomes = []
    for side in (twin, declared):
        try:
            outcomes.append(repr(side.parse_declared(DOCUMENTS[name])))
        except (ValueError, WrongSchema) as error:
            outcomes.append(str(error))

    assert outcomes[0] == outcomes[1]
    assert not name.startswith("distribution") or outcomes[0].startswith("Declared(") == name.endswith(" 0")


def test_a_file_beside_the_model_is_read(iris_folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copy(iris_folder / "model.pkl", tmp_path))
    (tmp_path / "infer.json").write_text(json.dumps({"optional": ["pwidth"]}))

    features = inspect_model(model).features

    assert features is not None
    assert [feature.name for feature in features if not feature.required] == ["pwidth"]


def test_a_schema_of_another_model_is_an_error(iris_folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copy(iris_folder / "model.pkl", tmp_path))
    (tmp_path / "infer.json").write_text(json.dumps({"features": [{"name": "width"}]}))

    with pytest.raises(ModelUnreadable, match=r"has no feature 'width' \(did you mean 'swidth'\?\)"):
        inspect_model(model)


def test_a_schema_of_an_older_file_is_an_error(iris_folder: Path, tmp_path: Path) -> None:
    model = Path(shutil.copy(iris_folder / "model.pkl", tmp_path))
    schema = tmp_path / "infer.json"
    schema.write_text(json.dumps({"digest": f"sha256:{hashlib.sha256(model.read_bytes()).hexdigest()}"}))

    assert inspect_model(model).declared.digest is not None

    schema.write_text(json.dumps({"digest": f"sha256:{64 * '0'}"}))
    with pytest.raises(ModelUnreadable, match=r"model\.pkl has changed since infer\.json beside it"):
        inspect_model(model)
