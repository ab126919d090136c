"""`infer build` verifies an image before the image gets its name."""

from __future__ import annotations

import gzip
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING

import joblib
import pytest

from infer_cli.cache import cache_folder
from infer_cli.engine.images import find_image
from infer_cli.engine.services import container_names
from tests.engine_turns import left_behind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.untyped import Estimator


@pytest.fixture
def build(infer: Callable[..., Finished], base_image: str, tmp_path: Path) -> Callable[..., Finished]:
    """Build with a cache that has only packages, so that no earlier verification counts."""
    cache = tmp_path / "cache"
    cache.mkdir()
    packages = cache_folder() / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    (cache / "packages").symlink_to(packages)

    def run(name: str, folder: Path, *options: str) -> Finished:
        command = ("build", "--tag", name, "--model-dir", str(folder), "--base-image", base_image)
        return infer(*command, *options, INFER_CACHE_DIR=str(cache))

    return run


@pytest.fixture
def examples(infer: Callable[..., Finished], iris_service: str, tmp_path: Path) -> Path:
    """A file of rows with the answers of a correct service."""
    (tmp_path / "rows.csv").write_text("slength,swidth,plength,pwidth\n5.1,3.5,1.4,0.2\n6.7,3.0,5.2,2.3\n")
    path = tmp_path / "examples.csv"
    predicted = infer("predict", iris_service, "-i", str(tmp_path / "rows.csv"), "-o", str(path))
    assert predicted.exit_code == 0, predicted.stderr
    return path


def _leftovers(engine: Engine) -> set[str]:
    """The names of containers that verifications made and did not remove."""
    return left_behind(lambda: {name for name in container_names(engine) if name.startswith("infer-verify-")})


def test_the_service_answers_generated_rows(
    engine: Engine, build: Callable[..., Finished], iris_folder: Path, tag: Callable[[], str]
) -> None:
    built = build(tag(), iris_folder)

    assert built.exit_code == 0, built.stderr
    assert "20 rows made of what the model knows" in built.stdout
    assert _leftovers(engine) == set()


def test_a_service_that_does_not_start_is_told_with_the_end_of_its_log(
    engine: Engine, build: Callable[..., Finished], tag: Callable[[], str], tmp_path: Path
) -> None:
    code, folder = tmp_path / "src", tmp_path / "data"
    for made in (code, folder):
        made.mkdir()
    (code / "broken.py").write_text(
        "class Broken:\n    def __setstate__(self, state):\n        raise ValueError('no such licence')\n"
    )
    (folder / "model.pkl").write_bytes(b"\x80\x04cbroken\nBroken\n)\x81}\x8c\x01a\x4b\x01sb.")

    failed = build(name := tag(), folder, "--code", str(code), "--features", "a,b")

    assert failed.exit_code == 1
    assert "ended while starting: cannot load /data/model.pkl: " in failed.stderr
    assert "no such licence" in failed.stderr
    assert find_image(engine, name) is None
    assert _leftovers(engine) == set()


def test_the_same_image_and_model_are_verified_once(
    build: Callable[..., Finished], iris_folder: Path, tag: Callable[[], str]
) -> None:
    name = tag()
    build(name, iris_folder)

    again = build(name, iris_folder)

    assert again.exit_code == 0
    assert "it answered before" in again.stdout


def test_the_answers_in_examples_are_compared(
    build: Callable[..., Finished], iris_folder: Path, tag: Callable[[], str], examples: Path
) -> None:
    built = build(tag(), iris_folder, "--examples", str(examples))

    assert built.exit_code == 0, built.stderr
    assert "agree with the model's own answers; 8 answers as expected" in built.stdout


def test_a_wrong_answer_fails_the_build_and_the_old_image_keeps_the_name(
    engine: Engine, build: Callable[..., Finished], iris_folder: Path, iris_image: str, examples: Path
) -> None:
    before = find_image(engine, iris_image)
    examples.write_text(examples.read_text().replace(",setosa,", ",virginica,"))

    failed = build(iris_image, iris_folder, "--examples", str(examples), "--bake")

    assert failed.exit_code == 1
    assert "row 1: prediction is 'setosa', expected 'virginica'" in failed.stderr
    assert find_image(engine, iris_image) == before
    assert _leftovers(engine) == set()


def test_a_model_of_another_scikit_learn_is_refused(
    engine: Engine,
    infer: Callable[..., Finished],
    iris_image: str,
    iris_folder: Path,
    service_name: str,
    tmp_path: Path,
) -> None:
    import sklearn  # noqa: PLC0415 (slow to import)

    other = f"0.{sklearn.__version__.partition('.')[2]}"
    model = (iris_folder / "model.pkl").read_bytes().replace(sklearn.__version__.encode(), other.encode())
    (tmp_path / "model.pkl").write_bytes(model)
    tmp_path.chmod(0o755)

    refused = infer("run", iris_image, "--model-dir", str(tmp_path), "-d", "--name", service_name)

    assert refused.exit_code == 1
    assert f"scikit-learn {other}" in refused.stderr
    assert f"infer build {tmp_path}/model.pkl --tag {iris_image}" in refused.stderr
    assert service_name not in container_names(engine)


def test_verification_can_be_turned_off(
    build: Callable[..., Finished], iris_folder: Path, tag: Callable[[], str]
) -> None:
    built = build(tag(), iris_folder, "--no-verify")

    assert built.exit_code == 0
    assert "Proof: none (--no-verify)" in built.stdout


@pytest.mark.parametrize("name", ["model.pkl.gz", "model.joblib.lz4"])
def test_a_compressed_model_answers(
    build: Callable[..., Finished], iris_model: Estimator, tag: Callable[[], str], tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    if name.endswith(".gz"):
        (folder / name).write_bytes(gzip.compress(pickle.dumps(iris_model)))
    else:
        joblib.dump(iris_model, folder / name, compress="lz4")

    built = build(tag(), folder, "--bake")

    assert built.exit_code == 0, built.stderr
    assert "20 rows made of what the model knows" in built.stdout


def test_the_users_own_code_comes_with_the_model(
    build: Callable[..., Finished], tag: Callable[[], str], tmp_path: Path
) -> None:
    (tmp_path / "src" / "shop").mkdir(parents=True)
    (tmp_path / "src" / "shop" / "__init__.py").write_text(
        "from sklearn.base import BaseEstimator, TransformerMixin\n"
        "class Doubler(TransformerMixin, BaseEstimator):\n"
        "    def fit(self, X, y=None):\n        return self\n"
        "    def transform(self, X):\n        return X * 2\n"
    )
    folder = tmp_path / "data"
    folder.mkdir()
    train = (
        "import pickle, sys\n"
        "from shop import Doubler\n"
        "from sklearn.datasets import load_iris\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "model = make_pipeline(Doubler(), LogisticRegression(max_iter=1000))\n"
        "model.fit(*load_iris(return_X_y=True))\n"
        "pickle.dump(model, open(sys.argv[1], 'wb'))\n"
    )
    subprocess.run([sys.executable, "-c", train, str(folder / "model.pkl")], cwd=tmp_path / "src", check=True)

    refused = build(tag(), folder)
    columns = ("--features", "x0,x1,x2,x3")
    built = build(tag(), folder, "--code", str(tmp_path / "src"), *columns)

    assert refused.exit_code == 1
    assert "shop.Doubler" in refused.stderr
    assert "--code shop.py" in refused.stderr
    assert built.exit_code == 0, built.stderr
    assert "20 rows made of what the model knows" in built.stdout
