"""What becomes of requests beyond what a service can take: answered, refused, and how late the answers come.

The load is that of `infer bench`: requests are due at a fixed rate, whatever the service does. First the
capacity is searched: the highest rate at which all are answered and no queue grows. Then the service is
loaded at a quarter of it up to three times as much, over at most 900 connections. The service has one
processor, and the load generator the others. All figures are ratios: rates to the capacity, and latencies to
the median at the lowest rate, at which hardly a request waits for another one.

A latency is counted from the moment at which the request was sent. Where a request waits for a free
connection, the time from the moment at which it was due would only tell how long the load went on.
"""

from __future__ import annotations

import csv
import os
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from benchmarks.local import local_process
from benchmarks.problem import Problem
from infer_cli.client.service_client import ServiceClient
from infer_cli.errors import InferError
from infer_cli.load.generator import run_load
from infer_cli.load.requests import prepare_requests
from infer_cli.load.result import LoadPlan
from infer_cli.load.search import find_highest_rate, judge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from infer_cli.load.requests import PreparedRequest
    from infer_cli.load.result import LoadResult
    from infer_cli.load.search import Trial

    # Loads a service at a rate.
    Load = Callable[[float], LoadResult]

# So slow that the load generator, on one processor, can send three times what the service takes.
TREES, ROWS = 2000, 100
RATIOS = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 2.5, 3.0)
# More than a worker takes on at once, so that it has to refuse; `select` takes no more than 1,024.
_CONNECTIONS = 900
_WARM_UP_S = 1.0
_FIRST_RATE = 50.0


@dataclass(frozen=True)
class Point:
    """One rate of the load, as ratios: rates to the capacity, latencies to the median at the lowest rate.

    `offered` was due, `accepted` was answered rightly within the measured time, `refused` with 503, and
    `failed` in another way; the rest was `waiting`. Where `is_late`, the load generator was itself late.
    """

    offered: float
    accepted: float
    refused: float
    failed: float
    waiting: float
    p50: float
    p99: float
    is_late: bool


@dataclass(frozen=True)
class Curve:
    """The points of each round, in the order of `RATIOS`; `capacity` is in requests a second."""

    capacity: float
    rounds: tuple[tuple[Point, ...], ...]

    def middle(self, figure: str) -> list[float]:
        """Give the median of the rounds of a figure, for each rate."""
        return [
            median(getattr(point, figure) for point in points) for points in zip(*self.rounds, strict=True)
        ]


def overload(*, rounds: int, seconds: float) -> Curve:
    """Load a service of this checkout that has one processor for itself; raises `Problem`."""
    if sys.platform != "linux":
        raise Problem("processors are shared out with sched_setaffinity, which only Linux has")
    first, *others = sorted(os.sched_getaffinity(0))
    if not others:
        raise Problem("one processor is needed for the service, and another one for the load")
    with tempfile.TemporaryDirectory() as folder:
        model, rows = _train(Path(folder))
        # The processes of the service may run where this one may when it starts them.
        os.sched_setaffinity(0, {first})
        try:
            with local_process(model, workers=1) as target:
                os.sched_setaffinity(0, others)
                client = ServiceClient(target.url)
                requests = prepare_requests(client.model(), target.url, rows, rows_each=ROWS)
                client.close()
                load = loader(target.url, requests, seconds)
                return curve_at(find_capacity(load), load, rounds=rounds)
        except InferError as error:
            raise Problem(str(error)) from error
        finally:
            os.sched_setaffinity(0, {first, *others})


def _train(folder: Path) -> tuple[Path, Path]:
    """Write the model, and its rows as `infer bench --input` reads them."""
    measures, species = load_iris(return_X_y=True)
    model = RandomForestClassifier(TREES, random_state=1).fit(measures, species)
    joblib.dump(model, folder / "model.joblib")
    with (folder / "rows.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(f"x{at}" for at in range(measures.shape[1]))
        writer.writerows(measures.tolist())
    return folder / "model.joblib", folder / "rows.csv"


def loader(url: str, requests: Sequence[PreparedRequest], seconds: float) -> Load:
    """Give what loads the service at `url` at a rate; it raises `Problem` if the service ends or is wrong."""

    def load(rate: float) -> LoadResult:
        plan = LoadPlan(rate, seconds, _WARM_UP_S, connections=_CONNECTIONS)
        result = run_load(url, requests, plan)
        if result.lost_after_s is not None or result.wrong:
            raise Problem(result.lost_reason or f"an answer is wrong: {result.first_wrong}")
        return result

    return load


def find_capacity(load: Load, first_rate: float = _FIRST_RATE) -> float:
    """Search the highest rate at which all is answered in time; raises `Problem` if there is none."""

    def attempt(rate: float) -> Trial:
        trial = judge(rate, load(rate), ())
        print(f"{rate:8.0f} requests a second: {trial.outcome}", file=sys.stderr)
        return trial

    best = find_highest_rate(first_rate, attempt).best
    if best is None:
        raise Problem(f"it does not answer {first_rate:.0f} requests a second, and no fewer")
    return best.rate


def curve_at(capacity: float, load: Load, *, rounds: int, ratios: Sequence[float] = RATIOS) -> Curve:
    """Load a service at all `ratios` of its capacity, in each round."""
    done = []
    for number in range(rounds):
        results = {}
        for ratio in ratios:
            print(f"Round {number + 1} of {rounds}: {ratio:g} times the capacity", file=sys.stderr)
            results[ratio] = load(ratio * capacity)
        unit_s = results[min(ratios)].from_sending.percentile(50)
        done.append(tuple(_point(results[ratio], capacity, unit_s) for ratio in ratios))
    return Curve(capacity, tuple(done))


def _point(result: LoadResult, capacity: float, unit_s: float) -> Point:
    def share(count: int) -> float:
        return count / result.plan.duration_s / capacity

    failed = sum(result.refused.values()) + sum(result.failed.values())
    waiting = result.requests - result.in_time - result.busy - failed
    return Point(
        offered=share(result.requests),
        accepted=share(result.in_time),
        refused=share(result.busy),
        failed=share(failed),
        waiting=max(0.0, share(waiting)),
        p50=result.from_sending.percentile(50) / unit_s,
        p99=result.from_sending.percentile(99) / unit_s,
        is_late=result.is_generator_late,
    )


def table(curve: Curve) -> str:
    """Give the median of the rounds for each rate, as text."""
    figures = ("offered", "accepted", "refused", "failed", "waiting", "p50", "p99")
    lines = ["Beyond the capacity (rates over the capacity; latencies over the median at the lowest rate)"]
    lines.append("".join(f"{figure:>10}" for figure in figures))
    rows = zip(*(curve.middle(figure) for figure in figures), strict=True)
    lines += ["".join(f"{value:10.2f}" for value in values) for values in rows]
    late = sum(point.is_late for points in curve.rounds for point in points)
    if late:
        lines.append(
            f"The load generator was itself late in {late} of {sum(map(len, curve.rounds))} measurements."
        )
    return "\n".join(lines)


def as_json(curve: Curve) -> dict[str, object]:
    """Give all figures, for the JSON file."""
    return {
        "model": f"iris, RandomForest({TREES}), {ROWS} rows",
        "capacity": curve.capacity,
        "rounds": [[asdict(point) for point in points] for points in curve.rounds],
    }
