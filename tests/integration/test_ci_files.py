"""The CI files of docs/ci.md work: their own scripts train, build, prove and push, with a real engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from infer_cli.engine.images import find_image, remove_image
from tests.integration.proxy import engine_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.conftest import Registry
    from tests.integration.untyped import Json

_PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text()
# A line of htpasswd for the password "secret"; the registry accepts only bcrypt.
_HTPASSWD = "alice:$2b$12$ipxOVaWqrF8c1Hco3WUAR.Oh6N44Y43rZlRnY51JVGSPyprW.Mw3y"
_EXAMPLES = "slength,swidth,plength,pwidth,prediction\n5.1,3.5,1.4,0.2,setosa\n6.7,3.0,5.2,2.3,virginica\n"


@pytest.fixture(scope="module")
def registry(start_registry: Callable[..., Registry]) -> Registry:
    """A registry with a password."""
    return start_registry(htpasswd=_HTPASSWD)


@pytest.fixture
def repository(infer: Callable[..., Finished], tmp_path: Path) -> Path:
    """A repository as the page wants it; infer itself is installed already."""
    folder = tmp_path / "repository"
    assert infer("init", str(folder)).exit_code == 0
    (folder / "examples.csv").write_text(_EXAMPLES)
    return folder


def _file(heading: str) -> Json:
    parsed: Json = yaml.safe_load(_PAGE.split(heading)[1].split("```yaml\n")[1].split("```")[0])
    return parsed


@contextmanager
def _image(engine: Engine, registry: Registry) -> Iterator[str]:
    """A name for an image at the registry, which is removed from the engine at the end."""
    name = f"{registry.host}/ada/model-{uuid.uuid4().hex[:8]}"
    try:
        yield name
    finally:
        with suppress(Exception):
            remove_image(engine, f"{name}:0123abcd")


def _run(script: str, repository: Path, **environment: str) -> str:
    """Run a script as a runner does, with a home of its own for credentials; what it prints."""
    home = repository.parent / "home"
    home.mkdir(exist_ok=True)
    search = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # Packages need not be fetched again for the new home.
    caches = {
        variable: os.environ.get(variable) or str(Path.home() / ".cache" / name)
        for variable, name in (("UV_CACHE_DIR", "uv"), ("INFER_CACHE_DIR", "infer"))
    }
    own = {"PATH": search, "HOME": str(home), "DOCKER_CONFIG": str(home / ".docker"), **caches}
    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=repository,
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.skipif(shutil.which("docker") is None, reason="the Docker command is not installed")
def test_github_workflow_pushes_the_image(
    engine: Engine, registry: Registry, base_image: str, repository: Path
) -> None:
    job = _file("## GitHub Actions")["jobs"]["image"]

    with _image(engine, registry) as image:
        known = {
            "ghcr.io/${{ github.repository }}": image,
            "${{ github.sha }}": "0123abcd",
            "${{ secrets.GITHUB_TOKEN }}": "secret",
            "ghcr.io": registry.host,
        }
        said = []
        for step in job["steps"]:
            if "run" not in step or step["run"].startswith("pip install"):
                continue
            variables = {**job["env"], **step.get("env", {}), "GITHUB_ACTOR": "alice"}
            variables = {name: _replaced(value, known) for name, value in variables.items()}
            script = _replaced(step["run"], known)
            said.append(_run(script, repository, INFER_BASE_IMAGE=base_image, **variables))

        assert "agree with the model's own answers; 2 answers as expected" in said[1]
        assert f"Pushed {image}:0123abcd" in said[2]
        assert find_image(engine, f"{image}:0123abcd")


def test_gitlab_job_pushes_the_image_with_an_engine_elsewhere(
    engine: Engine, registry: Registry, base_image: str, repository: Path
) -> None:
    job = _file("## GitLab CI")["build-image"]

    with _image(engine, registry) as image, engine_proxy(engine) as port:
        variables = {
            "CI_REGISTRY": registry.host,
            "CI_REGISTRY_USER": "alice",
            "CI_REGISTRY_PASSWORD": "secret",
            "CI_COMMIT_BRANCH": "main",
            "CI_DEFAULT_BRANCH": "main",
            "IMAGE": f"{image}:0123abcd",
            "DOCKER_HOST": f"tcp://127.0.0.1:{port}",
            "INFER_BASE_IMAGE": base_image,
        }
        lines = [line for line in job["script"] if not line.startswith("pip install")]
        said = [_run(line, repository, **variables) for line in lines]

    assert "agree with the model's own answers; 2 answers as expected" in said[1]
    assert f"Pushed {image}:0123abcd" in said[2]


def _replaced(text: str, known: dict[str, str]) -> str:
    for name, value in known.items():
        text = text.replace(name, value)
    return text
