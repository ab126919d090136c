"""The peers: other servers, each with the settings that were fastest for it on two cores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.contender import Answer

_GUNICORN = ("gunicorn==27.0.1",)
_FASTAPI = ("fastapi==0.165.0", "uvicorn[standard]==0.54.0")
_UVICORN = ("--port", "{port}", "--workers", "2", "--no-access-log", "--log-level", "warning")

# A hand-tuned service without any checks, and no product: it is in the table, but never the best peer.
TUNED = "fastapi-tuned"


def _rows(rows: Sequence[Sequence[float]]) -> object:
    return {"rows": rows}


def _predictions(answer: Answer) -> Sequence[float]:
    return [float(label) for label in answer["predictions"]]


def _inference_protocol(rows: Sequence[Sequence[float]]) -> object:
    values = [value for row in rows for value in row]
    return {"inputs": [{"name": "x", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": values}]}


PEERS = (
    Peer(
        name="flask",
        packages=("flask==3.1.3", *_GUNICORN),
        command=("{bin}/gunicorn", "-b", "127.0.0.1:{port}", "-w", "2", "--chdir", "{apps}", "flask_app:app"),
        path="/predict",
        body=_rows,
        labels=_predictions,
        ready="/health",
    ),
    Peer(
        name="fastapi",
        packages=_FASTAPI,
        command=("{bin}/uvicorn", *_UVICORN, "--app-dir", "{apps}", "fastapi_app:app"),
        path="/predict",
        body=_rows,
        labels=_predictions,
        ready="/openapi.json",
    ),
    Peer(
        name="kserve",
        packages=("kserve==0.21.0",),
        # By default KServe logs three lines for each request.
        command=(
            *("{bin}/python", "{apps}/kserve_app.py", "--http_port", "{port}", "--workers", "2"),
            *("--enable_grpc", "false", "--enable_latency_logging", "false"),
            *("--log_config_file", "{apps}/kserve_logs.json"),
        ),
        path="/v1/models/model:predict",
        body=lambda rows: {"instances": rows},
        labels=_predictions,
        ready="/v1/models/model",
    ),
    Peer(
        name="mlserver",
        packages=("mlserver==1.7.1", "mlserver-sklearn==1.7.1"),
        once=("{bin}/python", "{apps}/mlserver_folder.py", "{work}"),
        command=("{bin}/mlserver", "start", "{work}"),
        environment={
            "MLSERVER_HTTP_PORT": "{port}",
            "MLSERVER_GRPC_PORT": "{port+1}",
            "MLSERVER_METRICS_PORT": "{port+2}",
            "MLSERVER_HOST": "127.0.0.1",
        },
        path="/v2/models/model/infer",
        body=_inference_protocol,
        labels=lambda answer: answer["outputs"][0]["data"],
        ready="/v2/models/model/ready",
    ),
    Peer(
        name="bentoml",
        # BentoML locks packages with uv when it builds.
        packages=("bentoml==1.4.39", "uv==0.9.30"),
        command=(
            "{bin}/bentoml",
            "serve",
            "--port",
            "{port}",
            "--working-dir",
            "{apps}",
            "bentoml_app:Pickled",
        ),
        environment={"BENTOML_DO_NOT_TRACK": "True"},
        path="/predict",
        body=_rows,
        labels=lambda answer: answer,
        ready="/readyz",
    ),
    Peer(
        name="litserve",
        packages=("litserve==0.2.19",),
        command=("{bin}/python", "{apps}/litserve_app.py"),
        path="/predict",
        body=_rows,
        labels=_predictions,
        ready="/health",
    ),
    Peer(
        name="mlflow",
        packages=("mlflow==3.17.2",),
        once=("{bin}/python", "{apps}/mlflow_model.py", "{work}"),
        command=(
            *("{bin}/mlflow", "models", "serve", "--model-uri", "{work}", "--env-manager", "local"),
            *("--host", "127.0.0.1", "--port", "{port}", "--workers", "2"),
        ),
        path="/invocations",
        body=lambda rows: {"inputs": rows},
        labels=_predictions,
        ready="/ping",
    ),
    Peer(
        name="vetiver",
        packages=("vetiver==0.2.6",),
        command=("{bin}/uvicorn", *_UVICORN, "--app-dir", "{apps}", "vetiver_app:app"),
        path="/predict",
        body=lambda rows: [{str(at): value for at, value in enumerate(row)} for row in rows],
        labels=lambda answer: answer["predict"],
        ready="/ping",
    ),
    Peer(
        name=TUNED,
        packages=(*_FASTAPI, "orjson==3.13.0"),
        command=("{bin}/uvicorn", *_UVICORN, "--app-dir", "{apps}", "fastapi_tuned_app:app"),
        path="/predict",
        body=_rows,
        labels=_predictions,
        ready="/health",
    ),
)
