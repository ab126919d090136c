"""What the file of a compiled model says, as plain data."""

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
    """How far the path was from the model, on so many rows."""

    rows: int
    different_labels: int
    value_difference: float
    probability_difference: float


@dataclass(frozen=True)
class Saved:
    """A compiled model: what a service must know of a model, and its path.

    `trial` has rows with the model's own answers; `generated` and `given` are what came of these rows and of
    the user's, where there were any.
    """

    kind: str
    features: list[Feature]
    classes: list[JsonValue] | None
    path: Ask
    trial: Trial
    origin: Origin
    generated: Parity
    given: Parity | None
