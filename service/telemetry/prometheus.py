"""Writes the counts in the formats of Prometheus. Imported at the first scrape: its library takes 25 ms."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from service.telemetry.counters import BUCKETS_S, Totals
from service.telemetry.processes import usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from service.json_values import JsonValue

# The fields of `GET /model` that tell this model from another one.
_INFO = ("digest", "estimator", "file", "kind")


def expose(totals: Totals, description: Mapping[str, JsonValue], *, accept: str) -> tuple[bytes, str]:
    """Give the metrics and their content type: plain text, or OpenMetrics for a client that accepts it."""
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:
        # The library compares the version in the header, and fails if that is no version.
        encode, content_type = choose_encoder("")
    return encode(_Metrics(totals, description)), content_type


class _Metrics(Collector):
    """The metrics of one scrape."""

    def __init__(self, totals: Totals, description: Mapping[str, JsonValue]) -> None:
        self.totals = totals
        self.description = description

    def collect(self) -> Iterator[Metric]:
        yield self._requests()
        yield self._durations()
        predicted = "Rows for which a prediction was answered."
        yield CounterMetricFamily("infer_predicted_rows", predicted, value=self.totals.predicted)
        yield from self._of_processes()
        yield self._model()
        since = "When the service started, and its counts with it, in seconds since 1970."
        yield GaugeMetricFamily("process_start_time_seconds", since, value=self.totals.since)

    def _requests(self) -> Metric:
        text = 'Requests answered; a path that is not one of the service\'s is the route "other".'
        metric = CounterMetricFamily("infer_requests", text, labels=["route", "status"])
        for (route, status), count in sorted(self.totals.answers.items()):
            metric.add_metric([route, str(status)], count)
        return metric

    def _durations(self) -> Metric:
        route = self.totals.predicts_at
        text = f"Time from the head of a request at {route} until its answer was made, whatever its status."
        metric = HistogramMetricFamily("infer_request_duration_seconds", text)
        ends = [*(str(end) for end in BUCKETS_S), "+Inf"]
        counts = [sum(self.totals.buckets[: index + 1]) for index in range(len(ends))]
        metric.add_metric([], list(zip(ends, counts)), self.totals.duration_s)
        return metric

    def _of_processes(self) -> Iterator[Metric]:
        totals = self.totals
        used = usage(totals.server, totals.pids)
        # The slots that a killed worker held do not count; the worker in its place has not started yet.
        taken = [
            count for count, pid in zip(totals.taken, totals.pids) if used is None or pid in used.workers
        ]
        text = "Predictions being received, waiting for the model or being made now, in all workers."
        yield GaugeMetricFamily("infer_predictions_in_progress", text, value=sum(taken))
        if used is None:
            return
        text = "Worker processes that are alive."
        yield GaugeMetricFamily("infer_workers", text, value=len(used.workers))
        text = (
            "CPU time of all processes of the service together, in seconds; also of workers that have ended."
        )
        yield CounterMetricFamily("process_cpu_seconds", text, value=used.cpu_s)
        if used.memory_bytes is not None:
            text = (
                "Memory of all processes of the service together, in bytes; what they share is counted once."
            )
            yield GaugeMetricFamily("process_resident_memory_bytes", text, value=used.memory_bytes)

    def _model(self) -> Metric:
        labels = {name: str(self.description[name]) for name in _INFO}
        path = cast("dict[str, JsonValue]", self.description["path"])
        labels["path"] = str(path["kind"])
        return InfoMetricFamily("infer_model", "The model that is served, as /model describes it.", labels)
