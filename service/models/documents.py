"""The input of an estimator that takes texts or dictionaries in place of a table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import numpy as np

from service.errors import UnusableFile, with_article
from service.models.model_input import ModelInput
from service.schema.column_readers import VECTORIZERS
from service.schema.entry import entries_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Feature, Rows, Value
    from service.schema.parts import Part

FILES_ADVICE = "Train it with input='content', so that a row holds the text and not the name of a file"
PAIRS_ADVICE = "Train it with input_type='dict', so that a row is a dictionary"


def check_documents(estimator: object) -> None:
    """Raise `UnusableFile` for a vectorizer that would open files, or that takes what no row can hold."""
    for part in cast("list[Part]", entries_of(estimator)):
        if type(part).__name__ in VECTORIZERS and part.input != "content":
            raise UnusableFile(
                f"has {with_article(type(part).__name__)} that reads files which a row names", FILES_ADVICE
            )
        if type(part).__name__ == "FeatureHasher" and part.input_type != "dict":
            raise UnusableFile("has a FeatureHasher that takes lists of strings or of pairs", PAIRS_ADVICE)


def dictionaries(features: Sequence[Feature]) -> ModelInput:
    """Give what makes a list of dictionaries, one for each row.

    A missing text is left out, which `DictVectorizer` answers as it answers None, and so is all that is
    missing of a feature that may be left out. Any other missing number is None, and becomes NaN.
    """
    is_none = [feature.required and feature.type in ("number", "any") for feature in features]
    named = [(feature.name, keeps) for feature, keeps in zip(features, is_none)]

    def make(rows: Rows) -> object:
        listed = rows.tolist() if isinstance(rows, np.ndarray) else rows
        return [
            {
                name: value
                for (name, keeps), value in zip(named, map(_without_nan, row))
                if keeps or value is not None
            }
            for row in listed
        ]

    return ModelInput(make)


def _without_nan(value: Value) -> Value:
    return None if isinstance(value, float) and math.isnan(value) else value
