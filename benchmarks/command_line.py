"""How long the command line takes to start."""

from __future__ import annotations

import sys

from benchmarks.measure import in_turn, print_ratios
from benchmarks.own import INFER

_ROUNDS = 15


def command_line() -> dict[str, float]:
    """The start time of commands as a ratio to the time of importing Typer."""
    timings = in_turn(
        {
            "import typer": (sys.executable, "-c", "import typer"),
            "import infer_cli.cli": (sys.executable, "-c", "import infer_cli.cli"),
            "infer --help": (*INFER, "--help"),
            "import docker": (sys.executable, "-c", "import docker"),
            "infer ps": (*INFER, "ps"),
        },
        rounds=_ROUNDS,
    )
    print("\nCommand line (ratio to importing Typer)")
    return print_ratios(timings, timings["import typer"].median)
