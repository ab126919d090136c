"""The client of KServe, `kserve.InferenceRESTClient`, as it is."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pandas as pd
import pytest
from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig
from kserve.protocol.infer_type import RequestedOutput

from tests.clients.cases import CASES, RESULTS, assert_same
from tests.clients.conftest import NAME

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.clients.cases import Case
    from tests.clients.conftest import Served

DATATYPES = {"f": "FP64", "i": "INT64", "b": "BOOL", "O": "BYTES"}


def ask(protocol: str, question: Callable[[InferenceRESTClient], Awaitable[Any]]) -> Any:
    async def answer() -> Any:
        async with InferenceRESTClient(RESTConfig(protocol=protocol)) as client:
            return await question(client)

    return asyncio.run(answer())


def inputs_of(case: Case, *, is_binary: bool) -> list[InferInput]:
    table = case.table
    if not isinstance(table, pd.DataFrame) or all(dtype.kind == "f" for dtype in table.dtypes):
        columns = {"input-0": case.numbers}
    else:
        columns = {name: column.to_numpy() for name, column in table.items()}
    inputs = []
    for name, values in columns.items():
        given = InferInput(name, list(values.shape), DATATYPES[values.dtype.kind])
        given.set_data_from_numpy(values, binary_data=is_binary)
        inputs.append(given)
    return inputs


@pytest.mark.parametrize("wants_binary", [True, False], ids=["to binary", "to JSON"])
@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "JSON"])
@pytest.mark.parametrize("served", CASES, indirect=True)
def test_version_2_gives_the_answers_of_every_model(
    served: Served, *, is_binary: bool, wants_binary: bool
) -> None:
    usual, further = RESULTS[served.name]
    wanted = dict.fromkeys(name.partition(".")[0] for name in [*usual, *further])
    request = InferRequest(
        NAME,
        inputs_of(served.case, is_binary=is_binary),
        request_id="7",
        request_outputs=[RequestedOutput(name, {"binary_data": wants_binary}) for name in wanted],
    )

    found = ask("v2", lambda client: client.infer(served.url, request, model_name=NAME))

    assert (found.model_name, found.id) == (NAME, "7")
    assert [output.name for output in found.outputs] == [*usual, *further]
    for output in found.outputs:
        assert_same(output.as_numpy(), served.case.right(output.name), is_json=not wants_binary)


@pytest.mark.parametrize("is_binary", [True, False], ids=["binary", "JSON"])
def test_version_2_without_a_choice_answers_in_json(served: Served, *, is_binary: bool) -> None:
    request = InferRequest(NAME, inputs_of(served.case, is_binary=is_binary))

    found = ask("v2", lambda client: client.infer(served.url, request, model_name=NAME))

    assert [output.name for output in found.outputs] == RESULTS[served.name][0]
    assert_same(found.outputs[0].as_numpy(), served.case.right("predict"))


def test_version_2_takes_a_whole_table(served: Served) -> None:
    given = InferInput("input-0", [2, 4], "FP32")
    values = served.case.numbers[:2].astype(np.float32)
    given.set_data_from_numpy(values)
    request = InferRequest(NAME, [given], request_outputs=[RequestedOutput("output-0")])

    [output] = ask("v2", lambda client: client.infer(served.url, request, model_name=NAME)).outputs

    assert output.name == "output-0"
    assert_same(output.as_numpy(), served.case.right("predict")[:2])


def rows_of(case: Case) -> list[Any]:
    if isinstance(case.table, pd.DataFrame):
        table = case.table.astype(object).where(case.table.notna(), None)
        return [dict(zip(table, row, strict=True)) for row in table.to_numpy().tolist()]
    rows: list[Any] = case.table.tolist()
    return rows


@pytest.mark.parametrize("form", ["instances", "inputs"])
@pytest.mark.parametrize("served", CASES, indirect=True)
def test_version_1_gives_the_answers_of_every_model(served: Served, form: str) -> None:
    found = ask("v1", lambda client: client.infer(served.url, {form: rows_of(served.case)}, model_name=NAME))

    assert list(found) == ["predictions"]
    assert_same(found["predictions"], served.case.right(RESULTS[served.name][0][0]))


async def _predict(served: Served, rows: list[Any], client: InferenceRESTClient) -> Any:
    return await client.infer(served.url, {"instances": rows}, model_name=NAME)


async def _is_ready(served: Served, name: str, client: InferenceRESTClient) -> Any:
    return await client.is_model_ready(served.url, name)


def test_version_1_takes_scalars_in_lists_and_lists_of_values(served: Served) -> None:
    for rows in (
        [{name: [value] for name, value in row.items()} for row in rows_of(served.case)],
        served.case.numbers.tolist(),
    ):
        found = ask("v1", partial(_predict, served, rows))

        assert_same(found["predictions"], served.case.right("predict"))


@pytest.mark.parametrize("protocol", ["v1", "v2"])
def test_a_wrong_name_is_not_ready(served: Served, protocol: str) -> None:
    assert ask(protocol, lambda client: client.is_server_live(served.url)) is True
    for name in (NAME, served.name, "model", "mlflow-model"):
        assert ask(protocol, partial(_is_ready, served, name)) is True
    if protocol == "v2":
        assert ask(protocol, lambda client: client.is_server_ready(served.url)) is True
        assert ask(protocol, lambda client: client.is_model_ready(served.url, "nope")) is False
    else:
        with pytest.raises(httpx.HTTPStatusError, match='no model "nope" here'):
            ask(protocol, lambda client: client.is_model_ready(served.url, "nope"))


@pytest.mark.parametrize(
    ("protocol", "name", "data", "status", "message"),
    [
        ("v1", NAME, {"instances": [{"slength": 1.0}]}, 400, "swidth is missing"),
        ("v1", NAME, {"instances": 7}, 400, "instances must be a list"),
        ("v1", NAME, {}, 400, "instances"),
        ("v1", "nope", {"instances": []}, 404, 'no model "nope" here'),
        ("v2", NAME, {"inputs": []}, 400, "at least one tensor"),
        ("v2", "nope", {"inputs": []}, 404, 'no model "nope" here'),
    ],
)
def test_errors_are_read(
    served: Served, protocol: str, name: str, data: object, status: int, message: str
) -> None:
    with pytest.raises(httpx.HTTPStatusError, match=message) as error:
        ask(protocol, lambda client: client.infer(served.url, data, model_name=name))
    assert error.value.response.status_code == status
