"""Finds what is declared of a model: in the file of the settings, and in a file beside the model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from service.errors import ModelUnloadable, WrongSchema
from service.schema.declared import NOTHING_DECLARED, Declared, parse_declared

if TYPE_CHECKING:
    from pathlib import Path

# A schema with some thousand features and their categories is far smaller.
BYTES_MAX = 64 * 2**20
ADVICE = "Build the image again, or remove the file"


def declared_for(beside: Path | None, schema: Path | None = None, optional: tuple[str, ...] = ()) -> Declared:
    """Give what is declared of a model file: in `schema`, and where that is silent in the file `beside` it.

    `optional` are names of features that a row may leave out, besides those in the files. Raises
    `ModelUnloadable` for a file that is no declared schema.
    """
    found = Declared(optional=optional)
    if schema is not None:
        found = found.over(read_declared(schema))
    return found.over(read_declared(beside) if beside and beside.is_file() else NOTHING_DECLARED)


def read_declared(file: Path) -> Declared:
    """Read a file of a declared schema; raise `ModelUnloadable` if it is none."""
    try:
        if file.stat().st_size > BYTES_MAX:
            raise ModelUnloadable(file, f"it is larger than {BYTES_MAX} bytes", ADVICE)
        return parse_declared(json.loads(file.read_bytes()))
    except OSError as error:
        raise ModelUnloadable(file, f"it cannot be read: {error.strerror or error}", ADVICE) from error
    except (ValueError, WrongSchema) as error:  # `ValueError` comes from JSON, and from its encoding.
        raise ModelUnloadable(file, f"it is no declared schema: {error}", ADVICE) from error
    except RecursionError as error:
        raise ModelUnloadable(file, "it is no declared schema: too many brackets", ADVICE) from error
