from __future__ import annotations

import multiprocessing
import time

import pytest

from service.telemetry.vitals import Vitals


def work(vitals: Vitals) -> None:
    vitals.beat(1)
    vitals.tell_open(0, 2)
    vitals.tell_open(1, 0)
    vitals.tell_end(is_replaced=True)


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
    assert not vitals.have_all_begun
    assert (vitals.has_open(0), vitals.has_open(1)) == (True, False)
    assert vitals.is_to_end
    assert vitals.is_replaced
    vitals.tell_end()
    assert not vitals.is_replaced
    vitals.beat(0)
    assert vitals.have_all_begun
    vitals.forget_beat(1)
    assert vitals.last_beat_s(1) == 0
