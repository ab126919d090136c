"""What the file of a compiled model holds, as plain data.

The names of classes and fields are written into the file, so they stay as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.compiler.functions import Ask
    from service.compiler.parity import Trial
    from service.json_values import JsonValue
    from service.schema.features import Feature


@dataclass(frozen=True)
class Origin:
    """The model that was compiled: its file, its class, and the packages that it was loaded with."""

    file: str
    size_bytes: int
    digest: str
    estimator: str
    packages: list[tuple[str, str]]


@dataclass(frozen=True)
class Parity:
    """How far the answers of the compiled model were from the model's, on a number of `rows`."""

    rows: int
    different_labels: int
    value_difference: float
    probability_difference: float


@dataclass(frozen=True)
class Saved:
    """A compiled model in a file: its program, and what a service must know of the model.

    `path` is the program. `trial` has rows with the model's own answers. `generated` is the parity on these
    rows, and `given` the parity on the user's rows, if the user gave any.
    """

    kind: str
    features: list[Feature]
    classes: list[JsonValue] | None
    path: Ask
    trial: Trial
    origin: Origin
    generated: Parity
    given: Parity | None
