"""Writes the counts in the formats of Prometheus. Imported at the first scrape: its library takes 25 ms."""

from __future__ import annotations

import itertools
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

from service.telemetry.counter_sizes import BUCKETS_ROWS, BUCKETS_S, OTHER
from service.telemetry.processes import usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from service.json_values import JsonValue
    from service.telemetry.counters import Totals
    from service.telemetry.families import Family

# The fields of `GET /model` that tell this model from another one.
_INFO = ("digest", "estimator", "file", "kind")


def expose(
    totals: Totals,
    description: Mapping[str, JsonValue],
    further: Iterable[Family] = (),
    *,
    accept: str,
) -> tuple[bytes, str]:
    """Give the metrics and their content type: plain text, or OpenMetrics for a client that accepts it.

    `further` are metrics that come from elsewhere.
    """
    try:
        encode, content_type = choose_encoder(accept)
    except TypeError:
        # The library compares the version in the header, and fails if that is no version.
        encode, content_type = choose_encoder("")
    return encode(_Metrics(totals, description, further)), content_type


class _Metrics(Collector):
    """The metrics of one scrape."""

    def __init__(
        self, totals: Totals, description: Mapping[str, JsonValue], further: Iterable[Family]
    ) -> None:
        self.totals = totals
        self.further = further
        self.description = description

    def collect(self) -> Iterator[Metric]:
        yield self._requests()
        yield self._durations()
        yield self._sizes()
        predicted = "Rows for which a prediction was answered."
        yield CounterMetricFamily("infer_predicted_rows", predicted, value=self.totals.predicted)
        yield self._refused()
        yield self._replaced()
        yield self._reloads()
        yield from self._of_processes()
        yield self._model()
        yield from map(_metric_of, self.further)
        since = "When the service started, and its counts with it, in seconds since 1970."
        yield GaugeMetricFamily("process_start_time_seconds", since, value=self.totals.since)

    def _requests(self) -> Metric:
        text = 'Requests answered; a path that is not one of the service\'s is the route "other".'
        metric = CounterMetricFamily("infer_requests", text, labels=["protocol", "route", "status"])
        for (route, status), count in sorted(self.totals.answers.items()):
            metric.add_metric([self.totals.protocols.get(route, OTHER), route, str(status)], count)
        return metric

    def _sizes(self) -> Metric:
        text = "Rows of a request for predictions that was answered."
        metric = HistogramMetricFamily("infer_request_rows", text)
        ends = [*map(str, BUCKETS_ROWS), "+Inf"]
        counts = itertools.accumulate(self.totals.sizes)
        metric.add_metric([], list(zip(ends, counts)), self.totals.predicted)
        return metric

    def _refused(self) -> Metric:
        text = "Requests for predictions that were refused, by reason; one request may have several reasons."
        metric = CounterMetricFamily("infer_refused_requests", text, labels=["reason"])
        for reason, count in self.totals.refused.items():
            metric.add_metric([reason], count)
        return metric

    def _replaced(self) -> Metric:
        text = "Workers that were replaced: they ended, or were ended because they answered nothing."
        metric = CounterMetricFamily("infer_replaced_workers", text, labels=["cause"])
        for cause, count in self.totals.replaced.items():
            metric.add_metric([cause], count)
        return metric

    def _reloads(self) -> Metric:
        text = "Attempts to serve another model in the place of the one that is served, by how they ended."
        metric = CounterMetricFamily("infer_reloads", text, labels=["outcome"])
        for outcome, count in self.totals.outcomes.items():
            metric.add_metric([outcome], count)
        return metric

    def _durations(self) -> Metric:
        text = (
            "Time from the head of a request for predictions until its answer was made, whatever its status."
        )
        metric = HistogramMetricFamily("infer_request_duration_seconds", text)
        ends = [*(str(end) for end in BUCKETS_S), "+Inf"]
        counts = [sum(self.totals.buckets[: index + 1]) for index in range(len(ends))]
        metric.add_metric([], list(zip(ends, counts)), self.totals.duration_s)
        return metric

    def _of_processes(self) -> Iterator[Metric]:
        totals = self.totals
        used = usage(totals.processes, totals.pids)
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


def _metric_of(family: Family) -> Metric:
    kind = CounterMetricFamily if family.kind == "counter" else GaugeMetricFamily
    metric = kind(family.name, family.text, labels=family.labels)
    for labels, value in family.samples:
        metric.add_metric(labels, value)
    return metric
