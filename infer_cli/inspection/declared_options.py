"""The options that declare what a model does not say itself: `--features`, `--optional`, `--classes`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, cast

from infer_cli.errors import UsageError
from infer_cli.inspection.facts.declared import Declared, DeclaredFeature

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.arrays import Plain

# What is a class label of another type than a string: what JSON would also write so. 007 is a string.
_JSON_SCALAR = re.compile(r"true|false|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def declared_by_options(
    *,
    features: str | None = None,
    optional: str | None = None,
    classes: str | None = None,
    member: str | None = None,
) -> Declared:
    """What the options declare.

    The names in `features`, `optional` and `classes` have commas between, or are a JSON list, which may hold
    names with commas. A class label that reads as a number, or as true or false, is one; in a JSON list, each
    label has its own type. Raises `UsageError` for an option that lists nothing, or one thing twice.
    """
    return Declared(
        features=tuple(DeclaredFeature(name) for name in _names("--features", features)),
        optional=tuple(_names("--optional", optional)),
        classes=None if classes is None else tuple(_labels(classes)),
        member=member or None,
    )


def _names(option: str, given: str | None) -> list[str]:
    if given is None:
        return []
    found = _listed(option, given)
    wrong = next((name for name in found if not isinstance(name, str) or not name), None)
    if wrong is not None:
        message = f"{option} {given}: {json.dumps(wrong)} is no name of a column"
        raise UsageError(message, hint=f'write the names in quotes: {option} \'["a", "b"]\'')
    return cast("list[str]", found)


def _labels(given: str) -> list[Plain]:
    found = _listed("--classes", given)
    if not given.lstrip().startswith("["):
        return [json.loads(str(label)) if _JSON_SCALAR.fullmatch(str(label)) else label for label in found]
    if any(label is None or isinstance(label, list | dict) for label in found):
        message = f"--classes {given}: a label must be a string, a number, true or false"
        raise UsageError(message, hint="for example --classes no,yes")
    return found


def _listed(option: str, given: str) -> list[Plain]:
    """The values of a list, which has commas between them or is a JSON list."""
    if given.lstrip().startswith("["):
        try:
            found: list[Plain] = json.loads(given)
        except ValueError as error:
            message = f"{option} {given} is no JSON list: {error}"
            hint = f'write {option} a,b or {option} \'["a", "b"]\''
            raise UsageError(message, hint=hint) from error
    else:
        found = [name.strip() for name in given.split(",")]
    if not found or "" in found:
        message = f"{option} {given!r} lacks a name" if found else f"{option} {given} lists nothing"
        raise UsageError(message, hint=f"write the names with commas between: {option} a,b")
    seen = [json.dumps(value) for value in found]
    twice = next((value for value in seen if seen.count(value) > 1), None)
    if twice is not None:
        message = f"{option} names {twice} twice"
        raise UsageError(message, hint="name each once")
    return found
