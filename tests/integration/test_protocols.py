"""One image under the platforms and clients of others: started as they start it, and asked as they ask."""

from __future__ import annotations

import contextlib
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.integration.conftest import find_free_port, unique_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

ROWS = [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]
START_DEADLINE_S = 120


@contextlib.contextmanager
def started(
    engine: Engine, image: str, port: int, *, command: list[str] | None = None, **options: Any
) -> Iterator[str]:
    """Run a container as a platform does, without infer; give the URL of the port in the container."""
    host_port = find_free_port()
    with unique_name(engine) as name:
        container = engine.api.create_container(
            image,
            command,
            name=name,
            ports=[port],
            environment=options.get("environment"),
            host_config=engine.api.create_host_config(
                port_bindings={port: ("127.0.0.1", host_port)},
                binds=options["binds"],
                cap_drop=["ALL"],
                security_opt=["no-new-privileges"],
            ),
        )
        engine.api.start(container)
        url = f"http://127.0.0.1:{host_port}"
        wait_until_ready(engine, name, f"{url}/{options['health']}")
        yield url


def wait_until_ready(engine: Engine, name: str, url: str) -> None:
    deadline = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < deadline and engine.api.inspect_container(name)["State"]["Running"]:
        with contextlib.suppress(URLError, OSError), urlopen(url) as answer:
            assert answer.status == 200
            return
        time.sleep(0.1)
    pytest.fail(f"the service is not ready: {engine.api.logs(name).decode()}")


def ask(url: str, body: bytes | None = None, content_type: str = "application/json") -> Any:
    with urlopen(Request(url, body, {"Content-Type": content_type})) as answer:
        found = answer.read()
        return json.loads(found) if answer.headers["Content-Type"] == "application/json" else found


def test_sagemaker_starts_the_image_with_its_own_word(
    engine: Engine, iris_image: str, iris_folder: Path
) -> None:
    binds = [f"{iris_folder}:/opt/ml/model:ro"]
    with started(engine, iris_image, 8080, command=["serve"], binds=binds, health="ping") as url:
        assert ask(f"{url}/invocations", json.dumps(ROWS).encode()) == ["setosa", "virginica"]
        lines = b"5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n"
        assert ask(f"{url}/invocations", lines, "text/csv") == ["setosa", "virginica"]
        data = [[row[3], *row[:3]] for row in ROWS]
        headed = {"dataframe_split": {"columns": ["pwidth", "slength", "swidth", "plength"], "data": data}}
        assert ask(f"{url}/invocations", json.dumps(headed).encode()) == {
            "predictions": ["setosa", "virginica"]
        }
        with pytest.raises(HTTPError) as refused:
            ask(f"{url}/invocations", b"[[1, 2]]")
        assert json.load(refused.value)["error_code"] == "INVALID_INPUT"


def test_vertex_ai_chooses_port_and_paths(engine: Engine, iris_image: str, iris_folder: Path) -> None:
    environment = {
        "AIP_HTTP_PORT": "7080",
        "AIP_MODE": "PREDICTION",
        "AIP_HEALTH_ROUTE": "/v1/endpoints/1/deployedModels/2",
        "AIP_PREDICT_ROUTE": "/v1/endpoints/1/deployedModels/2:predict",
    }
    health = environment["AIP_HEALTH_ROUTE"].strip("/")
    binds = [f"{iris_folder}:/data:ro"]
    with started(engine, iris_image, 7080, environment=environment, binds=binds, health=health) as url:
        answer = ask(f"{url}/{health}:predict", json.dumps({"instances": ROWS, "parameters": {}}).encode())
        assert answer == {"predictions": ["setosa", "virginica"]}


def test_a_service_of_infer_is_asked_by_its_name(
    infer: Callable[..., Finished], iris_service: str, free_port: int
) -> None:
    url = f"http://127.0.0.1:{free_port}/v2/models/{iris_service}"
    tensor = {"name": "x", "shape": [2, 4], "datatype": "FP64", "data": ROWS}

    assert ask(f"{url}/ready") == {"name": iris_service, "ready": True}
    answer = ask(f"{url}/infer", json.dumps({"inputs": [tensor]}).encode())
    assert answer["model_name"] == iris_service
    assert answer["outputs"][0]["data"] == ["setosa", "virginica"]

    assert infer("restart", iris_service).exit_code == 0
    assert ask(f"{url}/ready")["ready"] is True
