import pytest

from benchmarks.columns import Column
from benchmarks.load import Slice
from benchmarks.report import (
    alone_ratio,
    as_json,
    best_peer,
    column_table,
    markdown_table,
    throughput_ratio,
)
from benchmarks.serving import Measured, Results

COLUMN = Column("iris", "iris, 1 row", "iris")


def measured(requests_per_s: float, alone_ms: float = 1) -> Measured:
    return Measured(loaded=Slice(requests_per_s, 10, 20), alone=Slice(1000 / alone_ms, alone_ms, alone_ms))


@pytest.fixture
def results() -> Results:
    found = Results()
    for ours, quick, slow in ((400, 100, 50), (400, 200, 50), (400, 400, 40)):
        found.add("iris", "infer", measured(ours, alone_ms=0.5))
        found.add("iris", "quick", measured(quick, alone_ms=1))
        found.add("iris", "slow", measured(slow, alone_ms=2))
        found.add("iris", "tuned", measured(800))
    found.fail("iris", "broken", "it ended with 1")
    return found


def test_ratios_are_computed_by_round(results: Results) -> None:
    lines = results.rounds["iris"]
    ratio = throughput_ratio(lines["infer"], lines["quick"])
    assert ratio.values == (4, 2, 1)
    assert str(ratio) == "2.00 (1.00 to 4.00)"
    assert alone_ratio(lines["infer"], lines["slow"]).values == (0.25, 0.25, 0.25)


def test_the_best_peer_is_one_of_the_ranked_peers(results: Results) -> None:
    assert best_peer(results.rounds["iris"], ["quick", "slow", "absent"]) == "quick"
    assert best_peer(results.rounds["iris"], ["absent"]) is None


def test_the_table_is_sorted_and_names_the_problems(results: Results) -> None:
    lines = column_table(COLUMN, results, peers=["quick", "slow", "broken"]).splitlines()
    assert [line.split()[0] for line in lines[2:6]] == ["tuned", "infer", "quick", "slow"]
    assert lines[6].split(maxsplit=1) == ["broken", "could not: it ended with 1"]
    assert lines[7].startswith("  Against quick, the best peer: 2.00 (1.00 to 4.00) times the requests, 0.50")


def test_markdown_has_a_row_for_each_name(results: Results) -> None:
    rows = markdown_table([COLUMN], results, names=["quick", "broken", "by GET"]).splitlines()
    assert rows[2:] == ["| quick | 2.00 (1.00 to 4.00) |", "| broken | could not |", "| by GET |  |"]


def test_json_keeps_every_round(results: Results) -> None:
    found = as_json([COLUMN], results, peers=["quick"])["iris"]
    assert found["best peer"] == "quick"
    assert found["problems"] == {"broken": "it ended with 1"}
    assert [measured["loaded"]["requests_per_s"] for measured in found["lines"]["quick"]["rounds"]] == [
        100,
        200,
        400,
    ]


def test_without_infer_there_are_numbers_but_no_ratios(results: Results) -> None:
    results.fail("iris", "infer", "no engine")
    assert "times" not in column_table(COLUMN, results, peers=["quick"])
    assert as_json([COLUMN], results, peers=["quick"])["iris"]["lines"]["quick"]["infer is"] is None
