"""How long a build takes after one of its inputs has changed."""

from __future__ import annotations

import pickle
import shutil
import tempfile
import uuid
from pathlib import Path

from benchmarks.measure import Timing, print_ratios, run
from benchmarks.own import INFER, base_image
from infer_cli.engine.connection import connect

_ROOT = Path(__file__).resolve().parent.parent


def builds() -> dict[str, float]:
    """The seconds of each build as a ratio to the first build with a warm package cache."""
    tag = f"infer-bench/{uuid.uuid4().hex[:8]}:v1"
    with tempfile.TemporaryDirectory() as name:
        try:
            found = _builds(Path(name), tag, base_image())
        finally:
            connect().api.remove_image(tag)
    print("\nBuild (ratio to the first with a warm package cache)")
    timings = {name: Timing((seconds,)) for name, seconds in found.items()}
    return print_ratios(timings, timings["first, warm package cache"].median)


def _builds(work: Path, tag: str, base: str) -> dict[str, float]:
    """The seconds of first builds with a cold and a warm package cache, and of builds after one change."""
    # A copy, so that the change of the service does not touch this checkout.
    checkout = work / "checkout"
    for part in ("infer_cli", "service"):
        shutil.copytree(_ROOT / part, checkout / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(_ROOT / "Dockerfile.template", checkout)
    models = work / "data"
    models.mkdir(mode=0o755)
    work.chmod(0o755)
    _write_model(models, protocol=5)

    def build(*options: str, **environment: str) -> float:
        command = (*INFER, "build", "--tag", tag, "--model-dir", str(models), "--bake", "--base-image", base)
        return run((*command, *options), PYTHONPATH=str(checkout), **environment)

    cold = {"INFER_CACHE_DIR": str(work / "cold"), "UV_CACHE_DIR": str(work / "cold-uv")}
    found = {
        "first, cold package cache": build("--no-cache", **cold),
        "first, warm package cache": build("--no-cache"),
    }
    build()
    found["nothing changed"] = build()
    with (checkout / "service" / "web" / "app.py").open("a") as file:
        file.write("# changed\n")
    found["service changed"] = build()
    _write_model(models, protocol=4)
    found["baked model changed"] = build()
    return found


def _write_model(folder: Path, *, protocol: int) -> None:
    from sklearn.datasets import load_iris  # noqa: PLC0415 (slow to import)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    measures, species = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=1000).fit(measures, species)
    (folder / "model.pkl").write_bytes(pickle.dumps(model, protocol=protocol))
