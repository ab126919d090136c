"""What is usual for a column: a value, and for numbers a range. It serves people, and refuses nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, Optional

from service.schema.declared import NOTHING_DECLARED, Declared
from service.schema.distribution import Distribution  # noqa: TC001 (read when the class is made)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from service.schema.features import Feature, Value

UNITS_A_DAY = {"us": 86_400 * 10**6, "ns": 86_400 * 10**9}
# Where a range comes from: `declared` by the user, the `bounds` of the training data, their `spread` around
# the mean or median, or the `thresholds` of trees, outside of which the answer stays the same.
RangeSource = Literal["declared", "bounds", "spread", "thresholds"]


class UsualRange(NamedTuple):
    """Two numbers between which the values of a column usually lie, and how that is known."""

    low: float
    high: float
    source: RangeSource


class Usual(NamedTuple):
    """What a model has learned of a column of numbers. Any part may be unknown, and is None then."""

    value: Optional[float]  # noqa: UP045 (read when the class is made, also by Python 3.9)
    range: Optional[UsualRange]  # noqa: UP045
    distribution: Optional[Distribution] = None  # noqa: UP045


@dataclass(frozen=True)
class UsualValues:
    """What is usual for the features of a model: what is declared, else what the model has learned."""

    declared: Declared = NOTHING_DECLARED
    learned: Mapping[str, Usual] = field(default_factory=dict)

    def value(self, feature: Feature) -> Value:
        """Give a usual value of the feature, or None if none is known."""
        declared = self.declared.usual_value(feature)
        if declared is not None:
            return declared
        value = self._learned(feature).value
        if value is not None and feature.unit:
            return _day(value, feature.unit)
        return int(value) if value is not None and "int" in feature.dtype else value

    def range(self, feature: Feature) -> UsualRange | None:
        """Give the range in which the numbers of the feature usually lie, or None if none is known."""
        if feature.type != "number" or feature.categories is not None or feature.unit:
            return None
        declared = self.declared.usual_range(feature)
        return self._learned(feature).range if declared is None else UsualRange(*declared, "declared")

    def distribution(self, feature: Feature) -> Distribution | None:
        """Give how the numbers of the feature were distributed in training, or None if that is not known.

        What the user declared goes before what the model has learned.
        """
        if feature.type != "number" or feature.categories is not None or feature.unit:
            return None
        declared = self.declared.distribution(feature)
        if declared is not None:
            return declared
        return None if self.declared.usual_range(feature) else self._learned(feature).distribution

    def _learned(self, feature: Feature) -> Usual:
        return self.learned.get(feature.name, Usual(None, None))


NOTHING_USUAL = UsualValues()


def _day(count: float, unit: str) -> datetime:
    """Give the day of a date that is counted in units since 1970."""
    days = timedelta(days=count // UNITS_A_DAY[unit])
    return datetime(1970, 1, 1) + days  # noqa: DTZ001 (a model's dates have no zone)
