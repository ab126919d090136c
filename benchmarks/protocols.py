"""The wire formats of the service beside its own endpoint, with one row and with a thousand."""

from __future__ import annotations

import json
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmarks.columns import Column
from benchmarks.contender import Line
from benchmarks.load import Request
from benchmarks.own import OWN, OwnService, bridge_url, objects, own_container

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.columns import Case
    from benchmarks.contender import Answer

PROTOCOL_COLUMNS = (
    Column("logistic", "iris, LogisticRegression, 1 row", "logistic"),
    Column("boosting", "30 columns, scaler and HistGradientBoosting, 1 row", "boosting"),
    Column("logistic-table", "30 columns, LogisticRegression, 1000 rows", "wide-logistic", 1000, 4),
    Column("forest-table", "30 columns, RandomForest(100), 1000 rows", "wide-forest", 1000, 4),
    Column("boosting-table", "30 columns, scaler and HistGradientBoosting, 1000 rows", "boosting", 1000, 4),
)
_V2 = "/v2/models/model/infer"


class OwnProtocols(OwnService):
    """The service of infer, asked in each of its wire formats."""

    @contextmanager
    def running(self, column: Column, cases: Sequence[Case]) -> Iterator[tuple[Line, ...]]:
        """Serve the model of `column`; raises `Problem`."""
        with own_container(self._images[column.model]) as raw:
            url = bridge_url(raw)
            yield tuple(
                Line(name, url, tuple(map(ask, cases)), labels) for name, (ask, labels) in FORMATS.items()
            )


def _predictions(answer: Answer) -> list[float]:
    return [float(label) for label in answer["predictions"]]


def _first_output(answer: Answer) -> list[float]:
    return [float(label) for label in answer["outputs"][0]["data"]]


def _tensor(case: Case) -> dict[str, object]:
    return {"name": "x", "shape": [len(case.rows), len(case.rows[0])], "datatype": "FP64"}


def _flat(case: Case) -> list[float]:
    return [value for row in case.rows for value in row]


def _binary(case: Case) -> Request:
    """A V2 request whose tensor stands behind the JSON as bytes."""
    data = struct.pack(f"<{len(_flat(case))}d", *_flat(case))
    tensor = {**_tensor(case), "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [tensor]}).encode()
    length = ("Inference-Header-Content-Length", str(len(head)))
    return Request("POST", _V2, head + data, "application/octet-stream", (length,))


def _csv(case: Case) -> Request:
    names = ",".join(f"x{at}" for at in range(len(case.rows[0])))
    lines = [names, *(",".join(map(repr, row)) for row in case.rows)]
    return Request("POST", "/invocations", "\n".join(lines).encode(), "text/csv")


# The request for a case, and the labels of its answer, by name.
FORMATS: dict[str, tuple[Callable[[Case], Request], Callable[[Answer], Sequence[float]]]] = {
    OWN: (lambda case: Request.of_json("/prediction", objects(case)), _predictions),
    "V1 (KServe)": (
        lambda case: Request.of_json("/v1/models/model:predict", {"instances": case.rows}),
        _predictions,
    ),
    "V2, JSON": (
        lambda case: Request.of_json(_V2, {"inputs": [{**_tensor(case), "data": _flat(case)}]}),
        _first_output,
    ),
    "V2, binary": (_binary, _first_output),
    "MLflow, inputs": (lambda case: Request.of_json("/invocations", {"inputs": case.rows}), _predictions),
    "MLflow, records": (
        lambda case: Request.of_json("/invocations", {"dataframe_records": objects(case)["rows"]}),
        _predictions,
    ),
    "SageMaker, CSV": (_csv, _predictions),
}
