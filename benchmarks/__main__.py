"""`make bench`: start of the command line, builds, and start of the service, on a running engine."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import sys
import tempfile
import uuid
from pathlib import Path

from benchmarks.measure import Timing, in_turn, run
from infer_cli.base import DEFAULT_PYTHON, official_base
from infer_cli.engine.connection import connect
from infer_cli.engine.images import find_image

_ROOT = Path(__file__).resolve().parent.parent
_INFER = (sys.executable, "-m", "infer_cli")
_ROUNDS = 15
_START_ROUNDS = 5


def main() -> None:
    """Measure everything, print it, and write it as JSON to the path given as argument, if any."""
    results = {"command line": command_line(), **builds_and_start()}
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(json.dumps(results, indent=2) + "\n")


def command_line() -> dict[str, float]:
    """How long the command line takes to start, as ratios to importing Typer."""
    timings = in_turn(
        {
            "import typer": (sys.executable, "-c", "import typer"),
            "import infer_cli.cli": (sys.executable, "-c", "import infer_cli.cli"),
            "infer --help": (*_INFER, "--help"),
            "import docker": (sys.executable, "-c", "import docker"),
            "infer ps": (*_INFER, "ps"),
        },
        rounds=_ROUNDS,
    )
    print("Command line (ratio to importing Typer)")
    return _ratios(timings, timings["import typer"].median)


def builds_and_start() -> dict[str, dict[str, float]]:
    """How long builds take, and a service to be ready."""
    engine = connect()
    base = os.environ.get("INFER_BASE_IMAGE") or official_base(DEFAULT_PYTHON)
    if find_image(engine, base) is None:
        base = "infer-base:3.11"
    tag = f"infer-bench/{uuid.uuid4().hex[:8]}:v1"
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        try:
            built = _builds(work, tag, base)
            started = _starts(work, tag, base)
        finally:
            engine.api.remove_image(tag)
    return {"build": built, "start": started}


def _builds(work: Path, tag: str, base: str) -> dict[str, float]:
    """First builds with a cold and a warm cache of packages, then builds after one thing changed."""
    # A copy, so that changing the service changes nothing here.
    checkout = work / "checkout"
    for part in ("infer_cli", "service"):
        shutil.copytree(_ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_ROOT / "Dockerfile.template", checkout)
    models = work / "data"
    models.mkdir(mode=0o755)
    work.chmod(0o755)
    _write_model(models, protocol=5)

    def build(*options: str, **environment: str) -> float:
        command = (*_INFER, "build", "--tag", tag, "--model-dir", str(models), "--bake", "--base-image", base)
        return run((*command, *options), PYTHONPATH=str(checkout), **environment)

    cold = {"INFER_CACHE_DIR": str(work / "cold"), "UV_CACHE_DIR": str(work / "cold-uv")}
    found = {
        "first, cold package cache": build("--no-cache", **cold),
        "first, warm package cache": build("--no-cache"),
    }
    build()
    found["nothing changed"] = build()
    with (checkout / "service" / "app.py").open("a") as file:
        file.write("# changed\n")
    found["service changed"] = build()
    _write_model(models, protocol=4)
    found["baked model changed"] = build()
    print("\nBuild (ratio to the first with a warm package cache)")
    timings = {name: Timing((seconds,)) for name, seconds in found.items()}
    return _ratios(timings, timings["first, warm package cache"].median)


def _starts(work: Path, tag: str, base: str) -> dict[str, float]:
    """From `infer run` to ready, against starting and removing an empty container of the same base."""
    docker = shutil.which("docker")
    assert docker, "the docker client is needed"
    start, empty = [], []
    for number in range(_START_ROUNDS):
        name = f"infer-bench-{uuid.uuid4().hex[:6]}"
        empty.append(run((docker, "run", "--rm", "--network", "none", base, "true")))
        start.append(run((*_INFER, "run", tag, "-d", "--name", name)))
        run((*_INFER, "stop", name))
        assert work.exists(), number
    print("\nStart to ready (ratio to an empty container of the same base)")
    return _ratios(
        {"empty container": Timing(tuple(empty)), "infer run -d": Timing(tuple(start))},
        Timing(tuple(empty)).median,
    )


def _write_model(folder: Path, *, protocol: int) -> None:
    from sklearn.datasets import load_iris  # noqa: PLC0415 (slow to import)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    measures, species = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(measures, species)
    (folder / "model.pkl").write_bytes(pickle.dumps(model, protocol=protocol))


def _ratios(timings: dict[str, Timing], unit: float) -> dict[str, float]:
    for name, timing in timings.items():
        print(f"  {name:28} {timing.median / unit:6.2f}    {timing}")
    return {name: round(timing.median / unit, 3) for name, timing in timings.items()}


if __name__ == "__main__":
    main()
