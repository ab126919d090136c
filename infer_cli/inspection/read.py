"""From a model file to an inspection: tell the format, read it, and gather the facts."""

from __future__ import annotations

import errno
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection.declarations import declared_for, signature_of
from infer_cli.inspection.facts.contents import check_contents
from infer_cli.inspection.facts.declared import (
    FILE_NAME,
    NOTHING_DECLARED,
    Declared,
    WrongSchema,
)
from infer_cli.inspection.facts.gather import Facts, facts_of
from infer_cli.inspection.facts.member_choice import choose_member
from infer_cli.inspection.facts.members import unused_beside
from infer_cli.inspection.facts.model import Inspection, RecordedVersion
from infer_cli.inspection.facts.places import NO_WHEREABOUTS, Whereabouts, whereabouts_of
from infer_cli.inspection.facts.policy import is_dangerous, is_listed
from infer_cli.inspection.facts.unfolding import check_unfolded
from infer_cli.inspection.files.boosters import library_of
from infer_cli.inspection.files.compression import compression_of, expanded
from infer_cli.inspection.files.foreign import START_BYTES
from infer_cli.inspection.files.refusal import Refused, Unsafe
from infer_cli.inspection.files.stream import HashedFile, Stream
from infer_cli.inspection.formats.booster_file import read_booster
from infer_cli.inspection.formats.compiled import is_compiled, read_compiled
from infer_cli.inspection.formats.onnx import read_graph
from infer_cli.inspection.formats.pickled_booster import pickled_booster
from infer_cli.inspection.formats.pickles.read import read_pickle
from infer_cli.inspection.formats.skops_archive import open_skops
from infer_cli.inspection.values.compiled_parts import check_values

if TYPE_CHECKING:
    import io
    from pathlib import Path

    from infer_cli.inspection.facts.members import Member
    from infer_cli.inspection.facts.model import Format
    from infer_cli.inspection.files.compression import Compression
    from infer_cli.inspection.nodes.node_types import Global, Node

COPY_HINT = "Copy or download the file again, or save the model again."
ZIP_MAGIC = b"PK\x03\x04"
# The tag of the first field of an ONNX model, `ir_version`. No opcode of a pickle has this byte.
ONNX_MAGIC = b"\x08"


def inspect_model(path: Path, declared: Declared = NOTHING_DECLARED) -> Inspection:
    """Tell what a model file holds, without running any of its code.

    `declared` is what the user says of the model, besides what a file beside the model says. Raises
    `ModelUnreadable` if the file cannot be read, or if any byte of it is not understood, and `ModelUnsafe` if
    a part of the model sits where no known model has such a part.
    """
    try:
        _check_is_file(path)
        with path.open("rb", buffering=0) as file:
            start = file.read(START_BYTES)
            file.seek(0)
            known, signature = declared_for(path, declared), signature_of(path)
            return _completed(_inspect(path, file, start, known.over(signature)), known, signature)
    except Refused as refused:
        message = f"{path} {refused.reason}."
        error = ModelUnsafe if isinstance(refused, Unsafe) else ModelUnreadable
        raise error(message, hint=refused.hint) from refused
    except OSError as error:
        if error.errno == errno.EINVAL:
            # A position before the start of the file, which the file itself names.
            raise ModelUnreadable(f"{path} is damaged.", hint=COPY_HINT) from error
        message = f"{path} cannot be read: {error.strerror or error}."
        raise ModelUnreadable(message) from error


def _check_is_file(path: Path) -> None:
    """Refuse devices and pipes: opening a pipe would wait for somebody who writes into it."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise Refused("is not a file", hint=COPY_HINT)


def _completed(inspection: Inspection, declared: Declared, signature: Declared) -> Inspection:
    """Give the inspection with what is declared of the features; raise `Refused` if that does not fit.

    A `signature` that does not fit is left out: it tells what MLflow was given, and not what the model takes.
    """
    if declared.digest not in (None, f"sha256:{inspection.sha256}"):
        reason = f"has changed since {FILE_NAME} beside it was written"
        raise Refused(reason, hint=f"Save the model again with infer_cli.save, or remove {FILE_NAME}.")
    if inspection.features is None:
        return replace(inspection, declared=declared)
    with suppress(WrongSchema):
        signature.complete(inspection.features)
        declared = declared.over(signature)
    try:
        features = declared.complete(inspection.features)
    except WrongSchema as error:
        raise Refused(str(error), hint="Declare the features of this model, or none.") from error
    return replace(inspection, features=features, declared=declared)


# How many keys a note lists.
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class _Content:
    """What the reader of a format found; see `Inspection` for the fields."""

    format: Format
    facts: Facts
    globals: frozenset[Global] = frozenset()
    calls: frozenset[Global] = frozenset()
    compression: Compression | None = None
    protocol: int | None = None
    member: str | None = None
    whereabouts: Whereabouts = NO_WHEREABOUTS


def _inspect(path: Path, file: io.FileIO, start: bytes, declared: Declared) -> Inspection:
    hashed = HashedFile(file)
    if start.startswith(ZIP_MAGIC):
        content = (
            _Content("lean", read_compiled(file)) if is_compiled(start) else _read_skops(path, file, declared)
        )
        file.seek(0)
    elif start.startswith(ONNX_MAGIC):
        content = _read_onnx(Stream(hashed))
    elif (library := library_of(start)) is not None:
        size = path.stat().st_size
        described = read_booster(library, Stream(hashed), size)
        content = _Content(library, described.facts(declared.classes, declared.names))
    else:
        content = _read_pickle(path, hashed, compression_of(start), declared)
    sha256 = hashed.finish()
    versions = {recorded.package: recorded.version for recorded in content.facts.versions}
    return Inspection(
        path=path,
        format=content.format,
        compression=content.compression,
        protocol=content.protocol,
        size_bytes=hashed.size_bytes,
        sha256=sha256,
        kind=content.facts.kind,
        estimator=content.facts.estimator,
        feature_names=content.facts.feature_names,
        feature_count=content.facts.feature_count,
        classes=content.facts.classes,
        sklearn_version=versions.get("scikit-learn"),
        versions=content.facts.versions,
        globals=tuple(sorted(content.globals)),
        calls=content.calls,
        modules=_modules(content.globals),
        features=content.facts.features,
        frame_reason=content.facts.frame_reason,
        unknown_entry=content.facts.unknown_entry or None,
        compiled_from=content.facts.compiled_from,
        member=content.member,
        whereabouts=content.whereabouts,
        notes=content.facts.notes,
        numpy_major=2 if any(f"{name}.".startswith("numpy._core.") for name in content.globals) else None,
    )


def _read_pickle(
    path: Path, file: HashedFile, compression: Compression | None, declared: Declared
) -> _Content:
    content, machine = read_pickle(Stream(expanded(file, compression)))
    check_unfolded(content)
    # A pickle may be compressed too, but only joblib writes zlib without the header of gzip.
    is_joblib = machine.has_arrays or compression == "zlib" or ".joblib" in path.name.lower()
    found = _object(
        content,
        frozenset(machine.globals),
        frozenset(machine.calls),
        path,
        declared,
    )
    return replace(
        found,
        format="joblib" if is_joblib else "pickle",
        compression=compression,
        protocol=machine.protocol,
    )


def _read_skops(path: Path, file: io.FileIO, declared: Declared) -> _Content:
    model = open_skops(file)
    check_unfolded(model.root)
    names, calls = frozenset(model.globals), frozenset(model.calls)
    found = _object(model.root, names, calls, path, declared)
    if model.version is None:
        return found
    versions = (*found.facts.versions, RecordedVersion("skops", model.version))
    return replace(found, facts=replace(found.facts, versions=versions))


def _object(
    content: Node, names: frozenset[Global], calls: frozenset[Global], path: Path, declared: Declared
) -> _Content:
    """Describe a file of objects, whose format is that of skops unless the caller says another."""
    refused = frozenset(name for name in names if not is_listed(name, is_called=name in calls))
    if not any(is_dangerous(name, is_called=name in calls) for name in refused):
        # A dangerous name refuses the file anyway, and tells more.
        check_contents(content)
        check_values(content)
    chosen = choose_member(content, declared.member, path)
    booster = pickled_booster(chosen.value)
    facts = (
        facts_of(chosen.value, declared.names, chosen.names, beside=() if chosen.names else chosen.beside)
        if booster is None
        else booster.facts(declared.classes, declared.names, chosen.names)
    )
    return _Content(
        format="skops",
        facts=replace(facts, notes=(*facts.notes, *_note_of_unused(content, chosen))),
        globals=names,
        calls=calls,
        member=chosen.path or None,
        whereabouts=whereabouts_of(content, chosen, refused),
    )


def _note_of_unused(content: Node, chosen: Member) -> tuple[str, ...]:
    """Say that data beside the model is not used: a threshold, means, or the names of classes."""
    unused = unused_beside(content, chosen)
    if not unused:
        return ()
    listed = ", ".join([*unused[:_SHOWN], *["…"] * (len(unused) > _SHOWN)])
    return (f"The service uses {chosen.path} of this file as it is, and not what lies beside it: {listed}.",)


def _read_onnx(stream: Stream) -> _Content:
    model = read_graph(stream)
    facts = Facts(
        kind=model.kind,
        feature_names=model.feature_names,
        feature_count=model.feature_count,
        features=model.features,
        classes=model.classes,
        versions=(RecordedVersion(model.producer, model.producer_version),) if model.producer else (),
    )
    return _Content("onnx", facts)


def _modules(names: frozenset[Global]) -> tuple[str, ...]:
    """Give the sorted top-level modules of names: `__main__`, and any outside the standard library."""
    modules = {name.module.partition(".")[0] for name in names}
    return tuple(sorted(modules - (sys.stdlib_module_names - {"__main__"})))
