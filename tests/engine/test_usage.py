from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.services import find_service
from infer_cli.engine.usage import Usage, parse_usage, stream_usage
from infer_cli.errors import EngineError

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from tests.engine.fake_engine import FakeEngine, Json

READ = "2026-01-31T12:00:01.500000001Z"
READ_S = datetime(2026, 1, 31, 12, 0, 1, 500_000, UTC).timestamp()
CPU = {"cpu_usage": {"total_usage": 2_500_000_000}}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param(
            {"cpu_stats": CPU, "memory_stats": {"usage": 900, "stats": {"inactive_file": 100}}},
            Usage(READ_S, 2.5, 800),
            id="control groups 2",
        ),
        pytest.param(
            {
                "cpu_stats": CPU,
                "memory_stats": {"usage": 900, "stats": {"inactive_file": 1, "total_inactive_file": 300}},
            },
            Usage(READ_S, 2.5, 600),
            id="control groups 1",
        ),
        pytest.param(
            {"cpu_stats": CPU, "memory_stats": {"usage": 900}}, Usage(READ_S, 2.5, 900), id="Podman"
        ),
        pytest.param(
            {"cpu_stats": {"cpu_usage": {"total_usage": 0}}, "memory_stats": {}},
            Usage(READ_S),
            id="not measured",
        ),
        pytest.param({"cpu_stats": None, "memory_stats": None}, Usage(READ_S), id="not there"),
    ],
)
def test_cpu_time_and_memory_are_read(raw: Json, expected: Usage) -> None:
    assert parse_usage({"read": READ, **raw}) == expected


def test_the_readings_of_the_engine_come_one_by_one(fake: Engine, fake_engine: FakeEngine) -> None:
    container = fake_engine.add_service("iris")
    later = {"cpu_usage": {"total_usage": 3_000_000_000}}
    fake_engine.script(
        f"containers/{container['Id']}/stats",
        {"read": READ, "cpu_stats": CPU},
        {"read": "2026-01-31T12:00:02.5Z", "cpu_stats": later},
    )

    read = list(stream_usage(fake, find_service(fake, "iris")))

    assert read == [Usage(READ_S, 2.5), Usage(READ_S + 1, 3.0)]


def test_an_engine_that_measures_nothing_says_so(fake: Engine, fake_engine: FakeEngine) -> None:
    container = fake_engine.add_service("iris")
    fake_engine.answer(f"containers/{container['Id']}/stats", {"message": "not supported"}, status=500)

    with pytest.raises(EngineError, match="cannot ask for what iris uses: not supported"):
        next(stream_usage(fake, find_service(fake, "iris")))
