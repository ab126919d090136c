"""The client of Triton for asyncio, `tritonclient.http.aio`, as it is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tritonclient.http import InferenceServerException, InferRequestedOutput
from tritonclient.http.aio import InferenceServerClient as AsyncClient

from tests.clients.cases import assert_same
from tests.clients.conftest import NAME
from tests.clients.triton import WAY_IDS, WAYS, arrays_of, inputs_of

if TYPE_CHECKING:
    from tests.clients.conftest import Served


@pytest.mark.parametrize(("is_binary", "wants_binary"), WAYS, ids=WAY_IDS)
@pytest.mark.parametrize("served", ["strings", "mixed"], indirect=True)
def test_the_client_of_asyncio_is_answered_alike(
    served: Served, *, is_binary: bool, wants_binary: bool
) -> None:
    async def ask(compressed_by: str | None) -> dict[str, Any]:
        async with AsyncClient(served.address) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready(NAME)
            assert not await client.is_model_ready("nope")
            assert (await client.get_model_metadata(NAME))["name"] == NAME
            assert (await client.get_model_repository_index())[0]["name"] == NAME
            result = await client.infer(
                NAME,
                inputs_of(served.case, is_binary=is_binary),
                outputs=[
                    InferRequestedOutput(name, binary_data=wants_binary)
                    for name in ("predict", "predict_proba")
                ],
                request_compression_algorithm=compressed_by,
                response_compression_algorithm=compressed_by,
            )
            with pytest.raises(InferenceServerException, match="no model"):
                await client.infer("nope", inputs_of(served.case, is_binary=is_binary))
            return arrays_of(result)

    for compressed_by in (None, "gzip", "deflate"):
        for name, values in asyncio.run(ask(compressed_by)).items():
            assert_same(values, served.case.right(name))


def test_requests_at_once_are_all_answered(served: Served) -> None:
    async def ask() -> list[Any]:
        async with AsyncClient(served.address) as client:
            return await asyncio.gather(
                *(client.infer(NAME, inputs_of(served.case, is_binary=at % 2 == 0)) for at in range(40))
            )

    for result in asyncio.run(ask()):
        assert_same(result.as_numpy("predict_proba"), served.case.right("predict_proba"))
