"""The counts of values by bin and of answers by class, and what is known of the training data, as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.drift.psi import psi
from service.json_values import encode
from service.telemetry.families import Family

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.drift.bins import FeatureBins
    from service.drift.class_counts import ClassCounts
    from service.drift.input_counts import InputCounts


def family_of_classes(answers: ClassCounts) -> Family:
    """Give how often all workers answered each class; if there are several outputs, each by its position."""
    text = "Rows for which this class was answered."
    labels = ("output", "class") if answers.has_outputs else ("class",)
    family = Family("infer_predicted_classes", text, "counter", labels)
    for (at, label), count in zip(answers.classes, answers.totals()):
        name = label if isinstance(label, str) else encode(label).decode().strip()
        family.add(*([str(at), name] if answers.has_outputs else [name]), value=count)
    return family


def families_of(inputs: InputCounts) -> tuple[Family, ...]:
    """Give the counts of all workers, and what is known of the training data."""
    totals = inputs.totals()
    text = "Rows whose values were compared with the training data: a share of the rows that were answered."
    rows = Family("infer_compared_rows", text, "counter")
    text = "Values of these rows by bin of the training data; the kind says whether it was known there."
    values = Family("infer_feature_values", text, "counter", ("feature", "kind", "bin"))
    text = "Share of the training data in a bin, of the values that are not missing."
    shares = Family("infer_feature_training_share", text, "gauge", ("feature", "bin"))
    text = "The ends of the range in which numbers usually lie, and how it is known."
    ends = Family("infer_feature_range", text, "gauge", ("feature", "end", "source"))
    text = "Population stability index of all compared rows, once there are 200."
    indices = Family("infer_feature_psi", text, "gauge", ("feature",))
    rows.add(value=totals[0])
    for one, start in zip(inputs.features, inputs.starts):
        counts = totals[start : start + len(one.bins)]
        for (kind, of_bin), count in zip(one.bins, counts):
            values.add(one.name, kind, of_bin, value=count)
        for of_bin, share in one.shares.items():
            shares.add(one.name, of_bin, value=share)
        for end, number in (("low", one.low), ("high", one.high)):
            if number is not None:
                ends.add(one.name, end, one.source, value=number)
        index = index_of(one, counts)
        if index is not None:
            indices.add(one.name, value=index)
    return rows, values, shares, ends, indices


def index_of(one: FeatureBins, counts: Sequence[int]) -> float | None:
    """Give the population stability index of a feature, from its counts in the order of its bins.

    Missing values have no part in it. None if the shares in training are unknown, or for too few values.
    """
    if not one.shares:
        return None
    found = dict.fromkeys([*one.shares, *(of_bin.text for of_bin in one.bins[:-1])], 0)
    for of_bin, count in zip(one.bins[:-1], counts):
        found[of_bin.text] += count
    return psi([one.shares.get(text, 0.0) for text in found], [*found.values()])
