"""Mutates requests of all wire formats: `python -m tests.service.fuzz --minutes 20`.

Each request goes through two applications of the same model, one with the C code and one without. The answer
must be a prediction or a refusal, of the documented form, and the same from both. It prints how many requests
got each status at each path, and each failure with its number. The exit code is 1 if any failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter

from tests.service.fuzz.campaign import FAILED
from tests.service.fuzz.models import MODELS
from tests.service.fuzz.numbers import numbers
from tests.service.fuzz.watch import Child

PROGRESS = 10_000


def main() -> int:
    """Try the requests, print what became of them, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.service.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long to go on")
    parser.add_argument("--count", type=int, help="how many requests to make")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first request")
    parser.add_argument(
        "--models", default=",".join(MODELS), help="ask these alone, with commas between them"
    )
    options = parser.parse_args()
    if options.minutes is None and options.count is None:
        options.count = 1000
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    names = options.models.split(",")
    counts: Counter[str] = Counter()
    read: Counter[str] = Counter()
    child = Child(names)
    for number in numbers(options.seed, options.count, options.minutes):
        child = Child(names) if child.is_over else child
        outcome = child.run(number)
        counts[outcome.kind] += 1
        if outcome.kind == FAILED:
            print(f"failure of {number}: {outcome.reason}\n  {outcome.request[:2000]}", flush=True)
        total = sum(counts.values())
        if not total % PROGRESS:
            print(f"{total} requests, {counts[FAILED]} failed", flush=True)
    if not child.is_over:
        read.update(child.end())
    print(f"\n{sum(counts.values())} requests of {len(names)} models, from {options.seed}")
    for kind, count in sorted(counts.items()):
        print(f"{count:8}  {kind}")
    print("\nread in C:")
    for what, count in sorted(read.items()):
        print(f"{count:8}  {what}")
    return 1 if counts[FAILED] else 0


if __name__ == "__main__":
    sys.exit(main())
