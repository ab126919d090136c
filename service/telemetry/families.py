"""Metrics of other rooms as plain data, of which only `prometheus` makes what its library writes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Family:
    """A metric: a `counter`, or a `gauge`, which may fall. Its samples hold the values of the labels."""

    name: str
    text: str
    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...] = ()
    samples: list[tuple[tuple[str, ...], float]] = field(default_factory=list)

    def add(self, *labels: str, value: float) -> None:
        """Add a sample with the values of its labels."""
        self.samples.append((labels, value))
