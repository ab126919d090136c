"""Models whose parameters open files, or start something: see `made`."""

from __future__ import annotations

from functools import partial

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingRegressor
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import Bunch

from tests.safety.misplaced.made import (
    AMOUNTS,
    NUMBERS,
    READS,
    Misplaced,
    after,
    frozen,
    regressor,
    says,
    with_attributes,
    writer,
)

KIND = "parameter that opens a file"
TEXTS = ["a red rose", "a blue bell"]


def files(canary: str) -> list[Misplaced]:
    secret = f"{canary}.read"
    found = []
    for cls in (CountVectorizer, TfidfVectorizer, HashingVectorizer):
        words = cls().fit(TEXTS)
        words.input = "filename"
        found += [
            Misplaced(
                KIND, f"{cls.__name__}, named by the client", words, READS, "input", [secret], "transform"
            ),
            Misplaced(
                KIND,
                f"{cls.__name__}, named by the file",
                after([secret], words),
                READS,
                "input",
                method="transform",
            ),
        ]
    return [*found, *_nested(secret), *_objects(canary)]


def _reader() -> CountVectorizer:
    return with_attributes(CountVectorizer().fit(TEXTS), input="filename")


def _nested(secret: str) -> list[Misplaced]:
    columns = ColumnTransformer([("words", CountVectorizer(), 0)]).fit(np.array([TEXTS]).T)
    columns.transformers_[0][1].input = "filename"
    union = FeatureUnion([("words", _reader())])
    stack = StackingRegressor([("a", LinearRegression())], cv=2).fit(NUMBERS, AMOUNTS)
    stack.estimators_ = [Pipeline([("words", _reader()), ("last", regressor())])]
    inner = after([secret], union)
    return [
        Misplaced(KIND, "in a column", columns, READS, "input", [[secret]], "transform"),
        Misplaced(KIND, "in a union", inner, READS, "input", method="transform"),
        Misplaced(KIND, "in a stack", after([secret], stack), READS, "input"),
        Misplaced(
            KIND,
            "in the clothes of another",
            after([secret], frozen(_reader())),
            READS,
            "input",
            method="transform",
        ),
    ]


def _objects(canary: str) -> list[Misplaced]:
    from_files = with_attributes(CountVectorizer().fit(TEXTS), input="file")
    document = Bunch(read=writer(canary))
    return [
        Misplaced(
            KIND, "an object to be read", after([document], from_files), place="kw_args", method="transform"
        ),
        Misplaced(
            KIND,
            "an array that is a file",
            after(
                1,
                with_attributes(says(1), kw_args={}, func=partial(np.memmap, canary, mode="w+", shape=(1,))),
            ),
            place="func",
            method="transform",
        ),
    ]
