from __future__ import annotations

from infer_cli.load.report import counts_text, notes_of, record_of, table_lines
from infer_cli.load.result import LoadPlan, LoadResult


def test_commonest_reasons_are_listed() -> None:
    result = LoadResult(LoadPlan(100, 10), requests=1000, answered=900, in_time=900)
    for number in range(1, 8):
        result.failed[f"HTTP 50{number}"] = number

    assert counts_text(result).splitlines() == [
        "900 of 1000 answered, 90/s",
        "100 errors: 0 refused, 0 busy (503), 0 timeouts, 28 failed, 0 wrong",
        "  HTTP 507: 7",
        "  HTTP 506: 6",
        "  HTTP 505: 5",
        "  HTTP 504: 4",
        "  HTTP 503: 3",
    ]


def test_without_answers_there_are_no_figures() -> None:
    result = LoadResult(LoadPlan(100, 10), requests=1000)

    assert {cell for line in table_lines(result) for cell in line[1:]} == {"-"}
    latency = record_of(result)["latency_ms"]
    assert isinstance(latency, dict)
    assert set(latency.values()) == {None}


def test_what_makes_the_figures_doubtful_is_noted() -> None:
    late = LoadResult(LoadPlan(100, 10, connections=5), sent_again=2, waited_for_connection=3)
    late.lateness.add(0.05)
    late.latencies.add(0.06)
    busy = LoadResult(LoadPlan(100, 10), busy_share=0.95)

    assert [note.partition(",")[0].partition(":")[0] for note in notes_of(late)] == [
        "the load generator was itself late",
        "requests that waited for one of the 5 connections",
        "requests sent again",
    ]
    assert "more than 50.0 ms after they were due" in notes_of(late)[0]
    assert notes_of(busy)[0].startswith(
        "the load generator was itself the bottleneck: it had work for 95% of"
    )
    assert notes_of(LoadResult(LoadPlan(100, 10))) == []
