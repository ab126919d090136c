"""An ONNX model answers as the model that it was converted from, to the precision of 32 bits."""

from __future__ import annotations

import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest
import skl2onnx
from onnx import TensorProto, helper
from skl2onnx.common.data_types import (
    BooleanTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.ensemble import (
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
)
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC

from service.loading.model_file import load_model
from service.prediction.predictor import Predictor
from service.protocols.description import describe
from service.protocols.payload import parse_json
from service.protocols.row_checks import RowChecks
from tests.service.loading.both_sides import check_both_sides
from tests.service.loading.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.schema.features import Value
    from tests.service.conftest import Fitted, Frame, Iris, Json, Service

OPSET = {"": 18, "ai.onnx.ml": 3}
CLASSIFIERS = [
    LogisticRegression(max_iter=500),
    RandomForestClassifier(3, random_state=0),
    KNeighborsClassifier(),
    GaussianNB(),
    MLPClassifier((4,), max_iter=20, random_state=0),
    StackingClassifier([("a", LogisticRegression(max_iter=500)), ("b", GaussianNB())], cv=2),
    make_pipeline(StandardScaler(), LogisticRegression()),
]
# The second output of their ONNX models is called "probabilities", and holds other scores.
SCORERS = [SVC(), LinearSVC(), RidgeClassifier()]
LABELS = {
    "strings": np.array(["setosa", "versicolor", "virginica"]),
    "numbers": np.array([3, 4, 5]),
    "two": np.array([0, 1, 1]),
}


def name_of(value: object) -> str:
    return type(value).__name__


@pytest.fixture
def numbers(iris: Iris) -> Iris:
    """Give a table of floats of 32 bits, and the number of each row's species."""
    return iris[0].to_numpy().astype(np.float32), np.repeat([0, 1, 2], 50)


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., Path]:
    """Convert a model to ONNX; by default its input is one table of floats."""

    def write(model: Fitted, types: object = None, options: object = None) -> Path:
        types = types or [("X", FloatTensorType([None, model.n_features_in_]))]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # skl2onnx reads attributes that scikit-learn has deprecated.
            converted = skl2onnx.to_onnx(model, initial_types=types, options=options, target_opset=OPSET)
        file = tmp_path / "model.onnx"
        file.write_bytes(converted.SerializeToString())
        return file

    return write


def rows_of(predictor: Predictor, rows: list[dict[str, Json]]) -> list[list[Value]]:
    return parse_json(json.dumps({"rows": rows}).encode(), RowChecks.of(predictor.features))


@pytest.mark.parametrize("probabilities", ["maps", "table"])
@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("model", CLASSIFIERS, ids=name_of)
def test_a_classifier_answers_as_the_model(
    model: Fitted,
    labels: str,
    probabilities: str,
    numbers: Iris,
    convert: Callable[..., Path],
) -> None:
    table, target = numbers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A network that has not converged can be converted too.
        model.fit(table, LABELS[labels][target])
    file = convert(model, options={id(model): {"zipmap": probabilities == "maps"}})

    predictor = check_both_sides(file)

    answer = predictor.predict(table.tolist())
    assert (predictor.model.kind, predictor.classes) == ("classifier", model.classes_.tolist())
    assert [feature.name for feature in predictor.features] == ["x0", "x1", "x2", "x3"]
    assert np.mean(np.array(answer.values) == model.predict(table)) > 0.98
    assert np.array(answer.probabilities) == pytest.approx(model.predict_proba(table), abs=1e-4)


@pytest.mark.parametrize("labels", ["strings", "two"])
@pytest.mark.parametrize("model", SCORERS, ids=name_of)
def test_scores_are_not_given_as_probabilities(
    model: Fitted, labels: str, numbers: Iris, convert: Callable[..., Path]
) -> None:
    table, target = numbers
    model.fit(table, LABELS[labels][target])

    predictor = check_both_sides(convert(model))

    answer = predictor.predict(table.tolist())
    assert predictor.model.kind == "classifier"
    assert answer.values == model.predict(table).tolist()
    assert answer.probabilities is None


@pytest.mark.parametrize("columns", [1, 2])
@pytest.mark.parametrize("model", [LinearRegression(), RandomForestRegressor(3, random_state=0)], ids=name_of)
def test_a_regressor_answers_as_the_model(
    model: Fitted, columns: int, numbers: Iris, convert: Callable[..., Path]
) -> None:
    table, _ = numbers
    model.fit(table[:, :2], table[:, 2] if columns == 1 else table[:, 2:])

    predictor = check_both_sides(convert(model))

    answer = predictor.predict(table[:, :2].tolist())
    assert predictor.model.kind == "regressor"
    assert np.array(answer.values) == pytest.approx(model.predict(table[:, :2]), abs=1e-4)
    assert answer.probabilities is None


@pytest.mark.parametrize(
    "model", [KMeans(3, random_state=0), IsolationForest(n_estimators=5, random_state=0)], ids=name_of
)
def test_a_model_that_is_neither_classifier_nor_regressor(
    model: Fitted, numbers: Iris, convert: Callable[..., Path]
) -> None:
    predictor = check_both_sides(convert(model.fit(numbers[0])))

    answer = predictor.predict(numbers[0].tolist())

    assert predictor.model.kind == "other"
    assert answer.values == model.predict(numbers[0]).tolist()


@pytest.mark.parametrize("rows", [1, 60])
def test_columns_of_several_types_are_inputs_of_their_own(
    mixed_frame: Frame, convert: Callable[..., Path], rows: int
) -> None:
    """Each input gets a column of its own type, without pandas."""
    columns = ["income", "rooms", "town", "member"]
    frame = mixed_frame[columns]
    step = make_column_transformer(
        (StandardScaler(), ["income", "rooms"]), (OneHotEncoder(), ["town"]), ("passthrough", ["member"])
    )
    model = make_pipeline(step, LogisticRegression(max_iter=500))
    model.fit(frame, np.where(frame["income"] + 30 * frame["rooms"] > 5000, "yes", "no"))
    types = (FloatTensorType, Int64TensorType, StringTensorType, BooleanTensorType)
    file = convert(model, [(name, kind([None, 1])) for name, kind in zip(columns, types)])

    predictor = check_both_sides(file)

    given = [dict(zip(columns, row)) for row in frame.head(rows).to_numpy().tolist()]
    answer = predictor.predict(rows_of(predictor, given))
    assert [feature.type for feature in predictor.features] == ["number", "number", "text", "boolean"]
    assert answer.values == model.predict(frame.head(rows)).tolist()
    expected = model.predict_proba(frame.head(rows))
    assert np.array(answer.probabilities) == pytest.approx(expected, abs=1e-4)


def test_a_model_of_texts_takes_a_list_of_strings(convert: Callable[..., Path]) -> None:
    texts = ["a red rose", "a blue bell", "a red bell", "a blue rose"]
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])

    # Without this option the model asks for a locale that few images have.
    options = {CountVectorizer: {"locale": "C"}}

    predictor = check_both_sides(convert(model, [("text", StringTensorType([None, 1]))], options))

    assert [(feature.name, feature.type) for feature in predictor.features] == [("x0", "text")]
    assert predictor.predict([["a red one"], ["a blue one"]]).values == [1, 0]


def test_a_model_of_one_row_is_called_for_each_row(write_graph: Callable[..., Path]) -> None:
    """PyTorch saves a model for as many rows as its example has."""
    predictor = check_both_sides(write_graph(("X", TensorProto.FLOAT, [1, 2])))

    assert predictor.predict([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]).values == [[1, 2], [3, 4], [5, 6]]


def test_numbers_are_rounded_to_the_floats_that_the_model_takes(write_graph: Callable[..., Path]) -> None:
    predictor = Predictor(load_model(write_graph(("X", TensorProto.FLOAT, [None, 1]))).model)

    assert predictor.predict([[0.1]]).values == [float(np.float32(0.1))]


@pytest.mark.parametrize("element", [TensorProto.INT64, TensorProto.UINT8])
@pytest.mark.parametrize("value", [1.5, 1e30, -1e30, 2.0**63])
def test_a_number_that_is_no_integer_of_the_model_is_an_error(
    write_graph: Callable[..., Path], element: int, value: float
) -> None:
    """Such a number would silently become another number."""
    predictor = Predictor(load_model(write_graph(("X", element, [None, 1]))).model)

    with pytest.raises(Exception, match="x0 is not a whole number that the model takes"):
        rows_of(predictor, [{"x0": value}])

    rows = rows_of(predictor, [{"x0": 7}, {"x0": 7.0}])
    assert predictor.predict(rows).values == [7, 7]


def test_a_model_that_onnx_runtime_refuses(tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    shape = [None, 2]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("X", "Y")]
    graph = helper.make_graph([helper.make_node("Nothing", ["X"], ["Y"])], "model", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)]), file)

    assert problem_of(file).startswith("it is refused by ONNX Runtime ")


def test_forked_workers_answer_at_the_same_time(
    numbers: Iris, convert: Callable[..., Path], start_service: Callable[..., Service]
) -> None:
    """The session is made before the workers are forked, and has no threads of its own."""
    table, target = numbers
    model = RandomForestClassifier(5, random_state=0).fit(table, LABELS["strings"][target])
    service = start_service(convert(model), WORKERS="2")
    rows = [{f"x{at}": value for at, value in enumerate(row)} for row in table.tolist()]

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(service.request, "POST", "/prediction", {"rows": rows}) for _ in range(40)]
        answers = [one.result() for one in asked]

    assert len(service.workers()) == 2
    assert {status for status, _ in answers} == {200}
    assert all(answer["predictions"] == model.predict(table).tolist() for _, answer in answers)
    code, log = service.stop()
    assert code == 0, log
    assert "Traceback" not in log


def test_an_onnx_model_is_served_without_scikit_learn(
    numbers: Iris, convert: Callable[..., Path], start_service: Callable[..., Service]
) -> None:
    model = LogisticRegression(max_iter=500).fit(*numbers)
    service = start_service(convert(model), WORKERS="1")

    status, described = service.request("GET", "/model")

    assert status == 200
    assert set(described["packages"]) == {"python", "numpy", "onnxruntime", "flask", "granian"}
    assert described["estimator"] == "OnnxModel"
    status, answer = service.request("GET", described["example"])
    assert (status, list(answer["probabilities"])) == (200, ["0", "1", "2"])


def test_an_onnx_model_is_described_in_json(mixed_frame: Frame, convert: Callable[..., Path]) -> None:
    scaler = make_column_transformer((StandardScaler(), ["income", "rooms"]))
    model = make_pipeline(scaler, LinearRegression())
    model.fit(mixed_frame[["income", "rooms"]], mixed_frame["income"])
    types = [("income", FloatTensorType([None, 1])), ("rooms", Int64TensorType([None, 1]))]

    described = describe(load_model(convert(model, types)))

    assert json.loads(json.dumps(described))["example"] == "/prediction?income=1.0&rooms=1.0"
