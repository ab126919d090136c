"""What the SDK of SageMaker writes and reads, and its runtime client, whose address is that of the service.

Amazon's endpoint takes the requests of the client to `/invocations` of a container; here the test does that.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import pytest
import requests
from sagemaker.core.deserializers import (
    CSVDeserializer,
    JSONDeserializer,
    JSONLinesDeserializer,
    NumpyDeserializer,
    PandasDeserializer,
)
from sagemaker.core.serializers import CSVSerializer, JSONLinesSerializer, JSONSerializer, NumpySerializer

from tests.clients.cases import CASES, RESULTS, assert_same

if TYPE_CHECKING:
    from tests.clients.conftest import Served

NUMERIC = [name for name in CASES if name != "mixed"]


def invoke(served: Served, writer: Any, reader: Any, data: Any, query: str = "") -> Any:
    accepted = reader.ACCEPT
    answer = requests.post(
        f"{served.url}/invocations{query}",
        data=writer.serialize(data),
        headers={"Content-Type": writer.CONTENT_TYPE, "Accept": ", ".join(accepted)},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    return reader.deserialize(io.BytesIO(answer.content), answer.headers["Content-Type"].partition(";")[0])


@pytest.mark.parametrize("served", NUMERIC, indirect=True)
def test_arrays_get_the_answers_of_every_model(served: Served) -> None:
    main = RESULTS[served.name][0][0]

    found = invoke(served, NumpySerializer(), NumpyDeserializer(), served.case.numbers)

    assert_same(found, served.case.right(main))


@pytest.mark.parametrize("served", NUMERIC, indirect=True)
def test_lists_get_the_answers_of_every_model(served: Served) -> None:
    main = RESULTS[served.name][0][0]
    rows = served.case.numbers

    assert_same(invoke(served, JSONSerializer(), JSONDeserializer(), rows), served.case.right(main))
    lines = invoke(served, JSONLinesSerializer(), JSONLinesDeserializer(), rows.tolist())
    assert_same(lines, served.case.right(main))


@pytest.mark.parametrize("served", CASES, indirect=True)
def test_csv_gets_the_answers_of_every_model(served: Served) -> None:
    right = served.case.right(RESULTS[served.name][0][0])

    found = invoke(served, CSVSerializer(), CSVDeserializer(), served.case.table)

    words = np.array(found)
    assert words.shape == (len(right), right[0].size if right.ndim > 1 else 1)
    assert_same(_typed(words, right), right)


def _typed(words: Any, right: Any) -> Any:
    shaped = words.reshape(right.shape)
    if right.dtype.kind == "b":
        return shaped == "true"
    # Not by way of floats, which do not hold large numbers.
    return shaped if right.dtype.kind in "OUS" else shaped.astype(right.dtype)


@pytest.mark.parametrize("result", ["predict", "predict_proba", "decision_function"])
def test_any_result_comes_in_any_form(served: Served, result: str) -> None:
    right, query = served.case.right(result), f"?output={result}"
    for writer in (NumpySerializer(), JSONSerializer(), CSVSerializer()):
        for reader in (NumpyDeserializer(), JSONDeserializer()):
            assert_same(invoke(served, writer, reader, served.case.numbers, query), right)
        if result != "predict":
            frame = invoke(served, writer, PandasDeserializer(), served.case.numbers, query)
            # The reader takes the first line for a heading, as it does with SageMaker's own containers.
            assert len(frame) in (len(right), len(right) - 1)


def test_the_runtime_client_is_answered(served: Served) -> None:
    client = boto3.client(
        "sagemaker-runtime",
        region_name="eu-west-1",
        endpoint_url=served.url,
        aws_access_key_id="none",
        aws_secret_access_key="none",  # noqa: S106 (nobody looks at it)
    )

    def as_the_endpoint_does(request: Any, **_: object) -> None:
        request.url = f"{served.url}/invocations"

    client.meta.events.register("before-send.sagemaker-runtime.InvokeEndpoint", as_the_endpoint_does)
    answer = client.invoke_endpoint(
        EndpointName="iris",
        ContentType="application/x-npy",
        Accept="application/json",
        Body=NumpySerializer().serialize(served.case.numbers),
    )
    assert_same(
        JSONDeserializer().deserialize(answer["Body"], answer["ContentType"]), served.case.right("predict")
    )

    with pytest.raises(client.exceptions.ClientError) as error:
        client.invoke_endpoint(EndpointName="iris", ContentType="text/csv", Body=b"1,2,3")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_what_the_platform_asks_of_a_container(served: Served) -> None:
    assert requests.get(f"{served.url}/ping", timeout=30).status_code == 200
    told = requests.get(f"{served.url}/execution-parameters", timeout=30).json()
    assert set(told) == {"MaxConcurrentTransforms", "BatchStrategy", "MaxPayloadInMB"}


def test_a_pickle_is_refused(served: Served) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([[print]], dtype=object), allow_pickle=True)
    answer = requests.post(
        f"{served.url}/invocations",
        data=buffer.getvalue(),
        headers={"Content-Type": "application/x-npy"},
        timeout=30,
    )
    assert answer.status_code == 400
    assert answer.json()["error_code"] == "INVALID_INPUT"
