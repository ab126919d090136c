"""Asks the running service for predictions, to verify an image: `python3 -m service.check`.

Standard input holds `{"rows": […]}` or is empty. If it is empty, rows are generated from the example that the
service gives. One JSON object goes to standard output: `rows` (their number), `predictions` and
`probabilities`, or `error`. The exit code is 0 if the service answered every row.

Only the standard library is used.
"""

from __future__ import annotations

import json
import os
import sys
from http.client import HTTPConnection

TIMEOUT_S = 300
BATCH_ROWS = 1000
OK = 200
# Numbers of different signs and sizes, which reach different leaves of a tree. Every model must take them.
PROBES = (0.0, 1.0, -1.5, 100.0)


class PredictionRefused(Exception):
    """The service did not answer with a prediction; `error` is the error that it gave instead."""

    def __init__(self, error: object) -> None:
        super().__init__(str(error))
        self.error = error


class Client:
    """One connection to the service in this container."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)

    def ask(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """Send a request, and give its JSON object; raise `PredictionRefused` unless the status is 200."""
        content = None if body is None else json.dumps(body)
        self.connection.request(
            method, path, content, {"Content-Type": "application/json"} if content else {}
        )
        answer = self.connection.getresponse()
        text = answer.read().decode()
        try:
            record = json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise PredictionRefused(f"{method} {path} gave no strict JSON ({error}): {text[:200]}") from error
        if answer.status != OK or not isinstance(record, dict):
            raise PredictionRefused(record.get("error", record) if isinstance(record, dict) else record)
        return record


def check(client: Client, rows: list[dict[str, object]] | None) -> dict[str, object]:
    """Get predictions for `rows`, or for generated rows if it is None; raise `PredictionRefused`."""
    if rows is None:
        rows = generate_rows(client)
    else:
        names = _feature_names(client)
        # Given rows may have more columns than the model takes, such as an id.
        rows = [{name: value for name, value in row.items() if name in names} for row in rows]
    predictions: list[object] = []
    probabilities: list[object] = []
    for start in range(0, len(rows), BATCH_ROWS):
        answer = client.ask("POST", "/prediction", {"rows": rows[start : start + BATCH_ROWS]})
        predictions += _list(answer, "predictions")
        probabilities += _list(answer, "probabilities")
    if len(predictions) != len(rows):
        raise PredictionRefused(f"{len(rows)} rows were asked for, and {len(predictions)} predictions came")
    return {"rows": len(rows), "predictions": predictions, "probabilities": probabilities or None}


def _feature_names(client: Client) -> set[str]:
    features = client.ask("GET", "/model")["features"]
    return {str(feature["name"]) for feature in features} if isinstance(features, list) else set()


def generate_rows(client: Client) -> list[dict[str, object]]:
    """Generate five rows: the example of the service, and the example with other numbers."""
    example = str(client.ask("GET", "/model")["example"])
    inputs = client.ask("GET", example)["inputs"]
    if not isinstance(inputs, dict):
        raise PredictionRefused(f"{example} gave no inputs")
    changed = ({name: _other(value, probe) for name, value in inputs.items()} for probe in PROBES)
    return [inputs, *changed]


def _other(value: object, probe: float) -> object:
    return probe if type(value) is float else value


def _list(answer: dict[str, object], name: str) -> list[object]:
    found = answer.get(name) or []
    return found if isinstance(found, list) else [found]


def _refuse_constant(name: str) -> object:
    message = f"{name} is no JSON"
    raise ValueError(message)


def main() -> int:
    """Ask for the predictions, print the outcome as JSON, and give the exit code."""
    given = sys.stdin.read()
    rows = json.loads(given)["rows"] if given.strip() else None
    try:
        outcome = check(Client(int(os.environ.get("PORT") or 5000)), rows)
    except (PredictionRefused, OSError) as error:
        outcome = {"error": getattr(error, "error", str(error))}
    print(json.dumps(outcome))  # noqa: T201 (standard output is the result)
    return 1 if "error" in outcome else 0


if __name__ == "__main__":
    sys.exit(main())
