"""The names under which clients of other wire formats ask for the one model of the service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What images of Truss and of MLflow call their model: clients that were written for these ask for it.
COMMON = ("model", "mlflow-model")
VERSION = "1"
DIGEST_CHARACTERS = 12
LONGEST_SHOWN = 80


@dataclass(frozen=True)
class ModelNames:
    """The names of the model, the first one being its own, and its versions: `1`, and its digest's start."""

    names: tuple[str, ...]
    versions: tuple[str, ...]

    @classmethod
    def of(cls, given: Sequence[str], file_stem: str, digest: str) -> ModelNames:
        """Give the names: the `given` ones, the name of the file without suffixes, and common ones."""
        stem = file_stem.partition(".")[0]
        names = dict.fromkeys([*given, stem, *COMMON])
        # A name with a slash would be two segments of a path.
        fitting = tuple(name for name in names if name and "/" not in name)
        return cls(fitting, (VERSION, digest.rpartition(":")[2][:DIGEST_CHARACTERS]))

    def paths(self, before: str) -> Iterator[tuple[str, str]]:
        """Give each path of the model below `before`, and its name in it: with and without a version."""
        for name in self.names:
            yield f"{before}/{name}", name
            for version in self.versions:
                yield f"{before}/{name}/versions/{version}", name

    def explain_absent(self, path: str, before: str) -> str:
        """Say which model or version a path below `before` asks for that the service does not have."""
        name, _, rest = path[len(before) :].strip("/").partition("/")
        name = name.partition(":")[0]
        if name and name not in self.names:
            also = ", ".join(self.names[1:])
            has = f'this service has "{self.names[0]}"' + (f" (also: {also})" if also else "")
            return f'no model "{name[:LONGEST_SHOWN]}" here; {has}'
        if name and rest.startswith("versions/"):
            version = rest.split("/")[1].partition(":")[0]
            if version not in self.versions:
                listed = ", ".join(self.versions)
                return f'no version "{version[:LONGEST_SHOWN]}" of "{name}" here; there is {listed}'
        return f"There is nothing at {path}."
