"""The facts of models that skops saved; unsafe and damaged archives are refused."""

from __future__ import annotations

import io
import warnings
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from infer_cli.inspection import requirements_of
from infer_cli.inspection.formats import skops_archive
from tests.inspection.formats.skops_files import (
    NAMES,
    PIPELINE,
    archive,
    instance,
    node,
    plain,
    sequence,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


def test_a_pipeline(inspect_bytes: Callable[..., Inspection]) -> None:
    inspection = inspect_bytes(
        archive(PIPELINE, classes=np.array(["a", "b"]), mean=np.ones(2)), "model.skops"
    )

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


def test_an_object_seen_before(inspect_bytes: Callable[..., Inspection]) -> None:
    first = {**NAMES, "__id__": 7}
    again = node("numpy.ndarray", "CachedNode", __id__=7)

    inspection = inspect_bytes(archive(instance("mine.Model", other=first, feature_names_in_=again)))

    assert inspection.feature_names == ("slength", "swidth")


def test_other_values(inspect_bytes: Callable[..., Inspection]) -> None:
    model = instance("mine.Model", a=plain([1, [2]]), b=plain({}), c=sequence(plain(1), kind="set"))

    estimator = inspect_bytes(archive(model)).estimator

    assert estimator is not None
    assert [parameter.value for parameter in estimator.parameters] == ["[1]", "a dictionary (empty)", "{1}"]


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("[]", "has a schema that infer does not understand"),
        ("{", "has a schema that infer does not understand"),
        ("[" * 100_000, "has a schema that infer does not understand"),
        (instance("mine.Model", a=3), "has a schema that infer does not understand"),
        (instance("mine.Model", a=node("a.b", "JsonNode", content="{")), "has a schema that infer does not"),
        (PIPELINE, "lacks classes.npy, which its schema names"),
        (sequence(), "holds a list of length 0, not a model"),
    ],
)
def test_refuses(schema: object, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert reason in refusal(archive(schema)).message


def test_an_array_of_another_shape(inspect_bytes: Callable[..., Inspection]) -> None:
    inspection = inspect_bytes(archive(PIPELINE, classes=np.ones((2, 2)), mean=np.ones(2)))

    assert inspection.classes is None


def test_a_schema_too_large(
    refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skops_archive, "SCHEMA_BYTES_MAX", 100)

    assert "larger than infer reads" in refusal(archive(PIPELINE)).message


def test_cut_anywhere(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    data = archive(PIPELINE, classes=np.array(["a", "b"]))

    for length in range(0, len(data), 50):
        refusal(data[:length])


def _archive(*names: str, mode: int = 0o100644, size: int = 1) -> bytes:
    """Write a model, and more files into the same archive."""
    file = io.BytesIO(archive(instance("mine.Model")))
    with warnings.catch_warnings(), zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as opened:
        warnings.simplefilter("ignore")
        for name in names:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            opened.writestr(member, b"x" * size, zipfile.ZIP_DEFLATED)
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
