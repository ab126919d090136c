"""Renders a Dockerfile from the template and its values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# `{{ name }}`, as Docker's own variables are `$X` and `${X}`.
_PLACEHOLDER = re.compile(r"\{\{ (?P<name>[a-z_]+) \}\}")


def render_dockerfile(template: str, values: Mapping[str, str]) -> str:
    """Replace every placeholder `{{ name }}` in `template` by the value of that name.

    Raises `KeyError` if a placeholder has no value or a value has no placeholder: a mistake in infer.
    """
    names = {match["name"] for match in _PLACEHOLDER.finditer(template)}
    if names != values.keys():
        message = f"template and values differ in: {', '.join(sorted(names ^ values.keys()))}"
        raise KeyError(message)
    return _PLACEHOLDER.sub(lambda match: values[match["name"]], template)


def quote(value: str) -> str:
    """`value` in double quotes for a Dockerfile, escaped so that the engine reads it literally."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", " ")
    return f'"{escaped}"'
