from __future__ import annotations

import pytest

from infer_cli.errors import InferError
from infer_cli.image.base import BaseImage, official_base, python_of_official


@pytest.mark.parametrize(
    ("architecture", "glibc", "platform"),
    [
        pytest.param("amd64", (2, 28), "x86_64-manylinux_2_28", id="Intel and AMD"),
        pytest.param("arm64", (2, 41), "aarch64-manylinux_2_28", id="ARM"),
        pytest.param("amd64", (2, 27), "x86_64-manylinux_2_17", id="an old glibc"),
    ],
)
def test_the_wheel_platform_depends_on_processor_and_glibc(
    architecture: str, glibc: tuple[int, int], platform: str
) -> None:
    assert BaseImage("debian", "3.11", architecture, glibc=glibc).wheel_platform == platform


def test_a_processor_without_wheels_is_an_error() -> None:
    base = BaseImage("python:3.11-slim", "3.11", "s390x")

    with pytest.raises(InferError, match=r"'s390x' of python:3.11-slim$") as raised:
        _ = base.wheel_platform

    assert raised.value.hint == "choose --platform linux/amd64 or linux/arm64"


@pytest.mark.parametrize(
    ("reference", "python"),
    [
        pytest.param("python:3.11-slim", "3.11", id="version"),
        pytest.param("python:3.12.4-slim", "3.12", id="exact version"),
        pytest.param("python:3.13-slim-bookworm", "3.13", id="with the Debian release"),
        pytest.param("library/python:3.11-slim", "3.11", id="with library/"),
        pytest.param("docker.io/library/python:3.11-slim", "3.11", id="with the registry"),
        pytest.param("python:3.11", None, id="not slim"),
        pytest.param("python:3.11-alpine", None, id="Alpine"),
        pytest.param("python:3-slim", None, id="no exact version"),
        pytest.param("python:slim", None, id="no version"),
        pytest.param("ghcr.io/library/python:3.11-slim", None, id="another registry"),
        pytest.param("ada/python:3.11-slim", None, id="image of a user"),
        pytest.param("infer-base:3.11", None, id="base image that infer made"),
    ],
)
def test_only_the_name_of_an_official_slim_image_implies_a_python(reference: str, python: str | None) -> None:
    assert python_of_official(reference) == python


@pytest.mark.parametrize("python", ["3.9", "3.11", "3.14"])
def test_the_name_of_an_official_image_implies_its_python(python: str) -> None:
    assert python_of_official(official_base(python)) == python
