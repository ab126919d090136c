"""`infer build` on a real engine: the content of the image, the layer cache, and cleaning up."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from infer_cli.engine.images import find_image
from infer_cli.image.base import BASE_IMAGE_VARIABLE, official_base
from tests.engine_turns import left_behind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.untyped import Estimator, Json

_IN_IMAGE = """
import json, os, pathlib, sys
import sklearn, numpy, flask, granian
packages = pathlib.Path("/opt/infer/packages")
uncompiled = [
    str(path) for path in packages.rglob("*.py")
    if not list((path.parent / "__pycache__").glob(path.stem + ".cpython-*.pyc"))
]
def has(module):
    try:
        __import__(module)
    except ImportError:
        return False
    return True
print(json.dumps({
    "sklearn": sklearn.__version__,
    "uid": os.getuid(),
    "uncompiled": uncompiled,
    "tests": [str(path) for path in packages.rglob("tests") if list(path.glob("test_*.py"))],
    "installers": [name for name in ("pip", "setuptools", "ensurepip") if has(name)],
    "compilers": [name for name in ("cc", "gcc", "g++") if any(
        os.access(os.path.join(folder, name), os.X_OK) for folder in os.environ["PATH"].split(":"))],
    "writable": [folder for folder in ("/", "/opt/infer", "/opt/infer/service", "/opt/infer/packages")
                 if os.access(folder, os.W_OK)],
}))
"""


@pytest.fixture(scope="module")
def inside(engine: Engine, iris_image: str) -> Json:
    """The findings of a program in the image, run as any user, on a read-only root, without network."""
    host = engine.api.create_host_config(read_only=True, cap_drop=["ALL"], network_mode="none")
    container = engine.api.create_container(
        iris_image, ["python3", "-c", _IN_IMAGE], user="12345:0", host_config=host
    )
    try:
        engine.api.start(container)
        engine.api.wait(container)
        found = json.loads(engine.api.logs(container, stderr=False))
    finally:
        engine.api.remove_container(container, force=True)
    return found


def test_the_image_has_the_scikit_learn_version_of_the_model(inside: Json) -> None:
    import sklearn  # noqa: PLC0415 (slow to import)

    assert inside["sklearn"] == sklearn.__version__


def test_any_user_can_run_the_image_and_write_no_file(inside: Json) -> None:
    assert inside["uid"] == 12345
    assert inside["writable"] == []


def test_packages_are_compiled_and_hold_no_tests(inside: Json) -> None:
    # Packages hold a few data files with code for other Python versions, which do not compile.
    assert len(inside["uncompiled"]) < 5, inside["uncompiled"]
    assert inside["tests"] == []


def test_the_image_holds_no_installer_and_no_compiler(inside: Json) -> None:
    assert inside["installers"] == []
    assert inside["compilers"] == []


def test_the_image_describes_itself(engine: Engine, iris_image: str, base_image: str) -> None:
    config = engine.api.inspect_image(iris_image)["Config"]  # type: ignore[no-untyped-call]

    assert config["User"] == "10001:10001"
    assert config["Healthcheck"]["Test"][-1] == "service.health"
    assert config["ExposedPorts"] == {"5000/tcp": {}}
    assert config["Labels"]["org.opencontainers.image.base.name"] == base_image
    assert "scikit-learn==" in config["Labels"]["infer.requirements"]
    assert config["Labels"]["infer.lock.digest"].startswith("sha256:")
    assert config["Labels"]["infer.model.digest"].startswith("sha256:")


def test_the_same_input_gives_the_same_layers(
    engine: Engine,
    infer: Callable[..., Finished],
    iris_folder: Path,
    base_image: str,
    tag: Callable[[], str],
    tmp_path: Path,
) -> None:
    def layers(*options: str, **caches: str) -> list[str]:
        name = tag()
        place = ("--model-dir", str(iris_folder), "--base-image", base_image, "--bake")
        built = infer("build", "--tag", name, *place, *options, **caches)
        assert built.exit_code == 0, built.stderr
        raw = engine.api.inspect_image(name)  # type: ignore[no-untyped-call]
        found: list[str] = raw["RootFS"]["Layers"]
        return found

    # Empty caches, as on another machine. What the first takes from the engine's cache was built before.
    cold = {"INFER_CACHE_DIR": str(tmp_path / "infer"), "UV_CACHE_DIR": str(tmp_path / "uv")}
    assert layers() == layers("--no-cache", **cold)


def test_a_second_build_takes_every_layer_from_the_cache(
    infer: Callable[..., Finished], iris_folder: Path, base_image: str, tag: Callable[[], str]
) -> None:
    options = ("--tag", tag(), "--model-dir", str(iris_folder), "--base-image", base_image, "--verbose")
    infer("build", *options)

    built = infer("build", *options)

    steps = re.findall(r"^Step \d+/\d+: (?!FROM)", built.stderr, re.MULTILINE)
    assert built.stderr.count("---> Using cache") == len(steps) > 10


def test_a_changed_baked_model_rebuilds_only_its_own_layers(
    infer: Callable[..., Finished],
    iris_model: Estimator,
    base_image: str,
    tag: Callable[[], str],
    tmp_path: Path,
) -> None:
    name = tag()
    command = ("build", "--tag", name, "--model-dir", str(tmp_path), "--base-image", base_image, "--bake")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(iris_model))
    infer(*command)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(iris_model, protocol=3))

    rebuilt = infer(*command, "--verbose")

    assert rebuilt.exit_code == 0, rebuilt.stderr
    cached = re.findall(r"^Step \d+/\d+: (\w+ \S+)[^\n]*\n ---> Using cache", rebuilt.stderr, re.MULTILINE)
    assert "COPY service/" in cached
    assert "COPY model/" not in cached


def test_docker_builds_the_same_layers_from_an_ejected_folder(
    engine: Engine,
    infer: Callable[..., Finished],
    iris_folder: Path,
    iris_image: str,
    base_image: str,
    tag: Callable[[], str],
    tmp_path: Path,
) -> None:
    docker = shutil.which("docker")
    assert docker, "the docker client is needed: .ci/engine installs it"
    name, folder = tag(), tmp_path / "ejected"
    options = ("--model-dir", str(iris_folder), "--base-image", base_image)
    ejected = infer("build", "--tag", iris_image, *options, "--eject", str(folder))
    assert ejected.exit_code == 0, ejected.stderr

    subprocess.run(
        [docker, "build", "--network", "none", "--no-cache", "-t", name, str(folder)],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        check=True,
        capture_output=True,
    )

    by_docker, by_infer = (
        engine.api.inspect_image(reference)  # type: ignore[no-untyped-call]
        for reference in (name, iris_image)
    )
    assert by_docker["RootFS"]["Layers"] == by_infer["RootFS"]["Layers"]
    assert by_docker["Config"]["Cmd"] == by_infer["Config"]["Cmd"]
    assert by_docker["Config"]["Env"] == by_infer["Config"]["Env"]


def test_eject_into_a_folder_with_files_writes_nothing(
    infer: Callable[..., Finished], tmp_path: Path
) -> None:
    (tmp_path / "mine.txt").write_text("keep")

    refused = infer("build", "--tag", "x", "--eject", str(tmp_path))

    assert refused.exit_code == 1
    assert "not an empty folder" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_dry_run_prints_the_plan_and_builds_nothing(
    engine: Engine, infer: Callable[..., Finished], iris_folder: Path
) -> None:
    command = ("build", "--tag", "infer-test/dry:v1", "--model-dir", str(iris_folder), "--dry-run")
    variables = {"VIRTUAL_ENV": sys.prefix, BASE_IMAGE_VARIABLE: ""}

    planned = infer(*command, **variables)
    without = infer(*command, "--no-environment", **variables)

    assert (planned.exit_code, without.exit_code) == (0, 0), planned.stderr
    python = ".".join(map(str, sys.version_info[:2]))
    assert f"FROM {official_base(python)}" in planned.stdout
    assert f"  scikit-learn=={metadata.version('scikit-learn')}  (recorded in the file)\n" in planned.stdout
    assert f"  scipy=={metadata.version('scipy')}  (the current environment)\n" in planned.stdout
    assert "  flask==3.1.3  (needed by the service)\n" in planned.stdout
    assert f"Preferring the versions of {sys.prefix}\n" in planned.stderr
    assert f"FROM {official_base('3.11')}" in without.stdout
    assert "the current environment" not in without.stdout + without.stderr
    assert find_image(engine, "infer-test/dry:v1") is None


def test_the_hint_for_a_missing_base_image_works_without_a_registry(infer: Callable[..., Finished]) -> None:
    refused = infer("build", "--tag", "x", "--base-image", "127.0.0.1:1/no/python:3.11-slim")

    assert refused.exit_code == 1
    assert "cannot be pulled" in refused.stderr
    assert "infer base" in refused.stderr or "--base-image infer-base" in refused.stderr


def test_a_base_image_without_python_is_refused(
    engine: Engine, infer: Callable[..., Finished], tag: Callable[[], str], tmp_path: Path
) -> None:
    name = tag()
    (tmp_path / "root.tar").write_bytes(bytes(10240))
    repository, _, version = name.rpartition(":")
    engine.api.import_image_from_file(str(tmp_path / "root.tar"), repository=repository, tag=version)

    refused = infer("build", "--tag", "x", "--base-image", name)

    assert refused.exit_code == 1
    assert "no usable python3" in refused.stderr


def test_packages_without_a_solution_are_explained(
    infer: Callable[..., Finished], iris_folder: Path, base_image: str, tmp_path: Path
) -> None:
    import sklearn  # noqa: PLC0415 (slow to import)

    model = (iris_folder / "model.pkl").read_bytes()
    version = sklearn.__version__.encode()
    (tmp_path / "model.pkl").write_bytes(model.replace(version, b"9" + version[1:]))

    refused = infer("build", "--tag", "x", "--model-dir", str(tmp_path), "--base-image", base_image)

    assert refused.exit_code == 1
    assert "cannot resolve" in refused.stderr
    assert "hint:" in refused.stderr


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"a,b,c\n1,2,3\n", "looks like a CSV file", id="text"),
        pytest.param(None, "cut short", id="truncated"),
    ],
)
def test_a_file_that_is_no_model_is_refused(
    infer: Callable[..., Finished], iris_folder: Path, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    whole = (iris_folder / "model.pkl").read_bytes()
    (tmp_path / "model.pkl").write_bytes(whole[: len(whole) // 2] if content is None else content)

    refused = infer("build", "--tag", "x", "--model-dir", str(tmp_path))

    assert refused.exit_code == 1
    assert str(tmp_path / "model.pkl") in refused.stderr
    assert reason in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_compressed_model_is_baked(
    infer: Callable[..., Finished],
    iris_model: Estimator,
    base_image: str,
    tag: Callable[[], str],
    tmp_path: Path,
) -> None:
    (tmp_path / "model.pkl.gz").write_bytes(gzip.compress(pickle.dumps(iris_model)))

    built = infer("build", "--tag", tag(), "--model-dir", str(tmp_path), "--base-image", base_image, "--bake")

    assert built.exit_code == 0, built.stderr


@pytest.mark.alone
@pytest.mark.parametrize("step", ["Choosing packages", "Building", "ADD packages.tar", "finish_image.py"])
def test_an_interrupted_build_leaves_no_image_and_no_container(
    engine: Engine, infer_program: tuple[str, ...], base_image: str, tag: Callable[[], str], step: str
) -> None:
    def unnamed() -> set[str]:
        images = engine.api.images(filters={"dangling": True})
        return {one["Id"] for one in (*images, *engine.api.containers(all=True))}

    name, before = tag(), unnamed()
    options = ("--tag", name, "--base-image", base_image, "--no-cache", "--verbose")
    command = [*infer_program, "build", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr
    for line in process.stderr:
        if step in line:
            break
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)

    assert process.returncode == 130, rest
    assert "interrupted" in rest
    # What others remove from the engine meanwhile does not count.
    assert left_behind(unnamed, before) == set()
    assert find_image(engine, name) is None


def test_a_linked_model_is_baked_under_the_name_of_the_link(
    infer: Callable[..., Finished],
    iris_folder: Path,
    base_image: str,
    tag: Callable[[], str],
    tmp_path: Path,
) -> None:
    (tmp_path / "best.pkl").symlink_to(iris_folder / "model.pkl")
    options = ("--tag", name := tag(), "--model-dir", str(tmp_path), "--base-image", base_image)

    refused = infer("build", *options)
    built = infer("build", *options, "--bake", "--json")

    assert refused.exit_code == 1
    assert "best.pkl is a link to" in refused.stderr
    assert built.exit_code == 0, built.stderr
    assert "agree with the model's own answers" in built.record["proof"]
    assert infer("inspect", name, "--json").record["model"]["path"] == "/opt/infer/model/best.pkl"
