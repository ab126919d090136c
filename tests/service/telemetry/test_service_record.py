from __future__ import annotations

import multiprocessing
import time

import pytest

from service.telemetry.counter_sizes import REGION_BYTES
from service.telemetry.counters import Counters
from service.telemetry.service_record import OUTCOMES, TEXT_BYTES, ServiceRecord


def work(record: ServiceRecord) -> None:
    record.count_replaced("ended")
    record.serving, record.started = 2, 3
    record.processes = [7, 8, 9]
    record.tell("refused", "Größe", asked=record.ask())
    record.tell_stop()


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forks, by Python 3.12 and newer
def test_processes_share_their_record(method: str) -> None:
    record = ServiceRecord()
    assert (record.last, record.processes, record.is_stopping) == (None, [], False)

    process = multiprocessing.get_context(method).Process(target=work, args=(record,))  # type: ignore[attr-defined]  # each context has it
    process.start()
    process.join()

    assert record.replaced == {"ended": 1, "unresponsive": 0}
    assert (record.serving, record.started, record.processes) == (2, 3, [7, 8, 9])
    assert (record.asked, record.answered) == (1, 1)
    assert record.last is not None
    assert record.last[:2] == ("refused", "Größe")
    assert abs(record.last.ended_s - time.time()) < 600
    assert record.outcomes == {outcome: int(outcome == "refused") for outcome in OUTCOMES}
    assert record.is_stopping


def test_a_long_reason_is_cut() -> None:
    record = ServiceRecord()

    record.tell("refused", "x" * (TEXT_BYTES + 10), asked=0)

    assert record.last is not None
    assert record.last.reason == "x" * TEXT_BYTES


def test_counts_begin_anew_for_other_routes() -> None:
    record = ServiceRecord(2)
    first, again, other = (Counters(record, routes) for routes in (["/a"], ["/a"], ["/b"]))

    first.regions["pid"] = 5

    assert again.regions["pid"].tolist() == [5, 5]
    assert other.regions["pid"].tolist() == [0, 0]
    assert first.regions.itemsize == REGION_BYTES
