"""The client of Triton, `tritonclient.http`, as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from tritonclient.http import (
    InferenceServerClient,
    InferenceServerException,
    InferRequestedOutput,
)

from tests.clients.cases import CASES, RESULTS, assert_same
from tests.clients.conftest import NAME
from tests.clients.triton import WAY_IDS, WAYS, arrays_of, inputs_of, tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.clients.conftest import Served


@pytest.fixture
def client(served: Served) -> Iterator[InferenceServerClient]:
    with InferenceServerClient(served.address) as made:
        yield made


@pytest.mark.parametrize(("is_binary", "wants_binary"), WAYS, ids=WAY_IDS)
@pytest.mark.parametrize("served", CASES, indirect=True)
def test_every_model_gives_its_own_answers(
    served: Served, client: InferenceServerClient, *, is_binary: bool, wants_binary: bool
) -> None:
    usual, further = RESULTS[served.name]
    wanted = [
        InferRequestedOutput(name, binary_data=wants_binary)
        for name in dict.fromkeys(name.partition(".")[0] for name in [*usual, *further])
    ]

    found = arrays_of(client.infer(NAME, inputs_of(served.case, is_binary=is_binary), outputs=wanted))

    assert list(found) == [*usual, *further]
    for name, values in found.items():
        assert_same(values, served.case.right(name), is_json=not wants_binary)


@pytest.mark.parametrize("served", CASES, indirect=True)
def test_without_a_choice_the_usual_results_come_in_binary(
    served: Served, client: InferenceServerClient
) -> None:
    result = client.infer(NAME, inputs_of(served.case, is_binary=False))

    assert [*arrays_of(result)] == RESULTS[served.name][0]
    assert all("binary_data_size" in output["parameters"] for output in result.get_response()["outputs"])


@pytest.mark.parametrize("served", CASES, indirect=True)
def test_what_is_told_of_the_outputs_holds(served: Served, client: InferenceServerClient) -> None:
    told = {one["name"]: one for one in client.get_model_metadata(NAME)["outputs"]}
    given = client.infer(NAME, inputs_of(served.case, is_binary=True)).get_response()["outputs"]

    assert [*told] == [one["name"] for one in given]
    for one in given:
        said = told[one["name"]]
        assert one["datatype"] == said["datatype"]
        assert one["shape"] == [len(served.case.table), *said["shape"][1:]]
        # A client asks for what is told.
        again = client.infer(
            NAME,
            inputs_of(served.case, is_binary=True),
            outputs=[InferRequestedOutput(one["name"])],
        )
        assert_same(again.as_numpy(one["name"]), served.case.right(one["name"]))


@pytest.mark.parametrize("answer", [None, "gzip", "deflate"])
@pytest.mark.parametrize("request_by", [None, "gzip", "deflate"])
@pytest.mark.parametrize(("is_binary", "wants_binary"), WAYS, ids=WAY_IDS)
def test_bodies_may_be_compressed(
    served: Served,
    client: InferenceServerClient,
    *,
    is_binary: bool,
    wants_binary: bool,
    request_by: str | None,
    answer: str | None,
) -> None:
    result = client.infer(
        NAME,
        inputs_of(served.case, is_binary=is_binary),
        outputs=[InferRequestedOutput("predict_proba", binary_data=wants_binary)],
        request_compression_algorithm=request_by,
        response_compression_algorithm=answer,
    )

    assert_same(result.as_numpy("predict_proba"), served.case.right("predict_proba"))


@pytest.mark.parametrize("dtype", ["<f2", "<f4", "<f8"])
@pytest.mark.parametrize("name", ["strings", "regressor", "transformer"])
def test_numbers_of_fewer_bits_are_taken(serve: Callable[[str], Served], name: str, dtype: str) -> None:
    served = serve(name)
    values = served.case.numbers.astype(dtype)
    with InferenceServerClient(served.address) as client:
        result = client.infer(NAME, [tensor("x", values)])

    table = pd.DataFrame(values.astype(np.float64), columns=served.case.names)
    main = RESULTS[name][0][-1]
    assert_same(result.as_numpy(main), served.case.of_rows(table).right(main))


@pytest.mark.parametrize("dtype", ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "?"])
@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "JSON"])
def test_whole_numbers_are_taken_for_numbers(
    served: Served, client: InferenceServerClient, dtype: str, *, is_binary: bool
) -> None:
    values = np.arange(8).reshape(2, 4).astype(dtype)
    result = client.infer(NAME, [tensor("x", values, is_binary=is_binary)])

    table = pd.DataFrame(values.astype(np.float64), columns=served.case.names)
    assert_same(result.as_numpy("predict_proba"), served.case.of_rows(table).right("predict_proba"))


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "JSON"])
def test_columns_are_found_by_their_names(
    served: Served, client: InferenceServerClient, *, is_binary: bool
) -> None:
    columns = reversed([*served.case.table.items()])
    given = [tensor(name, column.to_numpy(), is_binary=is_binary) for name, column in columns]

    assert_same(client.infer(NAME, given).as_numpy("predict"), served.case.right("predict"))


@pytest.mark.parametrize("served", ["strings", "several labels", "transformer"], indirect=True)
def test_no_rows_get_empty_arrays(served: Served, client: InferenceServerClient) -> None:
    for is_binary in (True, False):
        result = client.infer(NAME, [tensor("x", np.zeros((0, 4)), is_binary=is_binary)])

        for name in RESULTS[served.name][0]:
            assert result.as_numpy(name).shape == (0, *served.case.right(name).shape[1:])


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "JSON"])
@pytest.mark.parametrize("served", ["strings", "integers", "booleans"], indirect=True)
def test_the_best_classes_are_texts(
    served: Served, client: InferenceServerClient, *, is_binary: bool
) -> None:
    wanted = [InferRequestedOutput("predict_proba", binary_data=is_binary, class_count=2)]
    found = client.infer(NAME, inputs_of(served.case, is_binary=True), outputs=wanted)

    texts = found.as_numpy("predict_proba")
    shares = served.case.right("predict_proba")
    assert texts.shape == (len(shares), 2)
    for row, right in zip(texts, shares, strict=True):
        parts = [(one.decode() if isinstance(one, bytes) else one).split(":") for one in row]
        assert [float(value) for value, _, _ in parts] == pytest.approx(sorted(right)[-1:-3:-1])
        for value, at, label in parts:
            assert right[int(at)] == pytest.approx(float(value))
            assert label == str(served.case.model.classes_[int(at)])


def test_the_server_and_its_model_are_ready(client: InferenceServerClient) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    for name in (NAME, "strings", "model", "mlflow-model"):
        assert client.is_model_ready(name)
        assert client.is_model_ready(name, "1")
    assert not client.is_model_ready("nope")
    assert not client.is_model_ready(NAME, "2")


def test_the_server_and_its_model_are_described(client: InferenceServerClient) -> None:
    server = client.get_server_metadata()
    assert server["name"] == "infer"
    assert {"binary_tensor_data", "classification", "statistics"} <= set(server["extensions"])

    metadata = client.get_model_metadata("model")
    assert (metadata["name"], metadata["versions"][0]) == ("model", "1")
    assert client.get_model_metadata("model", metadata["versions"][1])["inputs"] == metadata["inputs"]
    assert metadata["inputs"] == [{"name": "input-0", "datatype": "FP64", "shape": [-1, 4]}]

    config = client.get_model_config(NAME)
    assert config["input"] == [{"name": "input-0", "data_type": "TYPE_FP64", "dims": [4]}]
    assert {"name": "predict", "data_type": "TYPE_STRING", "dims": [1]} in config["output"]


def test_the_repository_is_listed_and_its_model_loaded(client: InferenceServerClient) -> None:
    index = client.get_model_repository_index()
    assert {(one["name"], one["state"]) for one in index} >= {(NAME, "READY"), ("model", "READY")}

    # The file is the one that is served.
    client.load_model(NAME)
    assert client.is_model_ready(NAME)
    with pytest.raises(InferenceServerException, match="this service always has its model loaded"):
        client.unload_model(NAME)
    with pytest.raises(InferenceServerException, match="takes no parameters"):
        client.load_model(NAME, config="{}")


def test_requests_are_counted(serve: Callable[[str], Served]) -> None:
    served = serve("strings")
    with InferenceServerClient(served.address) as client:

        def counted() -> tuple[int, int, int]:
            [found] = client.get_inference_statistics(NAME)["model_stats"]
            told = found["inference_stats"]
            return found["inference_count"], told["success"]["count"], told["fail"]["count"]

        rows, succeeded, failed = counted()
        client.infer(NAME, inputs_of(served.case, is_binary=True))
        with pytest.raises(InferenceServerException):
            client.infer(NAME, [tensor("x", np.zeros((1, 3)))])

        assert counted() == (rows + len(served.case.table), succeeded + 1, failed + 1)
        assert client.get_inference_statistics()["model_stats"][0]["name"] == NAME


def test_an_id_comes_back_and_other_parameters_are_ignored(
    served: Served, client: InferenceServerClient
) -> None:
    result = client.infer(
        NAME,
        inputs_of(served.case, is_binary=True),
        request_id="a b/ü",
        sequence_id=3,
        sequence_start=True,
        priority=1,
        timeout=1_000_000,
        headers={"x-any": "thing"},
        query_params={"any": "thing"},
        parameters={"any": "thing"},
    )

    assert result.get_response()["id"] == "a b/ü"
    assert result.get_response()["model_name"] == NAME
    assert_same(result.as_numpy("predict"), served.case.right("predict"))


def test_a_body_may_be_built_and_an_answer_read_apart(served: Served) -> None:
    body, length = InferenceServerClient.generate_request_body(inputs_of(served.case, is_binary=True))
    assert length is not None
    with InferenceServerClient(served.address) as client:
        response = client._post(
            f"v2/models/{NAME}/infer", body, {"Inference-Header-Content-Length": length}, None
        )
    result = InferenceServerClient.parse_response_body(
        response.read(), header_length=int(response.get("Inference-Header-Content-Length"))
    )

    assert_same(result.as_numpy("predict"), served.case.right("predict"))


@pytest.mark.parametrize(
    ("name", "version", "values", "status", "message"),
    [
        pytest.param("nope", "", np.zeros((1, 4)), "404", 'no model "nope" here', id="another model"),
        pytest.param(NAME, "7", np.zeros((1, 4)), "404", 'no version "7"', id="another version"),
        pytest.param(NAME, "", np.zeros((1, 3)), "400", r"one input of shape \[rows, 4\]", id="a shape"),
        pytest.param(NAME, "", np.full((1, 4), np.nan), "400", "slength", id="no missing values"),
        pytest.param(NAME, "", np.full((1, 4), np.inf), "400", "slength", id="infinity"),
        pytest.param(NAME, "", np.full((1, 4), "a", object), "400", "slength", id="texts"),
        pytest.param(NAME, "", np.zeros((50_000, 4)), "413", "The body is longer", id="a long body"),
    ],
)
@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "JSON"])
def test_errors_are_read(
    client: InferenceServerClient,
    name: str,
    version: str,
    values: Any,
    status: str,
    message: str,
    *,
    is_binary: bool,
) -> None:
    if len(values) > 1 and not is_binary:
        values = np.tile(values, (2, 1))
    with pytest.raises(InferenceServerException, match=message) as error:
        client.infer(name, [tensor("x", values, is_binary=is_binary)], model_version=version)
    assert error.value.status() == status


def test_an_unknown_output_is_an_error(served: Served, client: InferenceServerClient) -> None:
    for wanted, message in (
        (InferRequestedOutput("predikt"), "did you mean predict"),
        (InferRequestedOutput("predict", class_count=2), "predict_proba"),
    ):
        with pytest.raises(InferenceServerException, match=message):
            client.infer(NAME, inputs_of(served.case, is_binary=True), outputs=[wanted])


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "JSON"])
def test_a_timeout_in_microseconds_is_a_deadline(
    served: Served, client: InferenceServerClient, *, is_binary: bool
) -> None:
    with pytest.raises(InferenceServerException, match="ms that the parameter timeout allows") as error:
        client.infer(NAME, inputs_of(served.case, is_binary=is_binary), timeout=1)

    assert error.value.status() == "504"
