from __future__ import annotations

import signal
import threading

from service.workers.wakeup import Wakeup


def test_it_wakes_from_another_thread() -> None:
    wakeup = Wakeup()
    threading.Timer(0.05, wakeup.set).start()

    assert wakeup.wait(60)
    assert wakeup.is_set()
    wakeup.clear()
    assert not wakeup.is_set()


def test_it_can_be_set_any_number_of_times() -> None:
    wakeup = Wakeup()
    for _ in range(100_000):
        wakeup.set()

    assert wakeup.wait(60)
    wakeup.clear()
    assert not wakeup.wait(0)


def test_signals_that_come_while_it_is_used_do_not_lock_it() -> None:
    wakeup, handled = Wakeup(), []

    def handle(number: int, _: object) -> None:
        handled.append(number)
        wakeup.set()

    before = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    try:
        while len(handled) < 200:
            wakeup.wait(0.001)
            wakeup.clear()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
