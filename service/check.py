"""Asks the running service for predictions, to prove an image: `python3 -m service.check`.

Standard input holds `{"rows": […]}`, or is empty. If it is empty, rows are made of what the model knows. With
`{"describe": true}`, the answer of `/model` is the output. The program first waits until the service is
ready, at most `timeout_s` seconds; meanwhile the model is loaded for its own answers.

One JSON object goes to standard output: `rows` is the number of rows that the service answered,
`predictions` and `probabilities` are its answers, and `tolerance` is how far their numbers may differ.
`judged` of the rows were compared with the answers of the model itself, which `service.own_answers` gives:
each row alone in JSON, among the others and, `queried` of them, in a query. Where the model cannot be asked
apart from the service, `judged` is 0, `judge` perhaps says why, and the service's answers are compared with
each other. Or the object has `error`, and `kind`: `different` for an answer that differs, `no_rows` if no
made row is answered, `crashed` if the model itself crashes, `not_ready` if the service does not become
ready. The exit code is 0 if there is no error.

Only the standard library is used.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from service.protocols.readings import BOOLEAN, NUMBER
from service.same_answers import PARTS, is_same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TIMEOUT_S = 300
POLL_S = 0.05
# The server closes a connection that is idle for 30 seconds; the model may take longer for its own answers.
IDLE_S = 5
BATCH_ROWS = 1000
OK, BAD_REQUEST = 200, 400
# Of the rows that were made, so many are enough.
ENOUGH_ROWS = 20
JUDGE = (sys.executable, "-m", "service.own_answers")
LONGEST_SHOWN = 500
# Longer ones may be refused on the way.
LONGEST_QUERY = 4000
REASONS_MAX = 3
# Of given rows, so many are judged, spread over all of them; `service.own_answers` chooses the same.
JUDGED_ROWS = 100
# The exit codes of a judge whose compiled code crashed. One that was killed may only have lacked memory.
CRASH_CODES = [
    128 + number for number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)
]


class PredictionRefused(Exception):
    """The service did not answer with a prediction; `error` is the error that it gave instead."""

    def __init__(self, error: object, status: int = 0) -> None:
        super().__init__(str(error))
        self.error = error
        self.status = status

    @property
    def message(self) -> str:
        """The message of the service."""
        return str(self.error.get("message", self.error) if isinstance(self.error, dict) else self.error)


class Failed(Exception):
    """The proof failed; `outcome` is what to print."""

    def __init__(self, kind: str, message: str, details: list[str]) -> None:
        super().__init__(message)
        self.outcome = {"kind": kind, "error": message, "details": details}


class Client:
    """One connection to the service in this container."""

    def __init__(self, port: int) -> None:
        self.connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self._used_at = time.monotonic()

    def wait_until_ready(self, timeout_s: float = TIMEOUT_S) -> None:
        """Wait until the service is ready; raise `Failed` if that takes longer than `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            try:
                self.connection.request("GET", "/readyz")
                answer = self.connection.getresponse()
                answer.read()
                if answer.status == OK:
                    return
            except (OSError, HTTPException):
                # It does not listen yet.
                self.connection.close()
            time.sleep(POLL_S)
        message = f"the service was not ready after {timeout_s:g} s"
        raise Failed("not_ready", message, [])

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Send a request, and give its JSON object; raise `PredictionRefused` unless the status is 200."""
        content = None if body is None else json.dumps(body)
        if time.monotonic() - self._used_at > IDLE_S:
            # The next request opens a new one.
            self.connection.close()
        self.connection.request(
            method, path, content, {"Content-Type": "application/json"} if content else {}
        )
        answer = self.connection.getresponse()
        text = answer.read().decode()
        self._used_at = time.monotonic()
        try:
            record = json.loads(text, parse_constant=_refuse_constant)
        except ValueError as error:
            raise PredictionRefused(f"{method} {path} gave no strict JSON ({error}): {text[:200]}") from error
        if answer.status != OK or not isinstance(record, dict):
            refusal = record.get("error", record) if isinstance(record, dict) else record
            raise PredictionRefused(refusal, answer.status)
        return record

    def predict(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Give the answer to each of the rows, with `prediction` and perhaps `probabilities`.

        `non_finite`, if it is there, lists the values of the answer that JSON cannot say.
        """
        answers: list[dict[str, Any]] = []
        for start in range(0, len(rows), BATCH_ROWS):
            answer = self.ask("POST", "/prediction", {"rows": rows[start : start + BATCH_ROWS]})
            predictions = list(answer.get("predictions") or ())
            shares = list(answer.get("probabilities") or ())
            of_rows: list[dict[str, Any]] = [{"prediction": value} for value in predictions]
            for of_row, share in zip(of_rows, shares):
                of_row["probabilities"] = share
            for entry in answer.get("non_finite") or ():
                of_rows[entry["row"]].setdefault("non_finite", []).append(entry)
            answers += of_rows
        if len(answers) != len(rows):
            raise PredictionRefused(f"{len(rows)} rows were asked for, and {len(answers)} predictions came")
        return answers

    def query(self, row: dict[str, Any]) -> dict[str, Any]:
        """Give the answer to a row in a query."""
        texts = {name: "" if value is None else _query_text(value) for name, value in row.items()}
        return self.ask("GET", "/prediction?" + urlencode(texts, quote_via=quote))


@dataclass
class Judged:
    """A row, and the answer that the service must give: the model's own, or else its own to the row alone.

    `at` is the position among the rows that are asked for together.
    """

    at: int
    row: dict[str, Any]
    answer: dict[str, Any]
    is_own: bool


class Proof:
    """Compares the answers of the service with the model's own, which `judge` holds.

    The model is loaded for its own answers while the service becomes ready.
    """

    def __init__(
        self, client: Client, rows: list[dict[str, Any]] | None, timeout_s: float = TIMEOUT_S
    ) -> None:
        judge_says = ask_judge({"enough": ENOUGH_ROWS} if rows is None else {"rows": rows})
        self.client = client
        client.wait_until_ready(timeout_s)
        self.description = client.ask("GET", "/model")
        self.features = {str(feature["name"]): feature for feature in self.description["features"]}
        # Given rows may have more columns than the model takes, such as an id.
        self.given = rows and [_without_others(row, self.features) for row in rows]
        self.judge = judge_says()
        self.tolerance = float(self.judge.get("tolerance") or 0.0)

    def outcome(self) -> dict[str, Any]:
        """Give the outcome in JSON's types.

        Raise `PredictionRefused` for a given row that is not answered, and `Failed` for an answer that
        differs.
        """
        judged = self._alone()
        rows = [one.row for one in judged] if self.given is None else self.given
        answers = self.client.predict(rows)
        if self.judge.get("is_batched", True):
            for one in judged:
                self._compare(f"among {len(rows)} rows", one, answers[one.at])
        elif self.given is None:
            self._compare_together(rows, answers)
        has_probabilities = any("probabilities" in answer for answer in answers)
        return {
            "rows": len(rows),
            "predictions": [answer["prediction"] for answer in answers],
            "probabilities": [answer.get("probabilities") for answer in answers]
            if has_probabilities
            else None,
            "non_finite": [
                {**entry, "row": at}
                for at, answer in enumerate(answers)
                for entry in answer.get("non_finite") or ()
            ],
            "judged": sum(one.is_own for one in judged),
            "queried": sum(self._compare_query(one) for one in judged),
            "tolerance": self.tolerance,
            "judge": self.judge.get("judge"),
        }

    def _alone(self) -> list[Judged]:
        """Give rows that the model and the service answer, alone and alike: made rows, or some given ones.

        A row that was made up may be wrong for the model. It counts only if the model's own code takes it;
        then the service may refuse it by naming a field, but must not fail.
        """
        reasons: list[str] = []
        judged: list[Judged] = []
        step = 1 if self.given is None else _step(len(self.given))
        for number, (row, own) in enumerate(self._candidates()):
            if own is not None and "error" in own:
                reasons.append(f"the model's own code: {own['error']}")
                continue
            try:
                [answer] = self.client.predict([row])
            except PredictionRefused as error:
                if self.given is not None:
                    raise
                if error.status != BAD_REQUEST:
                    message = "the service fails on a row that the model answers"
                    raise Failed("different", message, _details(row, own, error.message)) from error
                reasons.append(f"the service: {error.message}")
                continue
            at = len(judged) if self.given is None else number * step
            judged.append(Judged(at, row, answer if own is None else own, is_own=own is not None))
            self._compare("alone", judged[-1], answer)
            if self.given is None and len(judged) == ENOUGH_ROWS:
                break
        if not judged and self.given is None:
            message = "no row that infer makes up is one that the model takes"
            raise Failed("no_rows", message, list(dict.fromkeys(reasons))[:REASONS_MAX])
        return judged

    def _candidates(self) -> Iterator[tuple[dict[str, Any], dict[str, Any] | None]]:
        """Give the rows to ask for alone, each with the model's own answer; None where there is none."""
        rows = self.judge.get("rows")
        if rows is None:
            rows = self._example() if self.given is None else self.given[:: _step(len(self.given))]
        answers = self.judge.get("answers")
        yield from zip(rows, [None] * len(rows) if answers is None else answers)
        if self.given is None and sum("error" not in own for own in answers or ()) == ENOUGH_ROWS:
            # The service has refused some of the rows that the model answered: more of them are needed.
            every = ask_judge({})()
            yield from list(zip(every.get("rows") or (), every.get("answers") or ()))[len(rows) :]

    def _example(self) -> list[dict[str, Any]]:
        if isinstance(self.description.get("example_body"), dict):
            return [self.description["example_body"]]
        inputs = self.client.ask("GET", str(self.description["example"])).get("inputs")
        if not isinstance(inputs, dict):
            raise PredictionRefused(f"{self.description['example']} gave no inputs")
        return [inputs]

    def _compare_together(self, rows: list[dict[str, Any]], answers: list[dict[str, Any]]) -> None:
        """Compare with the model's own answers to all these rows in one call: it may look at several rows."""
        together = ask_judge({"rows": rows, "together": True})().get("answers") or []
        for at, (row, own, answer) in enumerate(zip(rows, together, answers)):
            if "error" not in own:
                self._compare(f"among {len(rows)} rows", Judged(at, row, own, is_own=True), answer)

    def _compare_query(self, one: Judged) -> bool:
        """Compare the answer to a query; False for a row that a query cannot say."""
        if not _can_query(one.row, self.features):
            return False
        try:
            answer = self.client.query(one.row)
        except PredictionRefused as error:
            message = "the service refuses a row in a query that it answers in JSON"
            raise Failed("different", message, _details(one.row, one.answer, error.message)) from error
        self._compare("in a query", one, answer)
        return True

    def _compare(self, how: str, one: Judged, served: dict[str, Any]) -> None:
        """Raise `Failed` if an answer of the service is not the one that it must give."""
        if not is_same(one.answer, served, self.tolerance):
            other = "than the model itself" if one.is_own else "than alone in JSON"
            message = f"the service answers a row {how} otherwise {other}"
            shown = {part: served[part] for part in PARTS if part in served}
            raise Failed("different", message, _details(one.row, one.answer, _short(shown)))


def ask_judge(given: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """Start `service.own_answers`; give what waits for its end and gives what it says.

    That has only `judge`, the reason, if it says nothing.
    """
    # A file, and no pipe: many rows would not fit in one while the model is being loaded.
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(given).encode())
        file.seek(0)
        process = subprocess.Popen(
            JUDGE, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def wait() -> dict[str, Any]:
        with process:
            output, log = process.communicate()
        try:
            found = json.loads(output)
        except ValueError:
            found = None
        if process.returncode == 0 and isinstance(found, dict):
            return found
        if process.returncode in CRASH_CODES:
            name = signal.Signals(process.returncode - 128).name
            raise Failed("crashed", f"the model itself crashes on a usual row ({name})", [])
        return {"judge": log.strip()[-LONGEST_SHOWN:] or f"it ended with {process.returncode}"}

    return wait


def _without_others(row: dict[str, Any], features: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name in features}


def _step(count: int) -> int:
    """Give the distance between given rows of which at most `JUDGED_ROWS` are judged."""
    return max(1, -(-count // JUDGED_ROWS))


def _can_query(row: dict[str, Any], features: dict[str, Any]) -> bool:
    """Tell whether a query says the same as JSON.

    An empty text may also be a missing value there, and a value that could have several types is refused.
    """
    for name, value in row.items():
        feature = features.get(name, {})
        text = "" if value is None else _query_text(value)
        if feature.get("needs_types") and (BOOLEAN.fullmatch(text) or NUMBER.fullmatch(text)):
            return False
        is_clear = {
            str: value != "",
            type(None): feature.get("nullable") and "" not in (feature.get("categories") or ()),
        }
        if not is_clear.get(type(value), isinstance(value, (bool, int, float))):
            return False
    return len(urlencode({name: str(value) for name, value in row.items()})) <= LONGEST_QUERY


def _query_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _details(row: dict[str, Any], own: dict[str, Any] | None, served: str) -> list[str]:
    return [f"row: {_short(row)}", f"the model itself: {_short(own)}", f"the service: {served}"]


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"


def _refuse_constant(name: str) -> object:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _outcome(client: Client, given: dict[str, Any]) -> dict[str, Any]:
    timeout_s = float(given.get("timeout_s") or TIMEOUT_S)
    if given.get("describe"):
        client.wait_until_ready(timeout_s)
        return client.ask("GET", "/model")
    return Proof(client, given.get("rows"), timeout_s).outcome()


def main() -> int:
    """Ask for the predictions, print the outcome as JSON, and give the exit code."""
    given = sys.stdin.read()
    try:
        client = Client(int(os.environ.get("PORT") or 5000))
        outcome = _outcome(client, json.loads(given) if given.strip() else {})
    except Failed as failed:
        outcome = failed.outcome
    except (PredictionRefused, OSError) as error:
        outcome = {"error": getattr(error, "error", str(error))}
    print(json.dumps(outcome))  # noqa: T201 (standard output is the result)
    return 1 if "error" in outcome else 0


if __name__ == "__main__":
    sys.exit(main())
