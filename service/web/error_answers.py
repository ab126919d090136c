"""Every error as JSON of one shape: `{"error": {"code": …, "message": …, "details": …}}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, current_app, request
from werkzeug.exceptions import (
    HTTPException,
    MethodNotAllowed,
    NotFound,
    RequestEntityTooLarge,
    UnsupportedMediaType,
)

from service.errors import Busy, InvalidInput, ModelFailed, ModelRefused
from service.json_values import encode
from service.logs import LOGGER
from service.protocols.infer import JSON

if TYPE_CHECKING:
    from service.json_values import JsonValue


# A refusal may name many fields with their values.
LONGEST_LINE = 400


def register_error_answers(app: Flask) -> None:
    """Let the application answer every exception of its views, and every refusal of Flask's own."""
    app.register_error_handler(InvalidInput, _answer_invalid_input)
    app.register_error_handler(ModelFailed, _answer_model_failed)
    app.register_error_handler(ModelRefused, _answer_model_refused)
    app.register_error_handler(Busy, _answer_busy)
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
    return json_answer({"error": {"code": code, "message": message, "details": details}}, status)


def _answer_invalid_input(error: InvalidInput) -> Response:
    _note_refusal(error.message)
    return _error(400, error.code, error.message, error.details)


def _answer_model_failed(error: ModelFailed) -> Response:
    """Say for which row the model failed; the traceback goes into the log only."""
    LOGGER.error("%s %s failed in the model", request.method, request.path, exc_info=error.__cause__)
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
    return _error(422, "refused_by_model", message, {"count": 1, "fields": [entry]})


def _row_of(error: ModelFailed) -> int | None:
    """Give the position of the row in the body; None for a query, which has one row."""
    return None if request.method == "GET" else error.row


def _note_refusal(reason: str) -> None:
    """Put the reason of a refusal into the log, on one line that is not too long."""
    line = f"{request.method} {request.path} refused: {reason}"
    shown = "".join(each if each.isprintable() else repr(each)[1:-1] for each in line[:LONGEST_LINE])
    LOGGER.info("%s%s", shown, "…" if len(line) > LONGEST_LINE else "")


def _answer_busy(_: Busy) -> Response:
    _note_refusal("all slots of this worker are taken")
    response = _error(
        503,
        "busy",
        "As many predictions as this worker takes on are being received or made; try again in a moment.",
    )
    response.headers["Retry-After"] = "1"
    return response


def _answer_http_error(error: HTTPException) -> Response:
    """Answer for what Flask refuses. The headers of the refusal (Allow with 405) are kept."""
    code, message, details = _explain_http_error(error)
    _note_refusal(message)
    response = _error(error.code or 500, code, message, details)
    for name, value in error.get_headers():
        if name != "Content-Type":
            response.headers[name] = value
    return response


def _explain_http_error(error: HTTPException) -> tuple[str, str, JsonValue]:
    """Give code, message and details."""
    if isinstance(error, NotFound):
        return "not_found", f"There is nothing at {request.path}.", {"routes": _routes()}
    if isinstance(error, MethodNotAllowed):
        message = f"{request.method} cannot be used at {request.path}."
        return "method_not_allowed", message, {"routes": _routes()}
    if isinstance(error, RequestEntityTooLarge):
        most = most_body_bytes()
        message = f"The body is longer than the {most} bytes that are allowed; send fewer rows."
        return "body_too_large", message, {"max_body_bytes": most}
    if isinstance(error, UnsupportedMediaType):
        message = f"The body must be sent with the header Content-Type: {JSON}."
        return "unsupported_media_type", message, None
    return error.name.lower().replace(" ", "_"), error.description or error.name, None


def _routes() -> list[JsonValue]:
    """List the interface as lines like `GET /model`."""
    shown = ("GET", "POST")
    rules = [rule for rule in current_app.url_map.iter_rules() if rule.endpoint != "static"]
    lines = [f"{method} {rule.rule}" for rule in rules for method in shown if method in (rule.methods or ())]
    return [*lines]


def _answer_bug(error: Exception) -> Response:
    """Put the traceback into the log; the client is told nothing of the inside."""
    LOGGER.error("%s %s failed", request.method, request.path, exc_info=error)
    return _error(500, "internal_error", "The service could not answer; its log says why.")
