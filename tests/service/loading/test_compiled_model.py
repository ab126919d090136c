"""A compiled model answers as the model that it was compiled from, without scikit-learn."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from service.compile import compile_model
from service.compiler.archive import write_saved
from service.compiler.functions import Outcome
from service.compiler.operations import Take
from service.compiler.outputs import Chain
from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from service.prediction.predictor import Predictor
from service.protocols.description import describe
from tests.service.conftest import app_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.compiler.saved import Saved
    from tests.service.conftest import Fitted, Frame, Iris, Json, Service

ROOT = Path(__file__).parents[3]
ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
# Modules that a service of a compiled model does not need.
ABSENT = ("sklearn", "scipy", "joblib", "pandas", "threadpoolctl")


@pytest.fixture
def compile_to_file(save: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """Compile a model into a file, with a change if one is given."""

    def make(model: object, change: Callable[[Saved], Saved] = lambda saved: saved) -> Path:
        file = tmp_path / "model.lean"
        content = io.BytesIO()
        write_saved(content, change(compile_model(load_model(save(model)))[0]))
        file.write_bytes(content.getvalue())
        return file

    return make


def test_a_compiled_model_answers_as_the_model(
    classifier: LogisticRegression, iris: Iris, compile_to_file: Callable[..., Path]
) -> None:
    rows = iris[0].to_numpy()

    predictor = Predictor(load_model(compile_to_file(classifier)).model)
    predictions = predictor.predict(rows)

    assert predictions.values == classifier.predict(iris[0]).tolist()
    np.testing.assert_allclose(
        np.array(predictions.probabilities), classifier.predict_proba(iris[0]), atol=1e-12
    )
    assert predictor.model.is_batched


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_model_answers_a_mixed_table_as_the_model(
    mixed_models: dict[str, Fitted], mixed_frame: Frame, compile_to_file: Callable[..., Path]
) -> None:
    model, table = mixed_models["search"], mixed_frame[["age", "town"]]

    predictor = Predictor(load_model(compile_to_file(model)).model)
    rows = [[None if np.isnan(age) else age, town] for age, town in table.itertuples(index=False)]
    predictions = predictor.predict(rows)

    assert predictions.values == model.predict(table).tolist()
    assert [feature.type for feature in predictor.features] == ["number", "category"]


def test_the_description_has_the_model_that_it_was_compiled_from(
    classifier: LogisticRegression, save: Callable[..., Path], compile_to_file: Callable[..., Path]
) -> None:
    origin = load_model(save(classifier))

    description: Json = describe(load_model(compile_to_file(classifier)))

    assert description["estimator"] == "LogisticRegression"
    assert description["file"] == "model.lean"
    path = description["path"]
    assert (path["kind"], path["tried_rows"]) == ("lean", 192)
    assert path["compiled_from"]["file"] == "model.joblib"
    assert path["compiled_from"]["digest"] == origin.digest
    assert "scikit-learn" in path["compiled_from"]["packages"]


def test_a_compiled_model_is_served_without_scikit_learn(
    classifier: LogisticRegression, compile_to_file: Callable[..., Path]
) -> None:
    script = f"""
import sys
sys.modules.update(dict.fromkeys({ABSENT!r}))  # Importing one of them is an error.
from pathlib import Path
from service.application import build_application
from service.settings import Settings
from werkzeug.test import Client
client = Client(build_application(Settings(model_file=Path(sys.argv[1]))).wsgi)
print(client.get("/prediction", query_string={ROW!r}).text)
"""

    finished = subprocess.run(
        [sys.executable, "-c", script, str(compile_to_file(classifier))],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr
    assert json.loads(finished.stdout)["prediction"] == "setosa"


def test_a_running_service_serves_a_compiled_model(
    classifier: LogisticRegression,
    compile_to_file: Callable[..., Path],
    start_service: Callable[..., Service],
) -> None:
    service = start_service(compile_to_file(classifier))

    status, answer = service.request("POST", "/prediction", {"rows": [ROW, ROW]})
    _, described = service.request("GET", "/model")

    assert (status, answer["predictions"]) == (200, ["setosa", "setosa"])
    assert not {"scikit-learn", "scipy", "joblib"} & set(described["packages"])


@pytest.mark.filterwarnings("ignore:overflow")
def test_rows_that_the_program_cannot_answer_are_refused(compile_to_file: Callable[..., Path]) -> None:
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(50, 1))
    model = make_pipeline(FunctionTransformer(np.exp), LogisticRegression()).fit(rows, rows[:, 0] > 0)
    client = app_of(load_model(compile_to_file(model))).test_client()

    good = client.get("/prediction?x0=1")
    refused = client.get("/prediction?x0=1000")

    assert good.status_code == 200
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"]["code"] == "not_computable"


def other_label(saved: Saved) -> Saved:
    values = np.asarray(saved.trial.wanted.values).copy()
    values[7] = (values[7] + 1) % 3
    return replace(saved, trial=replace(saved.trial, wanted=saved.trial.wanted._replace(values=values)))


def other_number(saved: Saved) -> Saved:
    shares = np.asarray(saved.trial.wanted.probabilities) + 1e-9
    return replace(
        saved, trial=replace(saved.trial, wanted=saved.trial.wanted._replace(probabilities=shares))
    )


def a_missing_column(saved: Saved) -> Saved:
    return replace(saved, path=Chain([Take(np.array([99]))], saved.path))


def no_probabilities(saved: Saved) -> Saved:
    wanted = Outcome(saved.trial.wanted.values)
    return replace(saved, trial=replace(saved.trial, wanted=wanted))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_label, "does not answer here as the model that it was made of: a label differs"),
        (other_number, "a number differs from the model's number by 1.0e-09"),
        (no_probabilities, "only one of the model and the compiled model gives probabilities"),
        (a_missing_column, "cannot be computed .IndexError: index 99"),
    ],
)
def test_a_program_that_does_not_answer_as_the_model_did_is_not_served(
    change: Callable[[Saved], Saved],
    reason: str,
    classifier: LogisticRegression,
    compile_to_file: Callable[..., Path],
) -> None:
    with pytest.raises(ModelUnloadable, match=reason) as caught:
        load_model(compile_to_file(classifier, change))

    assert "Compile the model again" in str(caught.value)


def test_a_damaged_file_is_explained_in_one_line(
    classifier: LogisticRegression, compile_to_file: Callable[..., Path]
) -> None:
    file = compile_to_file(classifier)
    file.write_bytes(file.read_bytes()[:-30])

    with pytest.raises(ModelUnloadable, match=r"it is no compiled model .*Compile the model again") as caught:
        load_model(file)

    assert "\n" not in str(caught.value)
