"""Every error as JSON: `{"error": {"code": …, "message": …, "details": …}}`, or as a wire format has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, current_app, g, request
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
)

from service.errors import (
    RIGHTS_ADVICE,
    Busy,
    DeadlineExceeded,
    InvalidInput,
    ModelFailed,
    ModelRefused,
    is_refused,
)
from service.json_values import encode
from service.logs import LOGGER
from service.prediction.exchange import JSON
from service.protocols.error_forms import error_json, explain_absent, protocol_at

if TYPE_CHECKING:
    from service.json_values import JsonValue
    from service.prediction.exchange import Resource
    from service.prediction.served_model import ModelSlot


# The key of Flask's extensions for the slot of the served model.
SLOT = "infer.slot"
# A refusal may name many fields with their values.
LONGEST_LINE = 400


def register_error_answers(app: Flask, slot: ModelSlot) -> None:
    """Let the application answer every exception of its views, and every refusal of Flask's own.

    The wire formats of the served model in `slot` say what answers there are.
    """
    app.extensions[SLOT] = slot
    app.register_error_handler(InvalidInput, _answer_invalid_input)
    app.register_error_handler(ModelFailed, _answer_model_failed)
    app.register_error_handler(ModelRefused, _answer_model_refused)
    app.register_error_handler(Busy, _answer_busy)
    app.register_error_handler(DeadlineExceeded, _answer_late)
    app.register_error_handler(HTTPException, _answer_http_error)
    app.register_error_handler(Exception, _answer_bug)


def most_body_bytes() -> int:
    """Give the length of the longest body that the application takes."""
    most: int = current_app.config["MAX_CONTENT_LENGTH"]
    return most - 1


def json_answer(value: JsonValue, status: int = 200) -> Response:
    """Answer with a value in JSON."""
    return Response(encode(value), status, mimetype=JSON)


def _error(status: int, code: str, message: str, details: JsonValue = None) -> Response:
    protocol = protocol_at(request.path, g.get("resource"))
    return json_answer(error_json(protocol, code, message, details), status)


def _answer_invalid_input(error: InvalidInput) -> Response:
    _note_refusal(error.message)
    g.refused = _problems(error.details) or {error.code}
    return _error(error.status, error.code, error.message, error.details)


def _problems(details: JsonValue) -> set[str]:
    """Give the problems of the fields that an error names."""
    fields = details.get("fields") if isinstance(details, dict) else None
    listed = fields if isinstance(fields, list) else []
    return {str(field["problem"]) for field in listed if isinstance(field, dict)}


def _answer_model_failed(error: ModelFailed) -> Response:
    """Say for which row the model failed; the traceback goes into the log only."""
    LOGGER.error("%s %s failed in the model", request.method, request.path, exc_info=error.__cause__)
    if is_refused(error.__cause__):
        LOGGER.error("%s", RIGHTS_ADVICE)
    details: dict[str, JsonValue] = {"exception": error.kind}
    where = "this request"
    if (row := _row_of(error)) is not None:
        details["row"], where = row, f"row {row}"
    message = f"The model itself failed for {where}, with {error.kind}; the log of the service says why."
    return _error(500, "internal_error", message, details)


def _answer_model_refused(error: ModelRefused) -> Response:
    """Say which row the model refuses, and what it says of it."""
    row = _row_of(error)
    message = f"The model itself refuses this row: {error.reason}"
    entry: dict[str, JsonValue] = {"field": None, "problem": "refused_by_model"}
    if row is not None:
        message = f"row {row}: the model itself refuses it: {error.reason}"
        entry["row"] = row
    entry["message"] = message
    _note_refusal(message)
    g.refused = {"refused_by_model"}
    return _error(422, "refused_by_model", message, {"count": 1, "fields": [entry]})


def _row_of(error: ModelFailed) -> int | None:
    """Give the position of the row in the body; None for a query, which has one row."""
    return None if request.method == "GET" else error.row


def _note_refusal(reason: str) -> None:
    note_refusal(request.method, request.path, reason)


def note_refusal(method: str, path: str, reason: str) -> None:
    """Put the reason of a refusal into the log, on one line that is not too long."""
    line = f"{method} {path} refused: {reason}"
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in line[:LONGEST_LINE])
    LOGGER.info("%s%s", shown, "…" if len(line) > LONGEST_LINE else "")


def _answer_busy(error: Busy) -> Response:
    _note_refusal(str(error))
    g.refused = {"busy"}
    response = _error(
        503,
        "busy",
        "As many predictions as this worker takes on are being received or made; try again in a moment.",
    )
    response.headers["Retry-After"] = "1"
    return response


def _answer_late(error: DeadlineExceeded) -> Response:
    _note_refusal(str(error))
    g.refused = {"deadline_exceeded"}
    return _error(504, "deadline_exceeded", str(error))


def _answer_http_error(error: HTTPException) -> Response:
    """Answer for what Flask refuses. The headers of the refusal (Allow with 405) are kept."""
    code, message, details = _explain_http_error(error)
    _note_refusal(message)
    g.refused = {code}
    response = _error(error.code or 500, code, message, details)
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def _explain_http_error(error: HTTPException) -> tuple[str, str, JsonValue]:
    """Give code, message and details."""
    if isinstance(error, NotFound):
        slot: ModelSlot = current_app.extensions[SLOT]
        return "not_found", explain_absent(request.path, slot.served.names), {"routes": _routes()}
    if isinstance(error, MethodNotAllowed):
        message = f"{request.method} cannot be used at {request.path}."
        return "method_not_allowed", message, {"routes": _routes()}
    if isinstance(error, RequestEntityTooLarge):
        most = most_body_bytes()
        message = f"The body is longer than the {most} bytes that are allowed; send fewer rows."
        return "body_too_large", message, {"max_body_bytes": most}
    return error.name.lower().replace(" ", "_"), error.description or error.name, None


def allowed(resource: Resource) -> str:
    """List the methods of a resource for the header `Allow`."""
    more = ["HEAD"] if "GET" in resource.methods else []
    return ", ".join(sorted([*resource.methods, *more, "OPTIONS"]))


def _routes() -> list[JsonValue]:
    """List the service's own interface as lines like `GET /model`."""
    slot: ModelSlot = current_app.extensions[SLOT]
    own = [one for one in slot.served.resources.values() if one.protocol == "infer"]
    rules = [rule.rule for rule in current_app.url_map.iter_rules()]
    rules = [rule for rule in rules if "<" not in rule and protocol_at(rule, None) == "infer"]
    lines = [f"{method} {resource.route}" for resource in own for method in resource.methods]
    return [*(f"GET {rule}" for rule in rules), *lines]


def _answer_bug(error: Exception) -> Response:
    """Put the traceback into the log; the client is told nothing of the inside."""
    LOGGER.error("%s %s failed", request.method, request.path, exc_info=error)
    return _error(500, "internal_error", "The service could not answer; its log says why.")
