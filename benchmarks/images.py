"""Size and build time of infer's image, beside the images of a tutorial, of MLflow and of BentoML.

All images start from the same base image. The images of the others lie on a further layer with pip and the
certificates of this machine, whose size is not counted. On a base image without apt-get, the packages that
the others install with apt-get are left out, which makes the images of the others smaller.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.environments import CACHE, NUMERIC, make_environment, run_quietly
from benchmarks.own import INFER, base_image
from benchmarks.peers import PEERS
from benchmarks.peers.peer import APPS
from benchmarks.problem import Problem
from infer_cli.engine.connection import connect
from infer_cli.engine.images import remove_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.connection import EngineRecord

    # By image, the measured numbers by their titles, or the problem that kept the image from being built.
    Found = dict[str, dict[str, float] | str]

_OWN = "infer build --bake"
_PYTHON_BASE = "python:3.11"
_PIP = "pip==26.3"

_PREPARED_BASE = """\
FROM {base}
COPY ca.pem /etc/ssl/certs/ca-certificates.crt
COPY pip /tmp/pip
COPY prepare.sh /tmp/prepare.sh
RUN sh /tmp/prepare.sh
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
ENV PIP_BREAK_SYSTEM_PACKAGES=1
"""

# Adds the programs that the official Python image has and a small base image may lack.
_PREPARE = """\
set -e
for tool in chmod chown; do
  command -v $tool || ln -s /bin/busybox /usr/local/bin/$tool
done
nothing() { printf '#!/bin/sh\\n' > "$1"; chmod +x "$1"; }
command -v pip || PYTHONPATH=/tmp/pip python3 -m pip install --no-index --find-links /tmp/pip \\
  --ignore-installed --break-system-packages pip
command -v python || ln -s python3 /usr/bin/python
command -v apt-get || nothing /usr/bin/apt-get
mkdir -p /etc/apt/apt.conf.d
if ! command -v useradd; then
  echo bentoml:x:1034:1034::/home/bentoml:/bin/bash >> /etc/passwd
  echo bentoml:x:1034: >> /etc/group
  mkdir -p /home/bentoml
  nothing /usr/sbin/useradd
  nothing /usr/sbin/groupadd
fi
rm -rf /tmp/pip
"""

_TUTORIAL = """\
FROM {base}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY flask_app.py model.pkl ./
ENV MODEL_FILE=/app/model.pkl
CMD ["gunicorn", "-b", "0.0.0.0:5000", "-w", "2", "flask_app:app"]
"""


def images(models: Path) -> Found:
    """Build each image, then again unchanged and with another model; print sizes and times as ratios."""
    suffix = uuid.uuid4().hex[:8]
    prepared = f"infer-bench/base:{suffix}"
    found: Found = {}
    try:
        with tempfile.TemporaryDirectory() as name:
            _prepare_base(Path(name), prepared)
        plain, with_pip = _size(base_image()), _size(prepared)
        found[_OWN] = _measure(_build_own, models, f"infer-bench/own:{suffix}", plain)
        for title, build in _OTHERS.items():
            try:
                found[title] = _measure(_on(prepared, build), models, f"infer-bench/other:{suffix}", with_pip)
            except Problem as problem:
                found[title] = str(problem)
    finally:
        with suppress(Exception):
            remove_image(connect(), prepared)
    _show(found)
    return found


def _measure(
    build: Callable[[Path, str, bool], None], models: Path, tag: str, base_size: int
) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        work.chmod(0o755)
        data = work / "data"
        shutil.copytree(models / "logistic", data, ignore=shutil.ignore_patterns("*.json"))
        # A rebuild takes the tag from the image of the build before, which must be removed, too.
        made: list[str] = []

        def timed(*, fresh: bool = False) -> float:
            start = time.perf_counter()
            build(data, tag, fresh)
            elapsed = time.perf_counter() - start
            made.append(_inspect(tag)["Id"])
            return elapsed

        try:
            found = {"first, no cache": timed(fresh=True), "nothing changed": timed()}
            # Another trained model of the same kind.
            shutil.copy(models / "forest" / "model.pkl", data / "model.pkl")
            found["model changed"] = timed()
            found["MB above the base"] = (_size(tag) - base_size) / 1e6
        finally:
            for image in reversed(made):
                with suppress(Exception):
                    remove_image(connect(), image)
    return found


def _build_own(data: Path, tag: str, fresh: bool) -> None:  # noqa: FBT001 (passed by position only)
    where = ("--tag", tag, "--model-dir", str(data), "--bake", "--base-image", base_image())
    with tempfile.TemporaryDirectory() as empty:
        cold = {"INFER_CACHE_DIR": f"{empty}/infer", "UV_CACHE_DIR": f"{empty}/uv"} if fresh else {}
        run_quietly((*INFER, "build", *where, *(("--no-cache",) if fresh else ())), cold)


def _on(base: str, write: Callable[[Path, Path, str], Path]) -> Callable[[Path, str, bool], None]:
    """A function that writes a context with `write`, and builds an image of it on `base`."""

    def build(data: Path, tag: str, fresh: bool) -> None:  # noqa: FBT001
        with tempfile.TemporaryDirectory() as name:
            dockerfile = write(Path(name), data / "model.pkl", base)
            _docker_build(dockerfile, Path(name) / "context", tag, fresh=fresh)

    return build


def _write_tutorial(work: Path, model: Path, base: str) -> Path:
    context = work / "context"
    context.mkdir()
    shutil.copy(model, context)
    shutil.copy(APPS / "flask_app.py", context)
    (flask,) = (peer for peer in PEERS if peer.name == "flask")
    (context / "requirements.txt").write_text("\n".join((*flask.packages, *NUMERIC)) + "\n")
    dockerfile = context / "Dockerfile"
    dockerfile.write_text(_TUTORIAL.format(base=base))
    return dockerfile


def _write_mlflow(work: Path, model: Path, base: str) -> Path:
    python, environment = _peer("mlflow", model)
    run_quietly((str(python), str(APPS / "mlflow_model.py"), str(work / "saved")), environment)
    generate = ("models", "generate-dockerfile", "-m", str(work / "saved"), "-d", str(work / "context"))
    run_quietly((str(python.with_name("mlflow")), *generate), environment)
    return _rebase(work / "context" / "Dockerfile", base)


def _write_bentoml(work: Path, model: Path, base: str) -> Path:
    python, environment = _peer("bentoml", model)
    source, home = work / "source", work / "home"
    source.mkdir()
    home.mkdir()
    shutil.copy(model, source)
    # BentoML starts the service in the folder with the model.
    app = (APPS / "bentoml_app.py").read_text().replace('os.environ["MODEL_FILE"]', '"model.pkl"')
    (source / "bentoml_app.py").write_text(app)
    described = {"service": "bentoml_app:Pickled", "python": {"packages": list(NUMERIC)}}
    (source / "bentofile.yaml").write_text(json.dumps(described))
    environment["BENTOML_HOME"] = str(home)
    run_quietly((str(python.with_name("bentoml")), "build", "--version", "v1"), environment, folder=source)
    (bento,) = (home / "bentos" / "pickled").glob("v1")
    shutil.copytree(bento, work / "context")
    return _rebase(work / "context" / "env" / "docker" / "Dockerfile", base)


_OTHERS: dict[str, Callable[[Path, Path, str], Path]] = {
    "tutorial's Dockerfile": _write_tutorial,
    "MLflow, generated": _write_mlflow,
    "BentoML, generated": _write_bentoml,
}


def _peer(name: str, model: Path) -> tuple[Path, dict[str, str]]:
    """The Python of a peer, and the environment variables with its programs and the model."""
    (peer,) = (peer for peer in PEERS if peer.name == name)
    python = make_environment(name, peer.packages)
    path = f"{python.parent}{os.pathsep}{os.environ['PATH']}"
    return python, {"PATH": path, "MODEL_FILE": str(model), **_quiet()}


def _quiet() -> dict[str, str]:
    """Variables that turn telemetry off and keep MLflow's database out of the current folder."""
    return {"BENTOML_DO_NOT_TRACK": "True", "MLFLOW_TRACKING_URI": f"sqlite:///{CACHE / 'mlflow.db'}"}


def _rebase(dockerfile: Path, base: str) -> Path:
    """Make a generated Dockerfile start from `base`; raises `Problem` if it has no official Python image."""
    lines = dockerfile.read_text().splitlines(keepends=True)
    starts = [at for at, line in enumerate(lines) if line.startswith(f"FROM {_PYTHON_BASE}")]
    if len(starts) != 1:
        raise Problem("the generated Dockerfile does not start from the official Python image")
    words = lines[starts[0]].split()
    lines[starts[0]] = " ".join((words[0], base, *words[2:])) + "\n"
    dockerfile.write_text("".join(lines))
    return dockerfile


def _docker_build(dockerfile: Path, context: Path, tag: str, *, fresh: bool = False) -> None:
    docker = shutil.which("docker")
    if docker is None:
        raise Problem("the docker client is needed to build the images of the others")
    options = ("--no-cache",) if fresh else ()
    run_quietly((docker, "build", *options, "-t", tag, "-f", str(dockerfile), str(context)))


def _prepare_base(work: Path, tag: str) -> None:
    """Build the base image of the others, with pip, this machine's certificates, and missing programs."""
    certificates = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if not certificates:
        raise Problem("no file of certificates was found: set SSL_CERT_FILE")
    shutil.copy(certificates, work / "ca.pem")
    pip = (sys.executable, "-m", "pip", "--quiet")
    run_quietly((*pip, "download", "--no-deps", "--dest", str(work / "wheel"), _PIP))
    (wheel,) = (work / "wheel").glob("*.whl")
    shutil.unpack_archive(wheel, work / "pip", "zip")
    shutil.copy(wheel, work / "pip")
    (work / "prepare.sh").write_text(_PREPARE)
    (work / "Dockerfile").write_text(_PREPARED_BASE.format(base=base_image()))
    _docker_build(work / "Dockerfile", work, tag)


def _size(tag: str) -> int:
    return int(_inspect(tag)["Size"])


def _inspect(tag: str) -> EngineRecord:
    facts: EngineRecord = connect().api.inspect_image(tag)  # type: ignore[no-untyped-call]
    return facts


def _show(found: Found) -> None:
    own = found[_OWN]
    print("\nImages with a model of iris (seconds and MB; in brackets, how many times ours)")
    for title, values in found.items():
        if isinstance(values, str) or isinstance(own, str):
            print(f"  {title:24} could not: {values}")
            continue
        shown = (f"{name} {value:.1f} ({value / own[name]:.2f})" for name, value in values.items())
        print(f"  {title:24} {', '.join(shown)}")
