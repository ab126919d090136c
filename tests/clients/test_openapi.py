"""What schemathesis finds of a service by its description, and whether a client made of that works."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import numpy as np
import pytest

if TYPE_CHECKING:
    from tests.clients.conftest import Served

PROGRAMS = Path(sys.executable).parent
SEED = 1
# Of each operation in each phase: schemathesis itself makes the values at the limits, besides these.
EXAMPLES = 15
PATIENCE_S = 300


def schemathesis(document: str, service: Served, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [str(PROGRAMS / "schemathesis"), "run", document, "--url", service.url, "--no-color"]
    options = ["--seed", str(SEED), "--max-examples", str(EXAMPLES), "--generation-database", "none"]
    # How fast it is said to be on a busy machine is no finding.
    options += ["--suppress-health-check", "all"]
    return subprocess.run(
        [*command, *options], capture_output=True, text=True, check=False, timeout=PATIENCE_S, cwd=folder
    )


def document_of(service: Served) -> Any:
    with urlopen(f"{service.url}/openapi.json") as answer:
        return json.load(answer)


@pytest.mark.parametrize("served", ["strings", "mixed", "several labels"], indirect=True)
def test_schemathesis_finds_nothing(served: Served, tmp_path: Path) -> None:
    done = schemathesis(f"{served.url}/openapi.json", served, tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "No issues found" in done.stdout


@pytest.mark.parametrize("is_answer", [True, False], ids=["answer", "row"])
def test_schemathesis_would_find_a_description_that_is_wrong(
    served: Served, tmp_path: Path, *, is_answer: bool
) -> None:
    document = document_of(served)
    schemas = document["components"]["schemas"]
    if is_answer:
        schemas["Predictions"]["properties"]["predictions"]["items"] = {"type": "integer"}
    else:
        schemas["Row"]["properties"]["slength"] = {"type": "string"}
    (tmp_path / "wrong.json").write_text(json.dumps(document))

    done = schemathesis("wrong.json", served, tmp_path)

    assert done.returncode == 1, done.stdout + done.stderr
    assert ("Response violates schema" if is_answer else "Schema-valid request rejected") in done.stdout


@pytest.fixture
def client_package(served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a client of the description of a service, and give the name of its package."""
    command = [str(PROGRAMS / "openapi-python-client"), "generate", "--fail-on-warning"]
    subprocess.run(
        [*command, "--url", f"{served.url}/openapi.json", "--output-path", str(tmp_path / "made")],
        check=True,
        timeout=PATIENCE_S,
        env={"PATH": str(PROGRAMS)},
    )
    monkeypatch.syspath_prepend(tmp_path / "made")
    return next((tmp_path / "made").glob("*/client.py")).parent.name


@pytest.mark.parametrize("served", ["strings"], indirect=True)
def test_a_generated_client_predicts(served: Served, client_package: str) -> None:
    package = importlib.import_module(client_package)
    models = importlib.import_module(f"{client_package}.models")
    one = importlib.import_module(f"{client_package}.api.prediction.predict_one")
    many = importlib.import_module(f"{client_package}.api.prediction.predict")
    rows = served.case.table.to_dict("records")
    client = package.Client(served.url)

    first = one.sync(client=client, **rows[0])
    all_of_them = many.sync(client=client, body=models.Rows([models.Row(**row) for row in rows]))

    right = served.case.right("predict")
    assert first.prediction == right[0]
    assert first.inputs.to_dict() == rows[0]
    assert [str(label) for label in all_of_them.predictions] == [*right]
    shares = [[*each.to_dict().values()] for each in all_of_them.probabilities]
    np.testing.assert_allclose(shares, served.case.right("predict_proba"), rtol=1e-9)


@pytest.mark.parametrize("served", ["mixed", "several labels"], indirect=True)
def test_a_generated_client_takes_other_models(served: Served, client_package: str) -> None:
    package = importlib.import_module(client_package)
    models = importlib.import_module(f"{client_package}.models")
    many = importlib.import_module(f"{client_package}.api.prediction.predict")
    operation = document_of(served)["paths"]["/prediction"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]

    body = models.Rows.from_dict(example)
    answer = many.sync_detailed(client=package.Client(served.url), body=body)

    assert answer.status_code == 200
    assert body.to_dict() == example
    assert len(answer.parsed.predictions) == 1
