from __future__ import annotations

import multiprocessing
import time

import pytest

from service.telemetry.vitals import Vitals


def work(vitals: Vitals) -> None:
    vitals.beat(1)
    vitals.count_replaced("ended")
    vitals.tell_end()


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # of forks, by Python 3.12 and newer
def test_processes_share_their_vitals(method: str) -> None:
    vitals = Vitals(2)
    before = time.monotonic()

    process = multiprocessing.get_context(method).Process(target=work, args=(vitals,))  # type: ignore[attr-defined]  # each context has it
    process.start()
    process.join()

    assert vitals.last_beat_s(0) == 0
    assert before <= vitals.last_beat_s(1) <= time.monotonic()
    assert vitals.replaced == {"ended": 1, "unresponsive": 0}
    assert vitals.is_to_end
    vitals.forget_beat(1)
    assert vitals.last_beat_s(1) == 0
