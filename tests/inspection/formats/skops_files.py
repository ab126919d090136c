"""Archives as skops writes them: objects of a schema, and a zip of a schema and arrays."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np


def node(path: str, loader: str, **more: object) -> dict[str, object]:
    module, _, name = path.rpartition(".")
    return {"__class__": name, "__module__": module, "__loader__": loader, **more}


def plain(value: object) -> dict[str, object]:
    return node("builtins.str", "JsonNode", content=json.dumps(value), is_json=True)


def dictionary(**items: object) -> dict[str, object]:
    types = sequence(*[node("builtins.str", "TypeNode")] * len(items))
    return node("builtins.dict", "DictNode", content=items, key_types=types)


def instance(path: str, **state: object) -> dict[str, object]:
    return node(path, "ObjectNode", content=dictionary(**state))


def sequence(*items: object, kind: str = "list") -> dict[str, object]:
    return node(f"builtins.{kind}", f"{kind.capitalize()}Node", content=list(items))


def archive(schema: object, **arrays: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    file = io.BytesIO()
    if isinstance(schema, dict):
        schema = {"protocol": 2, **schema}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array)
            opened.writestr(f"{name}.npy", content.getvalue())
        opened.writestr("schema.json", schema if isinstance(schema, str) else json.dumps(schema))
    return file.getvalue()


NAMES = node(
    "numpy.ndarray",
    "NdArrayNode",
    type="json",
    content=[plain("slength"), plain("swidth")],
    shape=sequence(plain(2), kind="tuple"),
)


SCALER = instance(
    "sklearn.preprocessing.StandardScaler",
    feature_names_in_=NAMES,
    n_features_in_=plain(2),
    copy=plain(True),  # noqa: FBT003 - a value like another
    mean_=node("numpy.ndarray", "NdArrayNode", type="numpy", file="mean.npy"),
)


CLASSIFIER = instance(
    "sklearn.svm.SVC",
    classes_=node("numpy.ndarray", "NdArrayNode", type="numpy", file="classes.npy"),
    func=node("numpy.log1p", "FunctionNode"),
    inverse=node("scipy.special.expit", "FunctionNode"),
    _sklearn_version=plain("1.7.2"),
)


STEPS = sequence(
    sequence(plain("scale"), SCALER, kind="tuple"), sequence(plain("classify"), CLASSIFIER, kind="tuple")
)


PIPELINE = {**instance("sklearn.pipeline.Pipeline", steps=STEPS), "_skops_version": "0.16.0", "protocol": 2}
