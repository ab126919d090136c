from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.client.compared_file import Side
from infer_cli.client.differences import Differences, Refusal
from infer_cli.client.service_client import ServiceClient
from infer_cli.commands.compare import _report
from tests.load.conftest import known_server

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

GOLDEN = Path(__file__).parents[1] / "golden"
__all__ = ["known_server"]


def side(name: str, *batch_s: float) -> Side:
    made = Side(name, ServiceClient("http://localhost:1"))
    made.batch_s.extend(batch_s)
    return made


def differences() -> Differences:
    found = Differences(1e-9, 3, are_labels=True)
    answer = {"prediction": "x", "probability_x": 0.75, "probability_y": 0.25}
    other = {"prediction": "y", "probability_x": 0.25, "probability_y": 0.75}
    for _ in range(90):
        found.add(found.rows + 1, answer, answer)
    for _ in range(5):
        found.add(found.rows + 1, answer, other)
    found.add(found.rows + 1, answer, {**answer, "probability_x": 0.75 + 1e-12})
    found.add(found.rows + 1, answer, {**answer, "probability_x": float("nan"), "distances": [1.0]})
    found.add(found.rows + 1, Refusal("size is missing"), answer)
    found.add(found.rows + 1, answer, Refusal("size is missing"))
    found.add(found.rows + 1, Refusal("size is missing"), Refusal("size is missing"))
    return found


def same() -> Differences:
    found = Differences(0.001, 3, are_labels=False)
    for _ in range(2):
        found.add(found.rows + 1, {"prediction": 1.0}, {"prediction": 1.0001})
    return found


@pytest.mark.parametrize(
    ("name", "made", "as_json"),
    [
        ("compare.txt", differences, False),
        ("compare-same.txt", same, False),
        ("compare.json", differences, True),
    ],
)
def test_the_report_is_the_golden_one(
    name: str, made: Callable[[], Differences], capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    sides = side("iris", 0.012, 0.014, 0.050), side("team/iris:v2", 0.011, 0.013, 0.016)

    _report(*sides, made(), batch_rows=10, as_json=as_json)

    printed = capsys.readouterr().out
    text = json.dumps(json.loads(printed), indent=1) + "\n" if as_json else printed
    assert text == (GOLDEN / name).read_text()


def test_two_urls_are_compared(
    infer: Callable[..., Finished], known_server: Callable[..., str], tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("size\n1\n2\n3\n")
    true, liar = known_server(), known_server("--lie")
    rows = ("--input", str(tmp_path / "rows.csv"), "--batch", "1")

    same = infer("compare", true, true, *rows)
    different = infer("compare", true, liar, *rows, "--json")
    near = infer("compare", true, liar, *rows, "--tolerance", "0.5")

    assert same.exit_code == near.exit_code == 0, same.stderr
    assert same.stdout.endswith("The answers are the same.\n")
    assert different.exit_code == 3
    # The first answer is true.
    assert [(one["row"], one["a"], one["b"]) for one in different.record["first_numbers"]] == [
        (2, 2, 3),
        (3, 3, 4),
    ]


def test_rows_come_from_a_pipe(infer: Callable[..., Finished], known_server: Callable[..., str]) -> None:
    url = known_server()

    finished = infer("compare", url, url, "--input", "-", given=b'{"size": 1}\n{"size": 2}\n')

    assert finished.exit_code == 0, finished.stderr
    assert "2 rows, 2 answered by both" in finished.stdout
    assert "MEDIAN" not in finished.stdout, "there is one batch, in which one service was asked first"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("model.pkl", "iris"), 2, "error: model.pkl is a file, not a service"),
        (("ftp://localhost", "http://localhost:1"), 2, "error: ftp://localhost is not the URL"),
        (("http://localhost:1", "http://localhost:1"), 1, "error: the service at http://localhost:1 did not"),
    ],
)
def test_what_cannot_be_compared_is_told(
    infer: Callable[..., Finished], arguments: tuple[str, str], code: int, message: str, tmp_path: Path
) -> None:
    (tmp_path / "rows.csv").write_text("size\n1\n")

    finished = infer("compare", *arguments, "--input", str(tmp_path / "rows.csv"))

    assert finished.exit_code == code
    assert finished.stderr.startswith(message)
