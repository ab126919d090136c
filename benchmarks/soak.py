"""Drives a service for a long time, checks each answer, and watches its memory: `python -m benchmarks.soak`.

Clients that keep their connections, and open others now and then, send requests of all wire formats, with one
row, ten and a thousand; wrong requests, which must be refused; and what monitoring asks. The service is a
container of infer, or with `--local` processes of this machine. A line of the CSV file tells the memory of
the service, and the latencies since the line before.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks import plot
from benchmarks.soak_clients import Clients
from benchmarks.soak_service import container, processes, train

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    from benchmarks.local import Target

MIB = 2**20
CLIENTS = 4
# As many lines in the CSV file, whatever the time.
LINES = 240
_SHORTEST_S = 1.0
# What the log of the service says of workers that were replaced, and of errors.
_WARNINGS = (" WARNING ", " ERROR ", " CRITICAL ")
_MOST_WARNINGS = 20


@dataclass(frozen=True)
class Sample:
    """One line of the CSV file: `seconds` since the start, and what happened since the line before."""

    seconds: float
    memory_mib: float
    requests: int
    faults: int
    p50_ms: float
    p99_ms: float


def soak(target: Target, clients: Clients, seconds: float, file: Path) -> list[Sample]:
    """Drive a service, and write a line for each sample at once, so that nothing is lost at the end."""
    every = max(_SHORTEST_S, seconds / LINES)
    samples: list[Sample] = []
    start = time.monotonic()
    with file.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, [field.name for field in fields(Sample)])
        writer.writeheader()

        def note() -> None:
            latencies, faults = clients.take()
            memory, passed = target.memory_bytes() / MIB, time.monotonic() - start
            at = _percentile(latencies, 50), _percentile(latencies, 99)
            samples.append(Sample(passed, memory, len(latencies), faults, *at))
            writer.writerow({name: round(value, 3) for name, value in asdict(samples[-1]).items()})
            stream.flush()

        with clients.running():
            while (left := start + seconds - time.monotonic()) > 0:
                time.sleep(min(every, left))
                if left > every:
                    note()
        # The last answers have come.
        note()
    return samples


def _percentile(latencies: Sequence[float], percent: int) -> float:
    """Give a percentile in milliseconds; 0 if there is no latency."""
    ordered = sorted(latencies)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] * 1000 if ordered else 0.0


def summary(samples: Sequence[Sample], clients: Clients) -> str:
    """Tell how many requests there were, and how the last quarter of the time differs from the second one."""
    requests, faults = (sum(getattr(one, name) for one in samples) for name in ("requests", "faults"))
    lines = [f"{requests} requests in {samples[-1].seconds:.0f} s, {faults} of them failed"]
    lines += [f"{count:8}  {name}" for name, count in sorted(clients.sent.items())]
    quarter = max(1, len(samples) // 4)
    # The first quarter also tells what a service takes that has just started.
    early, late = samples[quarter : 2 * quarter] or samples, samples[-quarter:]
    for name in ("memory_mib", "p50_ms", "p99_ms"):
        before, after = (median(getattr(one, name) for one in part) for part in (early, late))
        ratio = f", {after / before:.2f} times" if before else ""
        lines.append(
            f"{name}: {before:.2f} in the second quarter of the time, {after:.2f} in the last{ratio}"
        )
    return "\n".join([*lines, *clients.told])


@contextmanager
def _target(folder: Path, *, is_local: bool) -> Iterator[Target]:
    """Start the service; a model is trained for it."""
    start: AbstractContextManager[Target] = processes(folder) if is_local else container(folder)
    with start as target:
        yield target


def main() -> int:
    """Run, print the summary, and give the exit code: 1 if any request failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120, metavar="N", help="how long (120)")
    parser.add_argument(
        "--rate", type=float, default=200, metavar="N", help="requests a second, at most (200)"
    )
    parser.add_argument(
        "--csv", type=Path, default=Path("soak.csv"), metavar="FILE", help="the samples (soak.csv)"
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the samples (.svg or .png)")
    parser.add_argument("--local", action="store_true", help="a process on this machine, without an engine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        cases = train(Path(name))
        with _target(Path(name), is_local=options.local) as target:
            clients = Clients(target.url, cases, number=CLIENTS, rate=options.rate)
            samples = soak(target, clients, options.minutes * 60, options.csv)
            warnings = [line for line in target.log().splitlines() if any(word in line for word in _WARNINGS)]
    print(summary(samples, clients))
    print(*warnings[:_MOST_WARNINGS], sep="\n")
    if options.plot:
        plot.draw_soak(options.plot, samples)
    return 1 if any(sample.faults for sample in samples) else 0


if __name__ == "__main__":
    sys.exit(main())
