from __future__ import annotations

import signal
import threading

import pytest

from infer_cli.engine.interrupts import interrupts_deferred

NUMBERS = [pytest.param(signal.SIGINT, id="Ctrl-C"), pytest.param(signal.SIGTERM, id="SIGTERM")]
NUMBERS.append(pytest.param(signal.SIGHUP, id="closed terminal"))


@pytest.fixture(autouse=True)
def handlers() -> object:
    """Let these signals raise KeyboardInterrupt, as the command line does."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    for number in before:
        signal.signal(number, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
def test_an_interrupt_is_deferred_to_the_end_of_the_block(number: int) -> None:
    reached = False

    with pytest.raises(KeyboardInterrupt), interrupts_deferred():  # noqa: PT012 (the line after the signal is the subject)
        signal.raise_signal(number)
        reached = True

    assert reached
    assert signal.getsignal(number) is signal.default_int_handler


def test_a_second_interrupt_is_not_deferred() -> None:
    reached = False

    with pytest.raises(KeyboardInterrupt), interrupts_deferred():  # noqa: PT012 (see above)
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        reached = True

    assert not reached


def test_a_deferred_interrupt_can_be_handled_around_the_block() -> None:
    made = None

    try:
        with interrupts_deferred():
            signal.raise_signal(signal.SIGINT)
            made = "container"
    except KeyboardInterrupt:
        assert made == "container"
    else:
        pytest.fail("the interrupt was not raised")


def test_an_ignored_signal_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    with interrupts_deferred():
        signal.raise_signal(signal.SIGINT)

    assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN


def test_an_error_of_the_block_is_the_context_of_the_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt) as raised, interrupts_deferred():  # noqa: PT012 (see above)
        signal.raise_signal(signal.SIGINT)
        raise ValueError

    assert isinstance(raised.value.__context__, ValueError)


def test_in_another_thread_the_block_has_no_effect() -> None:
    seen = []

    def other() -> None:
        with interrupts_deferred():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=other)
    thread.start()
    thread.join()

    assert seen == [signal.default_int_handler]
