"""Boosters answer as their libraries answered when the files were written, with labels that are declared.

The libraries are not among the packages of the tests: they are in the images of `tests/integration`.
"""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.errors import ModelUnloadable
from service.loading.booster_files import is_booster
from service.loading.model_file import load_model
from service.prediction.predictor import Predictor
from service.protocols.payload import parse_json
from service.protocols.row_checks import RowChecks
from service.schema.declared import Declared
from tests.service.loading.both_sides import check_both_sides

BOOSTERS = Path(__file__).parents[2] / "golden" / "boosters"
ANSWERS: dict[str, Any] = json.loads((BOOSTERS / "answers.json").read_text())


@pytest.mark.parametrize("name", ANSWERS)
def test_the_answers_are_those_of_the_library(name: str) -> None:
    pytest.importorskip(name.partition(".")[0])
    wanted = ANSWERS[name]
    is_numbered = not name.startswith("catboost")
    declared = Declared(classes=("no", "yes")) if is_numbered else Declared()
    model = load_model(BOOSTERS / name, declared=declared).model

    rows = parse_json(json.dumps({"rows": wanted["rows"]}).encode(), RowChecks.of(model.features))
    answer = Predictor(model).predict(rows)

    labels = [{0: "no", 1: "yes"}.get(label, label) for label in wanted["predictions"]]
    assert (model.kind, list(model.classes or [])) == ("classifier", ["no", "yes"])
    assert list(answer.values) == labels
    assert np.array_equal(np.array(answer.probabilities), np.array(wanted["probabilities"]))


@pytest.mark.parametrize("name", ANSWERS)
def test_the_inspection_tells_the_same(name: str) -> None:
    pytest.importorskip(name.partition(".")[0])

    check_both_sides(BOOSTERS / name)


@pytest.mark.parametrize("name", [name for name in ANSWERS if not name.startswith("catboost")])
def test_a_pickled_booster_answers_as_the_file_of_its_library(name: str, tmp_path: Path) -> None:
    library: Any = pytest.importorskip(name.partition(".")[0])
    booster = library.Booster(model_file=str(BOOSTERS / name))
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(booster))

    model = check_both_sides(tmp_path / "model.pkl").model

    rows = parse_json(json.dumps({"rows": ANSWERS[name]["rows"]}).encode(), RowChecks.of(model.features))
    answer = Predictor(model).predict(rows)
    labels = [{"no": 0, "yes": 1}.get(label, label) for label in ANSWERS[name]["predictions"]]
    assert list(answer.values) == labels
    assert np.array_equal(np.array(answer.probabilities), np.array(ANSWERS[name]["probabilities"]))


@pytest.mark.parametrize("name", ANSWERS)
def test_another_number_of_classes_is_refused(name: str) -> None:
    pytest.importorskip(name.partition(".")[0])

    with pytest.raises(ModelUnloadable, match="classes"):
        load_model(BOOSTERS / name, declared=Declared(classes=("no", "yes", "perhaps")))


@pytest.mark.parametrize("name", ANSWERS)
def test_a_booster_is_known_by_its_first_bytes(name: str) -> None:
    assert is_booster((BOOSTERS / name).read_bytes()[:64])


@pytest.mark.parametrize(
    "start", [b'{"features": []}', b"tree house\n", b"[1, 2]", b"", b'{"name": "tree"}', b"\x80\x04"]
)
def test_other_files_are_no_boosters(start: bytes) -> None:
    assert not is_booster(start)
