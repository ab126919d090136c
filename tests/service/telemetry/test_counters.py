from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from service.admission import Admission
from service.errors import NoRegion
from service.telemetry.counter_sizes import BUCKETS_S, MOST_ROUTES, OTHER
from service.telemetry.counters import Counters, Meter
from service.telemetry.service_record import ServiceRecord

if TYPE_CHECKING:
    from multiprocessing.context import SpawnContext
    from multiprocessing.process import BaseProcess

    Queue = Any

MS = 1_000_000
WAIT_S = 60


@pytest.fixture
def meter() -> Meter:
    return Meter({"/prediction": "infer", "/livez": "infer"}, Admission(), predict_at=["/prediction"])


def worker(counters: Counters, joined: Queue, rows: int, *, ends: bool) -> None:
    """Join, count one prediction, take a place, and end or wait to be killed."""
    admission = Admission()
    meter = Meter({"/livez": "infer", "/prediction": "infer"}, admission, predict_at=["/prediction"])
    meter.join(counters)
    meter.answered(0, "/prediction", rows, MS)
    meter.count("/livez", 200)
    admission.predictions.take()
    joined.put(os.getpid())
    if not ends:
        time.sleep(WAIT_S)


def context(method: str) -> SpawnContext:
    """Tell mypy that all contexts have what this one has."""
    return multiprocessing.get_context(method)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("duration_ns", "bucket"),
    [
        pytest.param(0, 0, id="none"),
        pytest.param(50_000, 0, id="the end belongs to its bucket"),
        pytest.param(50_001, 1, id="just over"),
        pytest.param(10_000 * MS, len(BUCKETS_S) - 1, id="the last end"),
        pytest.param(3_600_000 * MS, len(BUCKETS_S), id="longer than all"),
    ],
)
def test_a_duration_belongs_to_one_bucket(meter: Meter, duration_ns: int, bucket: int) -> None:
    meter.answered(5, "/prediction", 3, duration_ns)
    meter.count("/prediction", 400, duration_ns=duration_ns)

    totals = meter.totals()
    assert {index: count for index, count in enumerate(totals.buckets) if count} == {bucket: 2}
    assert totals.duration_s == pytest.approx(2 * duration_ns / 1e9)
    assert totals.predicted == 3
    assert totals.answers["/prediction", 200] == 1


def test_answers_are_counted_by_route_and_status(meter: Meter) -> None:
    for route, status in [("/livez", 200), ("/livez", 200), ("/prediction", 503), ("/x", 404), ("/y", 404)]:
        meter.count(route, status)

    assert meter.totals().answers == {
        ("/livez", 200): 2,
        ("/prediction", 200): 0,
        ("/prediction", 503): 1,
        (OTHER, 404): 2,
    }


def test_routes_that_are_too_many_are_others() -> None:
    meter = Meter(
        {f"/{index:02}": "infer" for index in range(MOST_ROUTES + 1)}, Admission(), predict_at=["/prediction"]
    )
    for route in ("/00", f"/{MOST_ROUTES - 1:02}", f"/{MOST_ROUTES:02}"):
        meter.count(route, 200)

    assert meter.totals().answers == {
        ("/00", 200): 1,
        (f"/{MOST_ROUTES - 1:02}", 200): 1,
        (OTHER, 200): 1,
    }


def test_no_count_of_many_threads_is_lost() -> None:
    admission = Admission()
    meter = Meter({"/livez": "infer", "/prediction": "infer"}, admission, predict_at=["/prediction"])
    each, count = 3000, 8

    def answer() -> None:
        for _ in range(each):
            place = admission.predictions.take()
            assert place is not None
            meter.answered(place, "/prediction", 2, MS)
            admission.predictions.give_back(place)
            meter.count("/livez", 200)

    threads = [threading.Thread(target=answer) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    totals = meter.totals()
    assert totals.answers["/prediction", 200] == sum(totals.buckets) == each * count
    assert totals.predicted == 2 * each * count
    assert totals.duration_s == pytest.approx(each * count / 1000)
    assert totals.answers["/livez", 200] == each * count
    assert totals.taken == [0]


def test_admission_that_are_taken_are_seen() -> None:
    admission = Admission()
    meter = Meter({}, admission, predict_at=["/prediction"])
    place = admission.predictions.take()
    admission.predictions.take()
    assert meter.totals().taken == [2]

    assert place is not None
    admission.predictions.give_back(place)
    assert meter.totals().taken == [1]


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.parametrize("has_memfd", [True, False])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forks, by Python 3.12 and newer
def test_a_worker_counts_on_where_a_dead_one_ended(
    method: str, *, has_memfd: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_memfd:
        monkeypatch.delattr(os, "memfd_create")
    processes = context(method)
    counters = Counters(ServiceRecord(2))

    def start(rows: int, *, ends: bool) -> BaseProcess:
        # Each has a queue of its own: one that is killed may leave its queue locked.
        joined = processes.SimpleQueue()
        process = processes.Process(target=worker, args=(counters, joined, rows), kwargs={"ends": ends})
        process.start()
        assert joined.get() == process.pid
        return process

    killed, other = start(1, ends=False), start(10, ends=False)
    # With both regions claimed, none is left.
    with pytest.raises(NoRegion):
        counters.claim()

    killed.kill()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    following = start(100, ends=True)
    following.join()
    other.kill()
    other.join()

    meter = Meter({"/livez": "infer", "/prediction": "infer"}, Admission(), predict_at=["/prediction"])
    meter.join(counters)
    totals = meter.totals()
    assert totals.predicted == 111
    assert totals.answers["/prediction", 200] == 3
    assert totals.answers["/livez", 200] == 3
    # The admission of whoever had this region are free; nobody has come in place of the other one.
    assert sorted(totals.taken) == [0, 1]
    assert os.getpid() in totals.pids
    assert totals.processes == [os.getpid()]


def test_refusals_are_counted_by_reason(meter: Meter) -> None:
    meter.refused({"missing", "not_a_number"})
    meter.refused(["missing"])
    meter.refused(["what nobody has heard of"])

    assert meter.totals().refused == {"invalid_input": 1, "missing": 2, "not_a_number": 1}


@pytest.mark.parametrize(("rows", "bucket"), [(1, 0), (2, 1), (3, 2), (100_000, 15), (100_001, 16)])
def test_the_rows_of_an_answered_request_belong_to_one_bucket(meter: Meter, rows: int, bucket: int) -> None:
    meter.answered(5, "/prediction", rows, MS)
    meter.count("/prediction", 200, predicted=rows, duration_ns=MS)
    meter.count("/prediction", 400, duration_ns=MS)

    assert {index: count for index, count in enumerate(meter.totals().sizes) if count} == {bucket: 2}
