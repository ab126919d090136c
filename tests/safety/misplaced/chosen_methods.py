"""Models that call a method by a name that stands in them: see `made`."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import PosixPath

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.feature_selection import SelectFromModel
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tests.safety.misplaced.made import (
    AMOUNTS,
    FILLS_MEMORY,
    HANGS,
    LABELS,
    NOTHING,
    NUMBERS,
    READS,
    WRITES,
    Misplaced,
    after,
    calls,
    classifier,
    frozen,
    regressor,
    says,
    with_attributes,
    writer,
)

KIND = "method chosen by a string"
HUGE = 10**11


def chosen_methods(canary: str) -> list[Misplaced]:
    return [*_of_tables(canary), *_of_arrays(canary), *_of_paths(canary), *_of_values(), *_of_models(canary)]


def _stacked(
    name: str,
    part: object,
    method: str,
    given: object,
    effect: str = WRITES,
) -> Misplaced:
    model = after(given, calls(part, method))
    return Misplaced(KIND, name, model, effect, "stack_method_")


def _of_tables(canary: str) -> list[Misplaced]:
    frame = frozen(pd.DataFrame({"a": [1.0]}))
    writes = [
        "to_csv",
        "to_pickle",
        "to_json",
        "to_html",
        "to_string",
        "to_stata",
    ]
    command = f"@np.lib._npyio_impl.os.mkdir({canary!r})"
    found = [_stacked(f"a table's {method}", frame, method, canary) for method in writes]
    found += [_stacked(f"a table's {method}", frame, method, command) for method in ("eval", "query")]
    series = frozen(pd.Series([1.0]))
    found += [_stacked(f"a column's {method}", series, method, canary) for method in ("to_csv", "to_pickle")]
    # The table has a method of the name that the model calls, and takes the name of another method.
    as_transformer = Pipeline([("says", says("to_pickle")), ("last", frozen(pd.DataFrame({"a": [1.0]})))])
    found.append(
        Misplaced(KIND, "a table's transform", as_transformer, NOTHING, "estimator", method="transform")
    )
    return found


def _of_arrays(canary: str) -> list[Misplaced]:
    array = np.array([1.0])
    matrix = csr_matrix(np.array([[1.0]]))
    state = np.random.RandomState(0)
    return [
        _stacked("an array's tofile", array, "tofile", canary),
        _stacked("an array's dump", array, "dump", canary),
        _stacked("an array's resize", frozen(array), "resize", (HUGE,), FILLS_MEMORY),
        _stacked("an array's repeat", array, "repeat", HUGE, FILLS_MEMORY),
        _stacked("a number's tofile", np.float64(1.0), "tofile", canary),
        _stacked("a sparse matrix's resize", frozen(matrix), "resize", (HUGE, HUGE), FILLS_MEMORY),
        _stacked("a random state's bytes", state, "bytes", HUGE, FILLS_MEMORY),
        _stacked("a random state's normal", state, "standard_normal", HUGE, FILLS_MEMORY),
    ]


def _of_paths(canary: str) -> list[Misplaced]:
    path = PosixPath(canary)
    return [
        _stacked("a path's write_text", path, "write_text", "x"),
        _stacked("a path's write_bytes", path, "write_bytes", b"x"),
        _stacked("a path's touch", path, "touch", 0o600),
        _stacked("a path's mkdir", path, "mkdir", 0o700),
        _stacked("a path's symlink_to", path, "symlink_to", "/"),
        _stacked("a path's rename", PosixPath(f"{canary}.read"), "rename", canary),
        _stacked("a path's read_text", PosixPath(f"{canary}.read"), "read_text", "utf-8", READS),
    ]


def _of_values() -> list[Misplaced]:
    slow = re.compile("(a+)+$")
    return [
        _stacked("a pattern's match", slow, "match", "a" * 60 + "!", HANGS),
        _stacked("a range's index", range(10**15), "index", 0.5, HANGS),
        _stacked("a range's count", range(10**15), "count", 0.5, HANGS),
        _stacked("a number's power", 10**9, "__pow__", 10**9, HANGS),
        _stacked("a fraction's power", Fraction(10**9, 7), "__pow__", 10**9, HANGS),
        _stacked("a text's format", "{0:>99999999999}", "format", 1, FILLS_MEMORY),
        _stacked("a text's ljust", "x", "ljust", HUGE, FILLS_MEMORY),
        _stacked("a text's product", "x", "__mul__", HUGE, FILLS_MEMORY),
        _stacked("bytes' zfill", b"x", "zfill", HUGE, FILLS_MEMORY),
        _stacked("a bytearray's beginning", bytearray(), "__init__", HUGE, FILLS_MEMORY),
        _stacked("a date's format", datetime(2020, 1, 1, tzinfo=UTC), "__format__", "%Y", NOTHING),
        _stacked("a decimal's power", Decimal(3), "__pow__", 2, NOTHING),
        _stacked("a list's extension", [1.0], "extend", range(10**15), FILLS_MEMORY),
        _stacked("a dictionary's update", {}, "update", {"a": 1}, NOTHING),
    ]


def _of_models(canary: str) -> list[Misplaced]:
    """Estimators in their own places, and methods that no model calls there."""
    secret = f"{canary}.read"
    threshold = FixedThresholdClassifier(classifier(), response_method="predict_proba").fit(NUMBERS, LABELS)
    threshold.response_method = "answer"
    threshold.estimator_ = with_attributes(classifier(), answer=writer(canary))
    selector = SelectFromModel(regressor()).fit(NUMBERS, AMOUNTS)
    selector.importance_getter = writer(canary)
    words = CountVectorizer(input="filename")
    chain = ClassifierChain(classifier(), chain_method="predict").fit(NUMBERS, np.c_[LABELS, LABELS] == "yes")
    chain.chain_method_ = "set_params"
    return [
        _stacked("a vectorizer's decode", words, "decode", secret, READS),
        _stacked("a vectorizer's fit_transform", words, "fit_transform", [secret], READS),
        _stacked("an estimator's state", regressor(), "__setstate__", {"coef_": "x"}, NOTHING),
        _stacked("an estimator's parameters", regressor(), "set_params", {}, NOTHING),
        Misplaced(KIND, "a classifier's method of the file", threshold, WRITES, "response_method"),
        Misplaced(KIND, "a selector's getter", selector, WRITES, "importance_getter", method="transform"),
        Misplaced(KIND, "a chain's method", chain, NOTHING, "chain_method_"),
        _format_of_names(),
    ]


def _format_of_names() -> Misplaced:
    """The names of the columns are made with a text of the file, as `str.format` reads it."""
    columns = (
        ColumnTransformer([("scale", StandardScaler(), [0, 1])]).set_output(transform="pandas").fit(NUMBERS)
    )
    columns.verbose_feature_names_out = "{feature_name:>99999999999}"
    return Misplaced(
        KIND, "a format of names", columns, FILLS_MEMORY, "verbose_feature_names_out", method="transform"
    )
