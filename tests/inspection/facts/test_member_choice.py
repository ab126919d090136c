"""What is said of a file with several objects: following the hint gives a model that is served."""

from __future__ import annotations

import pickle
import re
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import LabelEncoder, StandardScaler

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import inspect_model
from infer_cli.inspection.facts.declared import Declared

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RANDOM = np.random.default_rng(0)
TABLE = pd.DataFrame(RANDOM.normal(5, 2, size=(50, 2)), columns=["age", "fare"])
TARGET = (TABLE.age > TABLE.fare).astype(int)
SCALER = StandardScaler().fit(TABLE)
PARTS = PCA(2).fit(SCALER.transform(TABLE))
ON_SCALED = LogisticRegression().fit(SCALER.transform(TABLE), TARGET)
ON_PARTS = LogisticRegression().fit(PARTS.transform(SCALER.transform(TABLE)), TARGET)


def _refusal(held: object, file: Path) -> ModelUnreadable:
    file.write_bytes(pickle.dumps(held))
    with pytest.raises(ModelUnreadable) as raised:
        inspect_model(file)
    return raised.value


@pytest.mark.parametrize(
    ("held", "answers"),
    [
        ({"model": ON_SCALED, "sc aler": SCALER, "columns": ["age", "fare"]}, SCALER.transform(TABLE)),
        ((SCALER, ON_SCALED), SCALER.transform(TABLE)),
        ({'a "b"': {"s": SCALER, "p": PARTS}, "m": ON_PARTS}, PARTS.transform(SCALER.transform(TABLE))),
    ],
    ids=["dictionary", "tuple", "nested"],
)
def test_the_two_lines_make_the_pipeline(
    held: object, answers: object, tmp_path: Path, run_script: Callable[[str, Path], None]
) -> None:
    """The lines of the hint, run as they are, write a file that infer takes and that answers as trained."""
    hint = str(_refusal(held, tmp_path / "model.pkl").hint)
    assert "alone" not in hint
    lines = re.findall(r"^  (.*)$", hint, re.MULTILINE)
    run_script("\n".join(lines), tmp_path)
    made = tmp_path / "pipeline.joblib"
    assert inspect_model(made).feature_names == ("age", "fare")
    model = ON_PARTS if isinstance(held, dict) and "m" in held else ON_SCALED
    assert (joblib.load(made).predict(TABLE) == model.predict(answers)).all()


def test_of_two_models_one_is_chosen_by_the_option_of_the_hint(tmp_path: Path) -> None:
    """The hint names the option for each model."""
    held = {"lr": ON_SCALED, "ridge": Ridge().fit(TABLE, TARGET)}
    hint = str(_refusal(held, tmp_path / "model.pkl").hint)
    names = re.findall(r"--member (\S+?)[. ]", hint)
    assert names == ["lr", "ridge"]
    chosen = inspect_model(tmp_path / "model.pkl", Declared(member=names[1]))
    assert (chosen.kind, chosen.member) == ("regressor", "ridge")


def test_an_encoder_of_labels_is_no_step(tmp_path: Path) -> None:
    """A LabelEncoder gets labels and no rows: a Pipeline with it would fail."""
    held = {"model": ON_SCALED, "labels": LabelEncoder().fit(["no", "yes"])}
    hint = str(_refusal(held, tmp_path / "model.pkl").hint)
    assert "make_pipeline" not in hint
    assert "--member model" in hint
    held["scaler"] = SCALER
    assert 'make_pipeline(saved["scaler"], saved["model"])' in str(
        _refusal(held, tmp_path / "model.pkl").hint
    )


def test_a_wrong_member_is_refused_with_the_names_there_are(tmp_path: Path) -> None:
    """The names are those that the option takes."""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"model": ON_SCALED}))
    with pytest.raises(ModelUnreadable, match="no member 'modle'") as raised:
        inspect_model(tmp_path / "model.pkl", Declared(member="modle"))
    assert "--member model" in str(raised.value.hint)
