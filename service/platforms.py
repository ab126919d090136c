"""What hosting platforms say by variables and arguments of their own, as settings of the service."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SUFFIXES = (".joblib", ".pkl", ".pickle", ".skops", ".onnx", ".lean", ".ubj", ".cbm", ".json", ".txt")
# Amazon SageMaker starts a container with the argument `serve`, and unpacks the model there.
SAGEMAKER_ARGUMENT, SAGEMAKER_PORT, SAGEMAKER_FOLDER = "serve", "8080", "/opt/ml/model"
# What else may stand beside a model, and is none.
NO_MODELS = ("infer.json", "requirements.txt")
OPTIONS = {"model_name": "MODEL_NAME", "model_dir": "MODEL_FILE", "http_port": "PORT"}


def with_platform(environment: Mapping[str, str], arguments: Sequence[str]) -> dict[str, str]:
    """Give the environment with the settings that a platform means.

    Vertex AI sets `AIP_HTTP_PORT`, `AIP_PREDICT_ROUTE` and `AIP_HEALTH_ROUTE`. SageMaker gives the argument
    `serve`, and may set `SAGEMAKER_BIND_TO_PORT` and `SAGEMAKER_MAX_PAYLOAD_IN_MB`. KServe gives its own
    servers the options `--model_name`, `--model_dir`, `--http_port`, and others, which mean nothing here.
    Cloud Run and Heroku set `PORT`.
    """
    found = dict(environment)
    for name, setting in (
        ("AIP_HTTP_PORT", "PORT"),
        ("AIP_PREDICT_ROUTE", "PREDICT_ROUTE"),
        ("AIP_HEALTH_ROUTE", "HEALTH_ROUTE"),
    ):
        if environment.get(name, "").strip():
            found[setting] = environment[name]
    if SAGEMAKER_ARGUMENT in arguments:
        found["PORT"] = environment.get("SAGEMAKER_BIND_TO_PORT", "").strip() or SAGEMAKER_PORT
        most = environment.get("SAGEMAKER_MAX_PAYLOAD_IN_MB", "").strip()
        if most.isdecimal():
            found.setdefault("MAX_BODY_BYTES", str(int(most) * 2**20))
        configured = Path(environment.get("MODEL_FILE", "").strip() or "/nowhere")
        if Path(SAGEMAKER_FOLDER).is_dir() and not configured.is_file():
            found["MODEL_FILE"] = _model_of(Path(SAGEMAKER_FOLDER))
    for name, value in _options(arguments).items():
        if name in OPTIONS and value:
            found[OPTIONS[name]] = _model_of(Path(value)) if name == "model_dir" else value
    return found


def _options(arguments: Sequence[str]) -> dict[str, str]:
    """Read options that are written as `--name=value` or `--name value`."""
    found: dict[str, str] = {}
    waiting = ""
    for argument in arguments:
        if argument.startswith("--"):
            waiting, _, value = argument[2:].partition("=")
            found[waiting] = value
        elif waiting:
            found[waiting] = found[waiting] or argument
            waiting = ""
    return found


def _model_of(folder: Path) -> str:
    """Give the one model of a folder; the folder itself, which cannot be served, if there is not one."""
    files = [
        file
        for file in sorted(folder.iterdir() if folder.is_dir() else ())
        if file.is_file() and file.suffix in SUFFIXES and file.name not in NO_MODELS
    ]
    return str(files[0] if len(files) == 1 else folder)
