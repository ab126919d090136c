"""Models with a call where scikit-learn calls what stands there with what the client sends: see `made`."""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from sklearn.cluster import FeatureAgglomeration
from sklearn.compose import TransformedTargetRegressor
from sklearn.decomposition import KernelPCA
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.gaussian_process import GaussianProcessClassifier, GaussianProcessRegressor
from sklearn.gaussian_process.kernels import PairwiseKernel
from sklearn.isotonic import IsotonicRegression
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, RadiusNeighborsRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, SplineTransformer
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVR
from sklearn.utils import check_array

from tests.safety.misplaced.made import (
    AMOUNTS,
    FILLS_MEMORY,
    HANGS,
    LABELS,
    NOTHING,
    NUMBERS,
    Misplaced,
    after,
    regressor,
    with_attributes,
    writer,
    writer_of_pairs,
)

if TYPE_CHECKING:
    from tests.safety.misplaced.made import Model

KIND = "callable"
TEXTS = ["a red rose", "a blue bell", "some tulips"]
# Text that a client can send: the number has ten million digits.
LONG_NUMBER = ["1e50000000"]


def callables(canary: str) -> list[Misplaced]:
    return [*_of_functions(canary), *_of_texts(canary), *_of_kernels(canary), *_of_parts(canary)]


def _ridge_after(transformer: Model) -> Model:
    return Pipeline([("first", with_attributes(transformer, n_features_in_=2)), ("last", regressor())])


def _of_functions(canary: str) -> list[Misplaced]:
    write = writer(canary)
    named = FunctionTransformer(feature_names_out=writer_of_pairs(canary)).set_output(transform="pandas")
    target = TransformedTargetRegressor(Ridge()).fit(NUMBERS, AMOUNTS)
    target.transformer_ = FunctionTransformer(inverse_func=write)
    target.inverse_func = np.expm1
    by_keyword = FunctionTransformer(partial(np.memmap, canary), kw_args={"mode": "w+", "shape": (1,)})
    inside = FunctionTransformer(np.array, kw_args={"like": defaultdict(write)})
    zeros = after(10**11, FunctionTransformer(bytearray))
    checked = FunctionTransformer(check_array, kw_args={"estimator": write, "dtype": write})
    out = FunctionTransformer(np.add, kw_args={"x2": write})
    return [
        Misplaced(KIND, "a transformer's function", _ridge_after(FunctionTransformer(write)), place="func"),
        Misplaced(KIND, "a transformer's function by keywords", _ridge_after(by_keyword), place="func"),
        Misplaced(KIND, "a transformer's function of names", _ridge_after(named), place="feature_names_out"),
        Misplaced(KIND, "a target's inverse function", target, place="inverse_func"),
        Misplaced(KIND, "a class of bytes", zeros, FILLS_MEMORY, "func", method="transform"),
        Misplaced(KIND, "an argument that is a call", _ridge_after(inside), NOTHING, "kw_args"),
        Misplaced(KIND, "an argument that is a type", _ridge_after(checked), NOTHING, "kw_args"),
        Misplaced(KIND, "an operand that is a call", _ridge_after(out), NOTHING, "kw_args"),
    ]


def _of_texts(canary: str) -> list[Misplaced]:
    write = writer(canary)
    found = []
    for cls in (CountVectorizer, TfidfVectorizer, HashingVectorizer):
        for place in ("analyzer", "preprocessor", "tokenizer", "strip_accents"):
            if cls is not CountVectorizer and place != "preprocessor":
                continue
            words = cls().fit(TEXTS)
            setattr(words, place, write)
            name = f"a {cls.__name__}'s {place}"
            found.append(Misplaced(KIND, name, words, place=place, rows=TEXTS, method="transform"))
    numbers = CountVectorizer().fit(TEXTS)
    numbers.preprocessor = Fraction
    codec = CountVectorizer().fit(TEXTS)
    codec.tokenizer = bytearray
    unknown = CountVectorizer().fit(TEXTS)
    unknown.vocabulary_ = defaultdict(write, unknown.vocabulary_)
    dates = DictVectorizer().fit([{"a": 1.0}])
    dates.dtype = write
    return [
        *found,
        Misplaced(
            KIND, "a number of ten million digits", numbers, HANGS, "preprocessor", LONG_NUMBER, "transform"
        ),
        Misplaced(KIND, "bytes for words", codec, NOTHING, "tokenizer", TEXTS, "transform"),
        Misplaced(
            KIND,
            "a call for unknown words",
            unknown,
            place="vocabulary_",
            rows=["unknown words"],
            method="transform",
        ),
        Misplaced(KIND, "a call for a data type", dates, "writes", "dtype", [{"a": 1.0}], "transform"),
    ]


def _of_kernels(canary: str) -> list[Misplaced]:
    write = writer(canary)
    pairs_of = writer_of_pairs(canary)
    kernel_pca = KernelPCA(2, kernel="rbf").fit(NUMBERS)
    nystroem = Nystroem(n_components=3).fit(NUMBERS)
    nystroem.kernel = pairs_of
    propagation = LabelPropagation().fit(NUMBERS, LABELS == "yes")
    propagation.kernel = pairs_of
    support = SVR().fit(NUMBERS, AMOUNTS)
    with_attributes(support, kernel=pairs_of, _BaseLibSVM__Xfit=NUMBERS, shape_fit_=(12, 12))
    kernel_pca.kernel = pairs_of
    ridge = with_attributes(KernelRidge(kernel="rbf").fit(NUMBERS, AMOUNTS), kernel=pairs_of)
    process = GaussianProcessRegressor().fit(NUMBERS, AMOUNTS)
    process.kernel_ = pairs_of
    laplace = GaussianProcessClassifier().fit(NUMBERS, LABELS)
    laplace.base_estimator_.kernel_ = pairs_of
    pairs = GaussianProcessRegressor(PairwiseKernel(), optimizer=None).fit(NUMBERS, AMOUNTS)
    pairs.kernel_.metric = write
    near = KNeighborsRegressor(2, algorithm="brute").fit(NUMBERS, AMOUNTS)
    with_attributes(near, metric=pairs_of, effective_metric_=pairs_of)
    weighted = KNeighborsClassifier(2).fit(NUMBERS, LABELS)
    weighted.weights = write
    around = RadiusNeighborsRegressor(9.0).fit(NUMBERS, AMOUNTS)
    around.weights = write
    return [
        Misplaced(KIND, "the kernel of KernelPCA", kernel_pca, place="kernel", method="transform"),
        Misplaced(KIND, "the kernel of Nystroem", nystroem, place="kernel", method="transform"),
        Misplaced(KIND, "the kernel of LabelPropagation", propagation, place="kernel"),
        Misplaced(KIND, "the kernel of SVR", support, place="kernel"),
        Misplaced(KIND, "the kernel of KernelRidge", ridge, place="kernel"),
        Misplaced(KIND, "the kernel of a process", process, place="kernel_"),
        Misplaced(KIND, "the kernel of a process of classes", laplace, place="kernel_"),
        Misplaced(KIND, "the metric of a kernel", pairs, NOTHING, "metric"),
        Misplaced(KIND, "the metric of neighbors", near, place="metric"),
        Misplaced(KIND, "the weights of neighbors", weighted, place="weights"),
        Misplaced(KIND, "the weights in a radius", around, place="weights"),
    ]


def _of_parts(canary: str) -> list[Misplaced]:
    write = writer(canary)
    isotonic = IsotonicRegression().fit(NUMBERS[:, 0], AMOUNTS)
    # With its thresholds, a curve makes the function anew when it is loaded.
    vars(isotonic).pop("X_thresholds_")
    isotonic.f_ = write
    inner = IsotonicRegression().fit(NUMBERS[:, 0], AMOUNTS)
    vars(inner).pop("X_thresholds_")
    vars(inner.f_)["_call"] = writer_of_pairs(canary)
    pooled = FeatureAgglomeration(1).fit(NUMBERS)
    pooled.pooling_func = write
    spline = SplineTransformer(extrapolation="linear").fit(NUMBERS)
    spline.bsplines_[0] = write
    one_column = [0.5]
    return [
        Misplaced(
            KIND, "the function of a step curve", isotonic, place="f_", rows=one_column, formats=("pickle",)
        ),
        Misplaced(
            KIND, "the call of an interpolation", inner, place="_call", rows=one_column, formats=("pickle",)
        ),
        Misplaced(KIND, "the pooling of features", pooled, NOTHING, "pooling_func", method="transform"),
        Misplaced(KIND, "a spline", spline, NOTHING, "bsplines_", method="transform"),
    ]
