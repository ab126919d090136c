"""The template and its values, made into the text of a Dockerfile."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Docker's own variables are `$X` and `${X}`: ours must not look like them.
_PLACEHOLDER = re.compile(r"\{\{ (?P<name>[a-z_]+) \}\}")


def render_dockerfile(template: str, values: Mapping[str, str]) -> str:
    """Put `values` into the `{{ name }}` places of `template`.

    A name in only one of the two is a mistake of ours and raises `KeyError`.
    """
    names = {match["name"] for match in _PLACEHOLDER.finditer(template)}
    if names != values.keys():
        message = f"template and values differ in: {', '.join(sorted(names ^ values.keys()))}"
        raise KeyError(message)
    return _PLACEHOLDER.sub(lambda match: values[match["name"]], template)


def quote(value: str) -> str:
    """`value` as a double-quoted Dockerfile word that the engine takes literally."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$").replace("\n", " ")
    return f'"{escaped}"'
