"""What a service says when it does not answer with predictions, as errors of infer."""

from __future__ import annotations

from typing import TypedDict

from infer_cli.errors import PredictionFailed, RowsRefused, ServiceAway

READ_THE_LOG = "see what it says: `infer logs`"
# A proxy in front of the service says the last two for it.
BUSY, BAD_GATEWAY, GATEWAY_TIMEOUT = 503, 502, 504
AWAY = frozenset((BUSY, BAD_GATEWAY, GATEWAY_TIMEOUT))
_REFUSED_BY_MODEL = 422
_FAULT = 500
# The body is wrong or too large, or the model itself refuses a row: fewer rows may be answered.
_ABOUT_ROWS = frozenset((400, 413, _REFUSED_BY_MODEL))
# No token, a wrong one, or one for something else.
_NOT_LET_IN = frozenset((401, 403))
HOW_TO_GET_IN = "set INFER_TOKEN to a token of it; whoever started it has one: `infer token`"
_SHOWN_PROBLEMS = 20


class _ErrorDetails(TypedDict, total=False):
    """The `error` of a refusal."""

    message: str
    details: object


class ErrorRecord(TypedDict, total=False):
    """A refusal; anything that answers at the port may have sent it, so that all parts may be missing."""

    error: _ErrorDetails


def refused(
    url: str, path: str, status: int, record: ErrorRecord, *, first_row: int | None
) -> PredictionFailed:
    """The error for a refusal; its lines name rows, counted from `first_row`, unless that is None."""
    error = record.get("error") or {}
    said = str(error.get("message", "no reason given"))
    details = error.get("details")
    problems = details.get("fields") if isinstance(details, dict) else details
    if not isinstance(problems, list) or not problems:
        message = f"the service refused {path} ({status}): {said}"
        if status in AWAY:
            return ServiceAway(message, hint=READ_THE_LOG)
        if status in _ABOUT_ROWS or (status == _FAULT and _is_of_the_model(details)):
            return RowsRefused(message, hint=READ_THE_LOG, reason=said, by_row=_failed_row(details, said))
        return PredictionFailed(message, hint=HOW_TO_GET_IN if status in _NOT_LET_IN else READ_THE_LOG)
    lines = [_problem_line(problem, first_row) for problem in problems]
    # The service lists no more than some of many problems, and counts them all.
    count = max(len(lines), int(details.get("count") or 0)) if isinstance(details, dict) else len(lines)
    shown = lines[:_SHOWN_PROBLEMS]
    if count > len(shown):
        shown.append(f"  … and {count - len(shown)} more")
    wrong = "one value is wrong" if count == 1 else f"{count} values are wrong"
    return RowsRefused(
        "the model refuses a row" if status == _REFUSED_BY_MODEL else wrong,
        detail="\n".join(shown),
        hint=f"what the model takes: `curl {url}/model`",
        reason=said,
        by_row=_by_row(problems, is_cut=count > len(problems)),
    )


def _is_of_the_model(details: object) -> bool:
    """Whether the model itself failed: for a row that the details name, or for the rows together."""
    return isinstance(details, dict) and "exception" in details


def _failed_row(details: object, said: str) -> dict[int, str]:
    row = details.get("row") if isinstance(details, dict) else None
    return {row: said.removeprefix(f"row {row}: ")} if isinstance(row, int) else {}


def _by_row(problems: list[object], *, is_cut: bool) -> dict[int, str]:
    """The reason for each refused row, with all that is wrong with it; nothing if no row is named.

    `is_cut`: there are more problems than these. Of the last row some may be missing, so that it is left to
    the next request.
    """
    found: dict[int, list[str]] = {}
    for problem in problems:
        row = problem.get("row") if isinstance(problem, dict) else None
        if not isinstance(row, int):
            return {}
        found.setdefault(row, []).append(_problem_line(problem, None).strip())
    if is_cut and len(found) > 1:
        found.popitem()
    return {row: "; ".join(reasons) for row, reasons in found.items()}


def _problem_line(problem: object, first_row: int | None) -> str:
    if not isinstance(problem, dict):
        return f"  {problem}"
    message = str(problem.get("message") or problem)
    row = problem.get("row")
    if isinstance(row, int):
        message = message.removeprefix(f"row {row}: ")
        if first_row is not None:
            message = f"row {first_row + row}: {message}"
    return f"  {message}"
