"""What was measured, as a record for scripts, and what a person must be told of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from infer_cli.load.quantities import duration_text, rate_text
from infer_cli.load.result import PERCENTILES

if TYPE_CHECKING:
    from infer_cli.load.latencies import Latencies
    from infer_cli.load.result import LoadResult

_BINS, _SHOWN_REASONS = 60, 5


def record_of(result: LoadResult) -> dict[str, object]:
    """A result for scripts; latencies in milliseconds, null where there were no answers."""
    plan = result.plan
    return {
        "asked_rate": plan.rate,
        "rate": round(result.rate, 3),
        "duration_s": plan.duration_s,
        "warm_up_s": plan.warm_up_s,
        "arrivals": plan.arrivals,
        "connections": plan.connections,
        "requests": result.requests,
        "answered": result.answered,
        "errors": {
            "count": result.errors,
            "share": result.error_share,
            "refused": result.refused.total(),
            "busy": result.busy,
            "timeouts": result.timeouts,
            "failed": result.failed.total(),
            "wrong": result.wrong,
            "reasons": dict(result.refused + result.failed),
            "first_wrong": result.first_wrong,
        },
        "latency_ms": _percentiles(result.latencies),
        "latency_from_sending_ms": _percentiles(result.from_sending),
        "sent_late_ms": _percentiles(result.lateness),
        "generator_busy_share": round(result.busy_share, 3),
        "generator_was_late": result.is_generator_late,
        "sent_again": result.sent_again,
        "waited_for_connection": result.waited_for_connection,
        "distribution": [
            {"up_to_ms": _ms(upper), "count": count} for upper, count in result.latencies.distribution(_BINS)
        ],
    }


def counts_text(result: LoadResult) -> str:
    """What became of the requests; each way to fail apart, and a line for each of the commonest reasons."""
    lines = [
        f"{result.answered} of {result.requests} answered, {rate_text(result.rate)}",
        (
            f"{result.errors} errors: {result.refused.total()} refused, {result.busy} busy (503), "
            f"{result.timeouts} timeouts, {result.failed.total()} failed, {result.wrong} wrong"
        ),
    ]
    reasons = (result.refused + result.failed).most_common(_SHOWN_REASONS)
    return "\n".join([*lines, *(f"  {reason}: {count}" for reason, count in reasons)])


def table_lines(result: LoadResult) -> list[tuple[str, str, str]]:
    """Each percentile: from the moment a request was due, and from the moment it was sent."""
    lines = [
        (
            f"p{percent:g}",
            duration_text(result.latencies.percentile(percent)),
            duration_text(result.from_sending.percentile(percent)),
        )
        for percent in PERCENTILES
    ]
    due, sent = result.latencies, result.from_sending
    lines.append(("max", duration_text(due.percentile(100)), duration_text(sent.percentile(100))))
    return lines


def notes_of(result: LoadResult) -> list[str]:
    """What a person must know to read the figures rightly."""
    notes = []
    if result.is_generator_busy:
        notes.append(
            f"the load generator was itself the bottleneck: it had work for {result.busy_share:.0%} of the "
            "time, and read answers later than they came. Ask for less, or put more --rows into a request"
        )
    elif result.is_generator_late:
        late = duration_text(result.lateness.percentile(99))
        notes.append(
            f"the load generator was itself late: it came to 1 % of the requests more than {late} after they "
            "were due; the latencies are too high by that. Ask for less, or leave it more of the machine"
        )
    if result.waited_for_connection:
        notes.append(
            f"requests that waited for one of the {result.plan.connections} connections: "
            f"{result.waited_for_connection}; the wait is in their latency"
        )
    if result.sent_again:
        notes.append(f"requests sent again, as their connection had been closed: {result.sent_again}")
    return notes


def _percentiles(latencies: Latencies) -> dict[str, float | None]:
    found = {f"p{percent:g}": _ms(latencies.percentile(percent)) for percent in PERCENTILES}
    return {**found, "max": _ms(latencies.percentile(100)), "mean": _ms(latencies.mean_s)}


def _ms(seconds: float) -> float | None:
    return round(seconds * 1000, 4) if math.isfinite(seconds) else None
