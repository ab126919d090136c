"""What a service tells of models that were to be served in the place of the one that is."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from http import HTTPStatus
from typing import TYPE_CHECKING

from service.telemetry.service_record import REFUSED
from service.web.error_answers import json_answer

if TYPE_CHECKING:
    from flask import Response

    from service.json_values import JsonValue
    from service.telemetry.service_record import ServiceRecord

POLL_S = 0.1
# A client of the Open Inference Protocol waits no longer; the model is served all the same once it is loaded.
LONGEST_WAIT_S = 600
PARAMETERS = "the service loads its own model file, and takes no parameters for that"


def refused_model(record: ServiceRecord, *, tells_reasons: bool) -> dict[str, JsonValue]:
    """Give the part of `/readyz` about the last model that was to be served, if it was refused."""
    last = record.last
    if last is None or last.outcome != REFUSED:
        return {}
    told: dict[str, JsonValue] = {
        "outcome": last.outcome,
        "ended": datetime.fromtimestamp(last.ended_s, timezone.utc).isoformat(timespec="seconds"),
    }
    if tells_reasons:
        told["reason"] = last.reason
    return {"reload": told}


def load_again(record: ServiceRecord, asked: object = None) -> Response:
    """Have the model file loaded again, and tell how that ended, as the Open Inference Protocol tells it.

    `asked` is the JSON of the request, which may name parameters: a configuration, or files to be served.
    """
    if isinstance(asked, dict) and asked.get("parameters"):
        return json_answer({"error": PARAMETERS}, HTTPStatus.BAD_REQUEST)
    # The process that loads other models, and the one that serves this one.
    if len(record.processes) < 2:  # noqa: PLR2004 (as the line above says)
        return json_answer({"error": "this service cannot load another model"}, HTTPStatus.NOT_IMPLEMENTED)
    number = record.ask()
    deadline = time.monotonic() + LONGEST_WAIT_S
    while record.answered < number:
        if time.monotonic() > deadline or record.is_stopping:
            return json_answer({"error": "the model is not loaded yet"}, HTTPStatus.SERVICE_UNAVAILABLE)
        time.sleep(POLL_S)
    last = record.last
    if last is not None and last.outcome == REFUSED:
        return json_answer({"error": f"the model is not served: {last.reason}"}, HTTPStatus.BAD_REQUEST)
    return json_answer({})
