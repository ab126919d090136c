from __future__ import annotations

import threading
from time import perf_counter_ns

import pytest

from service.errors import DeadlineExceeded
from service.prediction.deadlines import Deadline, Deadlines, acquired, check, kept

ENVOY, GRPC = "HTTP_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS", "HTTP_GRPC_TIMEOUT"
PAST = Deadline.after(1, 0, "the test")
LATER = Deadline.after(3600 * 10**9, perf_counter_ns(), "the test")


@pytest.mark.parametrize(
    ("seconds", "environ", "allowed_ns"),
    [
        (None, {}, None),
        (1.5, {}, 1_500_000_000),
        (None, {ENVOY: "250"}, 250_000_000),
        (None, {GRPC: "2S"}, 2_000_000_000),
        (None, {GRPC: "1H"}, 3_600_000_000_000),
        (None, {GRPC: "1M"}, 60_000_000_000),
        (None, {GRPC: "7m"}, 7_000_000),
        (None, {GRPC: "7u"}, 7000),
        (None, {GRPC: "7n"}, 7),
        (None, {GRPC: "0S"}, 0),
        # The earliest of all holds.
        (1, {ENVOY: "900", GRPC: "800m"}, 800_000_000),
        (1, {ENVOY: "1100", GRPC: "1200m"}, 1_000_000_000),
        (None, {ENVOY: "100", GRPC: "800m"}, 100_000_000),
        # Envoy's word for no deadline.
        (None, {ENVOY: "0"}, None),
        (2, {ENVOY: "0"}, 2_000_000_000),
        # What has no meaning is no deadline.
        *((None, {ENVOY: text}, None) for text in ("", "-1", "1.5", "ten", "\u0661", "1 ", "9" * 5000)),
        *((None, {GRPC: text}, None) for text in ("", "5", "S", "1s", "-1S", "1.5S", "1 S", "123456789S")),
    ],
)
def test_the_deadline_of_a_request(
    seconds: float | None, environ: dict[str, object], allowed_ns: int | None
) -> None:
    deadline = Deadlines(seconds).of(environ, 1000)

    if allowed_ns is None:
        assert deadline is None
    else:
        assert deadline is not None
        assert (deadline.allowed_ns, deadline.end_ns) == (allowed_ns, 1000 + allowed_ns)


def test_a_deadline_holds_in_its_block_and_its_thread() -> None:
    check()
    with kept(LATER):
        check()
    with kept(PAST):
        with pytest.raises(DeadlineExceeded, match=r"within the 1e-06 ms that the test allows"):
            check()
        thread = threading.Thread(target=check)
        thread.start()
        thread.join()
    check()


@pytest.mark.parametrize(("outer", "inner"), [(PAST, LATER), (LATER, PAST), (PAST, None)])
def test_of_two_deadlines_the_earlier_one_holds(outer: Deadline, inner: Deadline | None) -> None:
    with kept(outer), kept(inner), pytest.raises(DeadlineExceeded):
        check()


def test_a_lock_is_waited_for_until_the_deadline() -> None:
    lock = threading.Lock()
    with kept(LATER):
        assert acquired(lock) is None
    with kept(PAST):
        assert isinstance(acquired(lock), DeadlineExceeded)
    lock.release()
    assert acquired(lock) is None


def test_a_deadline_in_ten_thousand_years_is_no_error() -> None:
    deadline = Deadlines().of({GRPC: "99999999H"}, perf_counter_ns())
    assert deadline is not None

    with kept(deadline):
        assert acquired(threading.Lock()) is None
