"""The provenance of an image: what it was built from and by what, in the form of SLSA 1.0.

It is a statement of in-toto (https://in-toto.io/Statement/v1) with the predicate https://slsa.dev/provenance/v1,
without a signature: signing it is for tools that are made for that. Its fields are in docs/build.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli import __version__
from infer_cli.errors import InferError
from infer_cli.image.name import ImageName
from infer_cli.packages.omissions import package_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.building.build import MadeImage
    from infer_cli.building.request import BuildRequest
    from infer_cli.plan.build import BuildPlan

BUILDER_VARIABLE = "INFER_BUILDER_ID"
# Nobody vouches for a machine without a name.
_DEFAULT_BUILDER = "urn:infer:builder:unnamed"
BUILD_TYPE = "urn:infer:build:v1"
# The folders of the context that hold what is the user's own, and not infer's or a package's.
_OWN_FOLDERS = ("code", "model")


@dataclass(frozen=True)
class BuildRun:
    """One run of a build, on an engine of a version."""

    engine_version: str
    started_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    invocation: str = field(default_factory=lambda: str(uuid.uuid4()))


def write_provenance(
    path: Path, image: MadeImage, request: BuildRequest, plan: BuildPlan, run: BuildRun
) -> None:
    """Write the provenance of an image to a file, whole or not at all; raises `InferError`."""
    statement = make_provenance(image, request, plan, run, finished_at=datetime.now(UTC))
    text = json.dumps(statement, indent=2, ensure_ascii=False) + "\n"
    try:
        with tempfile.TemporaryDirectory(dir=path.absolute().parent, ignore_cleanup_errors=True) as folder:
            new = Path(folder) / path.name
            new.write_text(text, encoding="utf-8")
            new.replace(path)
    except OSError as error:
        raise InferError(
            f"cannot write {path}: {error.strerror}", hint=f"the image {image.name} is built all the same"
        ) from error


def make_provenance(
    image: MadeImage, request: BuildRequest, plan: BuildPlan, run: BuildRun, *, finished_at: datetime
) -> dict[str, object]:
    """The statement, as a JSON object."""
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": _subjects(image),
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": _parameters(request),
                "internalParameters": {
                    "imagePlatform": f"linux/{plan.base.architecture}",
                    "imagePython": plan.base.python,
                },
                "resolvedDependencies": list(_dependencies(request, plan)),
            },
            "runDetails": {
                "builder": {
                    "id": os.environ.get(BUILDER_VARIABLE) or _DEFAULT_BUILDER,
                    "version": {"infer": __version__, "engine": run.engine_version},
                },
                "metadata": {
                    "invocationId": run.invocation,
                    "startedOn": _time(run.started_at),
                    "finishedOn": _time(finished_at),
                },
                "byproducts": [
                    _text("Dockerfile", plan.dockerfile, "text/plain"),
                    _text("sbom.cdx.json", plan.sbom, "application/vnd.cyclonedx+json"),
                ],
            },
        },
    }


def _subjects(image: MadeImage) -> list[dict[str, object]]:
    """The image as its registry knows it, if it was pushed, and as the engine does."""
    digests = {str(image.name): image.image_id}
    if image.pushed is not None:
        digests = {image.pushed.reference.partition("@")[0]: image.pushed.digest, **digests}
    return [{"name": name, "digest": _sha256(digest)} for name, digest in digests.items()]


def _parameters(request: BuildRequest) -> dict[str, object]:
    """What the user asked for; nothing that was not asked for has an entry."""
    asked = {
        "tag": str(request.name),
        "model": request.model.path.name if request.model else None,
        "member": request.model.declared.member if request.model else None,
        "bake": request.bake,
        "baseImage": request.base_image,
        "python": request.python,
        "platform": request.platform,
        "require": list(request.added_requirements),
        "tracing": request.tracing,
        "code": sorted(request.code.modules),
        "trust": list(request.trusted),
        "lock": request.lock_file.name if request.lock_file else None,
    }
    return {name: value for name, value in asked.items() if value}


def _dependencies(request: BuildRequest, plan: BuildPlan) -> Iterator[dict[str, object]]:
    """The base image, the model, what else is the user's own, the lock, and the packages in it."""
    yield {
        "name": plan.base.reference,
        "uri": _image_url(ImageName.parse(plan.base.reference, allow_digest=True)),
        **({"digest": _sha256(plan.base.image_id)} if plan.base.image_id else {}),
    }
    if request.model is not None:
        where = "inside the image" if request.bake else "mounted when the service runs"
        yield {
            "name": request.model.path.name,
            "digest": {"sha256": request.model.sha256},
            "annotations": {"place": where},
        }
    for file in plan.context.files:
        if file.path.parts[0] in _OWN_FOLDERS and file.source != getattr(request.model, "path", None):
            with file.open() as content:
                digest = hashlib.sha256(content.read()).hexdigest()
            yield {"name": f"/{'/'.join(file.path.parts[1:])}", "digest": {"sha256": digest}}
    yield _text("requirements.lock", plan.lock.text, "text/plain")
    for package, version in plan.lock.pins.items():
        yield {"name": package, "uri": f"pkg:pypi/{package_name(package)}@{version}"}


def _image_url(name: ImageName) -> str:
    """The package URL of an image, as BuildKit writes it too."""
    from packageurl import PackageURL  # noqa: PLC0415 (slow to import)

    namespace, _, short = name.repository.rpartition("/")
    where = {"repository_url": name.registry} if name.registry else None
    return str(PackageURL("docker", namespace or None, short, name.digest or name.tag, where))


def _text(name: str, text: str, media_type: str) -> dict[str, object]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    return {"name": name, "digest": {"sha256": digest}, "mediaType": media_type}


def _sha256(digest: str) -> dict[str, str]:
    return {"sha256": digest.removeprefix("sha256:")}


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
