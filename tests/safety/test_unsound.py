"""Files of allowed names with unsound values are refused before a model is asked."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import pytest
import skops.io
from sklearn.tree import DecisionTreeClassifier
from skops.io.exceptions import UnsupportedTypeException

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import inspect_model, require_safe
from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from tests.safety.assembler import alone, call, name, number, pickled, string, tuple_of
from tests.safety.unsound import TABLE, TARGET, UNSOUND

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
ARRAY = name("numpy", "ndarray")
RECONSTRUCT = name("numpy._core.multiarray", "_reconstruct")
MASKED = name("numpy.ma.core", "_mareconstruct")
TREE = name("sklearn.tree._tree", "Tree")
# Arrays that would hold what the memory held before, as they are never given a state; and what reads behind
# its arguments.
STATELESS = {
    "an array": call(RECONSTRUCT, ARRAY, tuple_of(number(10**6)), pickled(b"b")),
    "an array of two dimensions": call(RECONSTRUCT, ARRAY, tuple_of(number(100), number(100)), pickled(b"d")),
    "an array of older versions": call(
        name("numpy.core.multiarray", "_reconstruct"), ARRAY, tuple_of(number(1000)), pickled(b"b")
    ),
    "an array without dimensions": call(RECONSTRUCT, ARRAY, b")", pickled(b"d")),
    "a masked array": call(
        MASKED, name("numpy.ma", "MaskedArray"), ARRAY, tuple_of(number(1000)), pickled(b"b")
    ),
    "a number without bytes": call(
        name("numpy._core.multiarray", "scalar"), call(name("numpy", "dtype"), string("f8"))
    ),
    "a tree of no numbers of classes": call(TREE, number(4), b"N", number(10**6)),
    "a tree of fewer numbers of classes": call(
        TREE, number(4), call(RECONSTRUCT, ARRAY, tuple_of(number(0)), pickled(b"b")), number(10**6)
    ),
}


# What SciPy itself finds in an archive of skops, before the service looks.
FOUND_BY_SCIPY = {"sparse values", "sparse shape", "sparse pairs"}


def sentences_of(file: Path) -> tuple[str, str]:
    """What the inspection, and what the service says is wrong with a file, from the same word on."""
    with pytest.raises((ModelUnsafe, ModelUnreadable)) as inspected:
        inspect_model(file)
    with pytest.raises(ModelUnloadable) as loaded:
        load_model(file)
    found = re.search(r"\b(holds|says) .*?(?=\)?\. [A-Z]|\)?\.?$)", str(loaded.value))
    assert found is not None
    return str(inspected.value).removeprefix(f"{file} ").removesuffix("."), found[0]


@pytest.mark.parametrize("what", UNSOUND)
@pytest.mark.filterwarnings("ignore")
def test_both_gates_refuse_unsound_values_in_the_same_words(what: str, tmp_path: Path) -> None:
    """The inspection sees all of them: what it cannot see of pickles is none of these."""
    file = tmp_path / "model.joblib"
    joblib.dump({"model": UNSOUND[what]()}, file)

    inspected, loaded = sentences_of(file)

    assert inspected == loaded


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("what", ["a child lies outside", "a KD tree's order", "a histogram's feature"])
def test_the_place_of_the_bytes_of_an_array_does_not_matter(what: str, protocol: int, tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps({"model": UNSOUND[what]()}, protocol))

    inspected, loaded = sentences_of(file)

    assert inspected == loaded


@pytest.mark.parametrize("what", UNSOUND)
@pytest.mark.filterwarnings("ignore")
def test_both_gates_refuse_unsound_values_in_archives(what: str, tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    try:
        skops.io.dump({"model": UNSOUND[what]()}, file)
    except (TypeError, ValueError, AttributeError, UnsupportedTypeException) as error:
        pytest.skip(f"skops does not save it: {error}")

    if what in FOUND_BY_SCIPY:
        with pytest.raises(ModelUnsafe):
            inspect_model(file)
        with pytest.raises(ModelUnloadable):
            load_model(file)
    else:
        inspected, loaded = sentences_of(file)
        assert inspected == loaded


@pytest.mark.parametrize("what", STATELESS)
def test_both_gates_refuse_arrays_without_a_state(what: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(alone(STATELESS[what]))

    with pytest.raises(ModelUnloadable):
        load_model(file)
    with pytest.raises((ModelUnreadable, ModelUnsafe)):
        require_safe(inspect_model(file), ())


def boosters() -> dict[str, Callable[[], Any]]:
    lightgbm, xgboost = pytest.importorskip("lightgbm"), pytest.importorskip("xgboost")

    def of_lightgbm(old: str, new: str) -> Any:
        model = lightgbm.LGBMClassifier(n_estimators=2, verbose=-1, n_jobs=1).fit(TABLE, TARGET)
        return _Changed(model.booster_, "_handle", lambda text: re.sub(old, new, text, count=1))

    def of_xgboost(change: Callable[[bytes], bytes]) -> Any:
        model = xgboost.XGBClassifier(n_estimators=2, n_jobs=1).fit(TABLE, TARGET)
        return _Changed(model.get_booster(), "handle", lambda data: bytearray(change(bytes(data))))

    return {
        "LightGBM: a child is itself": lambda: of_lightgbm(r"(left_child=)-(\d)", r"\g<1>0\2"),
        "LightGBM: a feature outside": lambda: of_lightgbm("split_feature=", "split_feature=9"),
        "LightGBM: cut by a zero": lambda: of_lightgbm("Tree=1", "Tree=1\0"),
        "LightGBM: an address": lambda: _Changed(
            of_lightgbm("", "").booster, "_handle", lambda _: None, handle=2**40
        ),
        "XGBoost: cut short": lambda: of_xgboost(lambda data: data[: len(data) // 2]),
        "XGBoost: other bytes": lambda: of_xgboost(lambda data: b"binf" + data),
        "XGBoost: a child outside": lambda: of_xgboost(_with_far_child),
    }


def _with_far_child(data: bytes) -> bytes:
    # A typed array of UBJSON: its name, its type, its length, its values.
    at = data.index(b"left_children[$") + len(b"left_children[$l#L") + 8
    return data[:at] + (10**8).to_bytes(4, "big") + data[at + 4 :]


class _Changed:
    """A booster that is pickled with another state."""

    def __init__(self, booster: Any, attribute: str, change: Callable[[Any], Any], **more: Any) -> None:
        self.booster, self.attribute, self.change, self.more = booster, attribute, change, more

    def __reduce__(self) -> tuple[Any, ...]:
        state = {**self.booster.__getstate__(), **self.more}
        state[self.attribute] = self.change(state[self.attribute])
        return type(self.booster).__new__, (type(self.booster),), state


def _pickled_booster(changed: _Changed) -> bytes:
    """Pickle the booster as its library does: by its class alone."""
    state = changed.__reduce__()[2]
    cls = type(changed.booster)
    return alone(name(cls.__module__, cls.__name__) + b")\x81" + pickle.dumps(state, 4)[2:-1] + b"b")


BOOSTERS = (
    "LightGBM: a child is itself",
    "LightGBM: a feature outside",
    "LightGBM: cut by a zero",
    "LightGBM: an address",
    "XGBoost: cut short",
    "XGBoost: other bytes",
    "XGBoost: a child outside",
)


@pytest.mark.parametrize("what", BOOSTERS)
def test_pickled_boosters_are_checked_before_their_library_reads_them(what: str, tmp_path: Path) -> None:
    file = tmp_path / "model.pkl"
    file.write_bytes(_pickled_booster(boosters()[what]()))

    with pytest.raises(ModelUnloadable, match=r"it is no |it has |holds a"):
        load_model(file)


def test_skops_gives_a_tree_no_more_outputs_than_numbers_of_classes(tmp_path: Path) -> None:
    written = io.BytesIO(skops.io.dumps(DecisionTreeClassifier().fit(TABLE, TARGET)))
    file = tmp_path / "model.skops"
    with zipfile.ZipFile(written) as archive, zipfile.ZipFile(file, "w") as made:
        for member in archive.namelist():
            data = archive.read(member)
            if member == "schema.json":
                schema = json.loads(data)
                arguments = schema["content"]["content"]["tree_"]["__reduce__"]["args"]["content"]
                # Under a number of its own, as the same integer elsewhere has the number of this one.
                arguments[2] |= {"content": "100000", "__id__": 1}
                data = json.dumps(schema).encode()
            made.writestr(member, data)

    with pytest.raises(ModelUnloadable, match=r"calls sklearn\.tree\._tree\.Tree as no model does"):
        load_model(file)


def test_models_changed_at_random_are_refused_or_predict() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tests.safety.mutations", "1", "2"],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    # Some models write lines of their own.
    killed = [line for line in ran.stdout.splitlines() if line.startswith("killed: ")]

    assert not killed
    assert "refused: " in ran.stdout
    assert "refused: 0" not in ran.stdout
