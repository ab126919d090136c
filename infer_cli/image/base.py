"""Base images: the facts that decide which wheels run on an image."""

from __future__ import annotations

import re
from dataclasses import dataclass

from infer_cli.errors import InferError, UsageError

# The Python versions of images, in the order in which they are tried. 3.11 comes first because more
# scikit-learn versions have wheels for it than for any other.
PYTHONS = ("3.11", "3.12", "3.13", "3.14", "3.10", "3.9")
DEFAULT_PYTHON = PYTHONS[0]
BASE_IMAGE_VARIABLE = "INFER_BASE_IMAGE"
LOCAL_BASE_NAME = "infer-base"

_OFFICIAL = re.compile(r"(?:docker\.io/)?(?:library/)?python:(?P<python>3\.\d+)(?:\.\d+)?-slim(?:-[a-z]+)?")
# The names of processors in wheels (as `uname -m` prints them), by the engine's names.
_WHEEL_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
_NEW_GLIBC = (2, 28)


@dataclass(frozen=True)
class BaseImage:
    """A base image: its name, its Python version as `X.Y`, its processor, and its glibc version.

    `architecture` is the engine's name of the processor, such as amd64. `image_id` is None while the image
    is not on the engine.
    """

    reference: str
    python: str
    architecture: str
    glibc: tuple[int, int] = _NEW_GLIBC
    image_id: str | None = None

    @property
    def machine(self) -> str:
        """The processor as `uname -m` and the names of wheels write it, such as x86_64.

        Raises `InferError` for a processor that has no wheels.
        """
        try:
            return _WHEEL_ARCHITECTURES[self.architecture]
        except KeyError:
            message = f"no wheels are known for the processor {self.architecture!r} of {self.reference}"
            raise InferError(message, hint="choose --platform linux/amd64 or linux/arm64") from None

    @property
    def wheel_platform(self) -> str:
        """The platform tag of the wheels that run on this image, as uv spells it.

        The glibc versions in the tags are defined in PEP 600.
        """
        glibc = "manylinux_2_28" if self.glibc >= _NEW_GLIBC else "manylinux_2_17"
        return f"{self.machine}-{glibc}"


def architecture_of(platform: str) -> str:
    """The processor of a platform such as linux/arm64; raises `UsageError` if it has no wheels."""
    system, _, architecture = platform.partition("/")
    if system != "linux" or architecture not in _WHEEL_ARCHITECTURES:
        choices = " or ".join(f"linux/{name}" for name in _WHEEL_ARCHITECTURES)
        message = f"--platform {platform} is not one that wheels are built for"
        raise UsageError(message, hint=f"choose {choices}")
    return architecture


def official_base(python: str) -> str:
    """The name of the official base image with this Python version."""
    return f"python:{python}-slim"


def local_base(python: str, architecture: str, engine_architecture: str) -> str:
    """The name of a base image that `infer base` makes; its suffix is a processor other than the engine's."""
    suffix = "" if architecture == engine_architecture else f"-{architecture}"
    return f"{LOCAL_BASE_NAME}:{python}{suffix}"


def python_of_official(reference: str) -> str | None:
    """The Python version in the name of an official slim image, or None for any other image."""
    match = _OFFICIAL.fullmatch(reference)
    return match["python"] if match else None


def check_python(python: str | None) -> None:
    """Raise `UsageError` for a `--python` that is not a version of Python 3, written as X.Y."""
    if python is None:
        return
    major, dot, minor = python.partition(".")
    if not (major == "3" and dot and minor.isdecimal()):
        raise UsageError(f"--python {python} is not a version", hint="write it as X.Y, for example 3.11")
