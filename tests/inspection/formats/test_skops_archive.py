"""The facts of models that skops saved, whose schema is written here as skops writes it."""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from infer_cli.inspection import requirements_of
from infer_cli.inspection.formats import skops_archive

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


def _node(path: str, loader: str, **more: object) -> dict[str, object]:
    module, _, name = path.rpartition(".")
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


def _plain(value: object) -> dict[str, object]:
    return _node("builtins.str", "JsonNode", content=json.dumps(value), is_json=True)


def _dictionary(**items: object) -> dict[str, object]:
    types = _list(*[_node("builtins.str", "TypeNode")] * len(items))
    return _node("builtins.dict", "DictNode", content=items, key_types=types)


def _object(path: str, **state: object) -> dict[str, object]:
    return _node(path, "ObjectNode", content=_dictionary(**state))


def _list(*items: object, kind: str = "list") -> dict[str, object]:
    return _node(f"builtins.{kind}", f"{kind.capitalize()}Node", content=list(items))


def _zip(schema: object, **arrays: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    file = io.BytesIO()
    if isinstance(schema, dict):
        schema = {"protocol": 2, **schema}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            archive.writestr(f"{name}.npy", content.getvalue())
        archive.writestr("schema.json", schema if isinstance(schema, str) else json.dumps(schema))
    return file.getvalue()


NAMES = _node(
    "numpy.ndarray",
    "NdArrayNode",
    type="json",
    content=[_plain("slength"), _plain("swidth")],
    shape=_list(_plain(2), kind="tuple"),
)
SCALER = _object(
    "sklearn.preprocessing.StandardScaler",
    feature_names_in_=NAMES,
    n_features_in_=_plain(2),
    copy=_plain(True),  # noqa: FBT003 - a value like another
    mean_=_node("numpy.ndarray", "NdArrayNode", type="numpy", file="mean.npy"),
)
CLASSIFIER = _object(
    "sklearn.svm.SVC",
    classes_=_node("numpy.ndarray", "NdArrayNode", type="numpy", file="classes.npy"),
    func=_node("numpy.log1p", "FunctionNode"),
    inverse=_node("scipy.special.expit", "FunctionNode"),
    _sklearn_version=_plain("1.7.2"),
)
STEPS = _list(
    _list(_plain("scale"), SCALER, kind="tuple"), _list(_plain("classify"), CLASSIFIER, kind="tuple")
)
PIPELINE = {**_object("sklearn.pipeline.Pipeline", steps=STEPS), "_skops_version": "0.16.0", "protocol": 2}


def test_a_pipeline(inspect_bytes: Callable[..., Inspection]) -> None:
    inspection = inspect_bytes(_zip(PIPELINE, classes=np.array(["a", "b"]), mean=np.ones(2)), "model.skops")

    assert inspection.format == "skops"
    assert inspection.kind == "classifier"
    assert inspection.classes == ("a", "b")
    assert inspection.feature_names == ("slength", "swidth")
    assert inspection.feature_count == 2
    assert inspection.sklearn_version == "1.7.2"
    assert inspection.as_dict()["versions"] == {"scikit-learn": "1.7.2", "skops": "0.16.0"}
    assert {"numpy.log1p", "scipy.special.expit", "sklearn.svm.SVC"} <= set(map(str, inspection.globals))
    assert inspection.estimator is not None
    assert [step.name for step in inspection.estimator.steps] == ["scale", "classify"]
    assert [str(needed) for needed in requirements_of(inspection)] == [
        "numpy",
        "scikit-learn==1.7.2",
        "scipy",
        "skops>=0.16.0",
    ]


def test_names_are_found_at_any_depth(inspect_bytes: Callable[..., Inspection]) -> None:
    hidden = _object("mine.Thing", x=_list(_list(_dictionary(y=_node("os.system", "FunctionNode")))))

    inspection = inspect_bytes(_zip(_object("mine.Model", part=hidden)))

    assert {"os.system", "mine.Thing", "mine.Model"} <= set(map(str, inspection.globals))


def test_a_function_of_protocol_0(inspect_bytes: Callable[..., Inspection]) -> None:
    function = _node(
        "builtins.function", "FunctionNode", content={"module_path": "scipy.special", "function": "expit"}
    )

    inspection = inspect_bytes(_zip({**_object("mine.Model", func=function), "protocol": 0}))

    assert "scipy.special.expit" in set(map(str, inspection.globals))
    assert "builtins.function" not in set(map(str, inspection.globals))


def test_an_object_seen_before(inspect_bytes: Callable[..., Inspection]) -> None:
    first = {**NAMES, "__id__": 7}
    again = _node("numpy.ndarray", "CachedNode", __id__=7)

    inspection = inspect_bytes(_zip(_object("mine.Model", other=first, feature_names_in_=again)))

    assert inspection.feature_names == ("slength", "swidth")


def test_other_values(inspect_bytes: Callable[..., Inspection]) -> None:
    model = _object("mine.Model", a=_plain([1, [2]]), b=_plain({}), c=_list(_plain(1), kind="set"))

    estimator = inspect_bytes(_zip(model)).estimator

    assert estimator is not None
    assert [parameter.value for parameter in estimator.parameters] == ["[1]", "a dictionary (empty)", "{1}"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("[]", "has a schema that infer does not understand"),
        ("{", "has a schema that infer does not understand"),
        ("[" * 100_000, "has a schema that infer does not understand"),
        (_object("mine.Model", a=3), "has a schema that infer does not understand"),
        (_object("mine.Model", a=_node("a.b", "JsonNode", content="{")), "has a schema that infer does not"),
        (PIPELINE, "lacks classes.npy, which its schema names"),
        (_list(), "holds a list of length 0, not a model"),
    ],
)
def test_refuses(schema: object, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert reason in refusal(_zip(schema)).message


def test_an_array_of_another_shape(inspect_bytes: Callable[..., Inspection]) -> None:
    inspection = inspect_bytes(_zip(PIPELINE, classes=np.ones((2, 2)), mean=np.ones(2)))

    assert inspection.classes is None


def test_a_schema_too_large(
    refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skops_archive, "SCHEMA_BYTES_MAX", 100)

    assert "larger than infer reads" in refusal(_zip(PIPELINE)).message


def test_deep_nesting(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    schema = _plain(1)
    for _ in range(200):
        schema = _list(schema)

    assert (
        "has a schema that infer does not understand"
        in refusal(_zip(_object("mine.Model", a=schema))).message
    )


def test_cut_anywhere(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    data = _zip(PIPELINE, classes=np.array(["a", "b"]))

    for length in range(0, len(data), 50):
        refusal(data[:length])


def _archive(*names: str, mode: int = 0o100644, size: int = 1) -> bytes:
    """Write a model, and more files into the same archive."""
    file = io.BytesIO(_zip(_object("mine.Model")))
    with warnings.catch_warnings(), zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")
        for name in names:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            archive.writestr(member, b"x" * size, zipfile.ZIP_DEFLATED)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        pytest.param(_archive("../../etc/cron.d/x"), "path leads outside the archive", id="upwards"),
        pytest.param(_archive("/etc/cron.d/x"), "path leads outside the archive", id="absolute"),
        pytest.param(_archive("..\\x"), "path leads outside the archive", id="upwards on Windows"),
        pytest.param(_archive("C:/x"), "path leads outside the archive", id="a drive"),
        pytest.param(_archive("link", mode=0o120777), "holds a link, 'link'", id="link"),
        pytest.param(_archive("schema.json"), "two files of the same name", id="two schemas"),
    ],
)
def test_archives_that_are_unsafe_to_unpack(
    data: bytes, reason: str, refusal: Callable[[bytes], ModelUnreadable]
) -> None:
    assert reason in refusal(data).message


def test_a_decompression_bomb(
    refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skops_archive, "EXPANDED_BYTES_MAX", 1000)

    assert "expands to more than" in refusal(_archive("zeros", size=1_000_000)).message


def test_a_method_is_judged_by_its_full_name(inspect_bytes: Callable[..., Inspection]) -> None:
    owner = _object("sklearn.svm._classes.SVC")
    method = _node(
        "sklearn.svm._classes.SVC", "MethodNode", content={"func": "__init_subclass__", "obj": owner}
    )

    inspection = inspect_bytes(_zip(_object("mine.Model", method=method)))

    assert "sklearn.svm._classes.SVC.__init_subclass__" in set(map(str, inspection.globals))


def test_what_is_called(inspect_bytes: Callable[..., Inspection]) -> None:
    """A class that may only be made counts as called where its own code would run."""
    made = _node("sklearn.svm._classes.SVC", "ConstructorFromReduceNode", content=_list(kind="tuple"))
    held = _object("numpy.log1p")

    inspection = inspect_bytes(_zip(_object("sklearn.svm._classes.SVC", a=made, b=held)))

    assert set(map(str, inspection.calls)) == {"sklearn.svm._classes.SVC", "numpy.log1p"}
