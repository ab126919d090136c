"""Mutates real models and watches what both gates do: `python -m tests.safety.fuzz --minutes 60`.

It prints how many files were refused, and by which gate, how many loaded and predicted, and each failure: a
crash, a file opened, a program started, a connection, or more than the budget. The exit code is 1 if any.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.service.fuzz.numbers import numbers

# The threads of OpenMP do not outlive a fork, and the order of sets decides what is changed.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "LOKY_MAX_CPU_COUNT": "2",
}
REPORT_SECONDS = 60


def main() -> int:
    """Run the mutations, print what became of them, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.safety.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, help="how long to go on")
    parser.add_argument("--count", type=int, help="how many files to make")
    parser.add_argument("--seed", type=int, default=0, help="the number of the first file")
    parser.add_argument("--keep", type=Path, help="the folder for files that fail")
    parser.add_argument("--seeds", help="mutate these models alone, with commas between them")
    options = parser.parse_args()
    if any(os.environ.get(name) != value for name, value in ENVIRONMENT.items()):
        os.execve(sys.executable, [*sys.orig_argv], {**os.environ, **ENVIRONMENT})  # noqa: S606
    sys.dont_write_bytecode = True
    from tests.safety.fuzz.campaign import OUTCOMES, run  # noqa: PLC0415 (after the environment is set)
    from tests.safety.fuzz.seeds import ALL  # noqa: PLC0415

    if options.minutes is None and options.count is None:
        options.count = 100
    names = tuple(options.seeds.split(",")) if options.seeds else ALL
    folder = options.keep or Path(tempfile.mkdtemp(prefix="infer-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    found = run(
        numbers(options.seed, options.count, options.minutes),
        folder,
        lambda text: print(text, flush=True),
        names,
    )
    print(f"\n{sum(found.counts.values())} files of {len(names)} models, from {options.seed}")
    for outcome in OUTCOMES:
        print(f"{found.counts[outcome]:7}  {outcome}")
    for title, reasons in (
        ("the inspection", found.inspection_alone),
        ("the service", found.service_alone),
    ):
        print(f"\nrefused by {title} alone:")
        for reason, count in reasons.most_common(40):
            print(f"{count:7}  {reason}  (as {found.examples[reason]})")
    return 1 if found.failures else 0


if __name__ == "__main__":
    sys.exit(main())
