"""Small servers stand for the peers; wrk and the network are real."""

import http.server
import json
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from benchmarks.columns import Case, Column, read_cases
from benchmarks.contender import Line, check_answers
from benchmarks.load import Request
from benchmarks.problem import Problem
from benchmarks.serving import compare

COLUMN = Column("small", "small", "doubles", rows=1, connections=2)
needs_wrk = pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    (tmp_path / "doubles").mkdir()
    cases = {"rows": [[1], [2], [3]], "labels": [2, 4, 6]}
    (tmp_path / "doubles" / "cases.json").write_text(json.dumps(cases))
    return tmp_path


class Server:
    """A contender whose answers are the rows times `factor`."""

    def __init__(self, name: str, factor: int = 2, problem: str = "") -> None:
        self.name, self.factor, self.problem = name, factor, problem
        self.started = 0

    def prepare(self) -> None:
        if self.problem:
            raise Problem(self.problem)

    @contextmanager
    def running(self, column: Column, cases: Sequence[Case]) -> Iterator[tuple[Line, ...]]:
        del column
        self.started += 1
        factor = self.factor

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                (row,) = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps([row[0] * factor]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        requests = tuple(Request.of_json("/", case.rows) for case in cases)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
            threading.Thread(target=listening.serve_forever).start()
            try:
                yield (Line(self.name, f"http://127.0.0.1:{listening.server_port}", requests, list),)
            finally:
                listening.shutdown()


def test_rows_are_split_into_cases(models: Path) -> None:
    pairs = read_cases(Column("pairs", "pairs", "doubles", rows=2), models)
    assert [case.labels for case in pairs] == [(2, 4), (6,)]
    assert pairs[0].rows == ((1,), (2,))


@needs_wrk
def test_each_round_visits_every_server_that_has_not_failed(models: Path) -> None:
    right, other = Server("right"), Server("other")
    wrong, absent = Server("wrong", factor=3), Server("absent", problem="no such package")
    found = compare([right, wrong, absent, other], [COLUMN], models, rounds=2, seconds=1)
    assert {name: len(rounds) for name, rounds in found.rounds["small"].items()} == {"right": 2, "other": 2}
    assert found.problems["small"]["absent"] == "no such package"
    assert "other labels than the model: (3,), not (2,)" in found.problems["small"]["wrong"]
    assert (right.started, wrong.started, absent.started) == (2, 1, 0)


def test_a_server_that_does_not_listen_is_a_problem(models: Path) -> None:
    (case, *_) = read_cases(COLUMN, models)
    line = Line("gone", "http://127.0.0.1:9", (Request.of_json("/", [[1]]),), list)
    with pytest.raises(Problem, match="does not answer"):
        check_answers(line, [case])


def test_an_answer_of_another_form_is_shown(models: Path) -> None:
    cases = read_cases(COLUMN, models)
    with Server("other form").running(COLUMN, cases) as (line,):
        odd = Line(line.name, line.url, line.requests, lambda answer: answer["predictions"])
        with pytest.raises(Problem, match=r"not understood: \[2\]"):
            check_answers(odd, cases)
