from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import service
from service import platforms
from service.platforms import with_platform

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        pytest.param({"PORT": "5000"}, [], {"PORT": "5000"}, id="none"),
        pytest.param(
            {"PORT": "5000", "AIP_HTTP_PORT": "8080", "AIP_PREDICT_ROUTE": "/p", "AIP_HEALTH_ROUTE": "/h"},
            [],
            {"PORT": "8080", "PREDICT_ROUTE": "/p", "HEALTH_ROUTE": "/h"},
            id="Vertex AI",
        ),
        pytest.param({"PORT": "5000", "MODEL_FILE": "/m"}, ["serve"], {"PORT": "8080"}, id="SageMaker"),
        pytest.param(
            {"PORT": "5000", "SAGEMAKER_BIND_TO_PORT": "9000"}, ["serve"], {"PORT": "9000"}, id="its port"
        ),
        pytest.param(
            {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "50"}, ["serve"], {"MAX_BODY_BYTES": "52428800"}, id="its limit"
        ),
        pytest.param(
            {"SAGEMAKER_MAX_PAYLOAD_IN_MB": "50", "MAX_BODY_BYTES": "7"},
            ["serve"],
            {"MAX_BODY_BYTES": "7"},
            id="the user's limit",
        ),
        pytest.param(
            {"PORT": "5000"},
            ["--model_name=iris", "--http_port", "8081", "--protocol", "v2", "--workers=2"],
            {"PORT": "8081", "MODEL_NAME": "iris"},
            id="KServe",
        ),
    ],
)
def test_what_a_platform_says_becomes_settings(
    environment: dict[str, str], arguments: list[str], expected: dict[str, str]
) -> None:
    found = with_platform(environment, arguments)

    assert {name: found[name] for name in expected} == expected
    # What the platform itself has set stays.
    assert set(environment) <= set(found)


def test_the_one_model_of_a_folder_is_served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model.joblib"
    model.touch()
    (tmp_path / "infer.json").touch()
    (tmp_path / "requirements.txt").touch()
    monkeypatch.setattr(platforms, "SAGEMAKER_FOLDER", str(tmp_path))

    assert with_platform({}, ["serve"])["MODEL_FILE"] == str(model)
    assert with_platform({}, [f"--model_dir={tmp_path}"])["MODEL_FILE"] == str(model)
    # A model that the image holds comes first.
    assert with_platform({"MODEL_FILE": str(model)}, ["serve"])["MODEL_FILE"] == str(model)

    (tmp_path / "other.pkl").touch()
    assert with_platform({}, ["serve"])["MODEL_FILE"] == str(tmp_path)


def test_the_service_bears_the_version_of_the_command_line() -> None:
    infer_cli = pytest.importorskip("infer_cli", reason="infer_cli needs Python 3.11")

    assert service.__version__ == infer_cli.__version__
