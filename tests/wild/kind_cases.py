"""Models of every kind: clusters, outliers, neighbours, projections, texts and searches."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import AffinityPropagation, Birch, KMeans, MeanShift, MiniBatchKMeans
from sklearn.compose import ColumnTransformer
from sklearn.covariance import EllipticEnvelope
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import IsolationForest, StackingClassifier, VotingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDOneClassSVM
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors, RadiusNeighborsClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    OneHotEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from tests.wild.cases import Cases
from tests.wild.tables import IS_SAVED, MEASURES, PRICE, RECORDS, ROWS, TEXTS, chosen, random

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.wild.cases import Model

CASES = Cases()
AGES = MEASURES[["age"]]
fit = CASES.fit
ODD_NAMES = [
    *("rows", "prediction", "probability_1", "inputs", "error", "warnings", "non_finite", "probabilities"),
    *("a.b", "x=y", "a&b", "ä ö", "__proto__", "a,b", 'q"q', "row", " blank ", "[0]"),
]


def scaled(make: Callable[[], Model]) -> Model:
    """Put a scaler before a model."""
    return make_pipeline(StandardScaler(), make())


LABELLERS: dict[str, Callable[[], Model]] = {
    "kmeans": lambda: KMeans(3, n_init=3, random_state=0),
    "mini_batch": lambda: MiniBatchKMeans(3, n_init=3, random_state=0),
    "birch": lambda: Birch(n_clusters=3),
    "mean_shift": MeanShift,
    "affinity": lambda: AffinityPropagation(damping=0.9, random_state=0),
    "mixture": lambda: GaussianMixture(2, random_state=0),
    "isolation_forest": lambda: IsolationForest(random_state=0),
    "one_class": OneClassSVM,
    "outlier_factor": lambda: LocalOutlierFactor(novelty=True),
    "ellipse": lambda: EllipticEnvelope(random_state=0),
    "one_class_sgd": lambda: SGDOneClassSVM(random_state=0),
}
for name, make in LABELLERS.items():
    fit(name, make, MEASURES)
    fit(f"scaled_{name}", partial(scaled, make), MEASURES)
TRANSFORMERS: dict[str, Callable[[], Model]] = {
    "projection": lambda: PCA(1),
    "scaler": StandardScaler,
    "bins": lambda: KBinsDiscretizer(3, encode="ordinal"),
    "sparse_bins": lambda: KBinsDiscretizer(3),
    "powers": lambda: PolynomialFeatures(2),
    "splines": SplineTransformer,
    "quantiles": lambda: QuantileTransformer(n_quantiles=10),
    "scaled_projection": lambda: make_pipeline(StandardScaler(), PCA(1)),
}
for name, make in TRANSFORMERS.items():
    fit(name, make, MEASURES, method="transform")
fit("neighbours", lambda: NearestNeighbors(n_neighbors=3), MEASURES, method="kneighbors")
fit("partial_least_squares", lambda: PLSRegression(1), MEASURES, PRICE)

# Texts and records in the place of a table.
fit("texts", lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()), TEXTS, IS_SAVED)
fit(
    "topics",
    lambda: make_pipeline(TfidfVectorizer(), TruncatedSVD(2, random_state=0)),
    TEXTS,
    method="transform",
)
LETTERS = pd.DataFrame({"text": TEXTS, "n": MEASURES["fare"]})
fit(
    "text_column",
    lambda: make_pipeline(
        ColumnTransformer([("t", CountVectorizer(), "text"), ("n", "passthrough", ["n"])]),
        LogisticRegression(max_iter=500),
    ),
    LETTERS,
    IS_SAVED,
)
fit("records", lambda: make_pipeline(DictVectorizer(), LogisticRegression()), RECORDS, IS_SAVED)

# Models around models.
fit(
    "search",
    lambda: GridSearchCV(
        make_pipeline(StandardScaler(), LogisticRegression()), {"logisticregression__C": [0.1, 1]}
    ),
    MEASURES,
    IS_SAVED,
)
fit(
    "stack",
    lambda: StackingClassifier(
        [("a", LogisticRegression(max_iter=500)), ("b", DecisionTreeClassifier(max_depth=3, random_state=0))]
    ),
    MEASURES,
    IS_SAVED,
)
fit(
    "vote",
    lambda: VotingClassifier([("a", LogisticRegression(max_iter=500)), ("b", GaussianNB())], voting="soft"),
    MEASURES,
    np.where(IS_SAVED, "saved", "lost"),
)
fit("calibrated", lambda: CalibratedClassifierCV(LinearSVC(random_state=0)), MEASURES / 100, IS_SAVED)
fit("support_vectors", lambda: make_pipeline(StandardScaler(), SVC(random_state=0)), MEASURES, IS_SAVED)
fit(
    "union",
    lambda: make_pipeline(FeatureUnion([("a", StandardScaler()), ("b", PCA(1))]), LogisticRegression()),
    MEASURES,
    IS_SAVED,
)
fit(
    "nested",
    lambda: make_pipeline(make_pipeline(StandardScaler(), PCA(1)), LogisticRegression()),
    MEASURES,
    IS_SAVED,
)
fit(
    "passed", lambda: make_pipeline("passthrough", StandardScaler(), LogisticRegression()), MEASURES, IS_SAVED
)

# Names that mean something to JSON, to URLs or to the service.
ODD = pd.DataFrame(random.normal(size=(ROWS, len(ODD_NAMES))), columns=ODD_NAMES)
fit("odd_names", LogisticRegression, ODD, IS_SAVED)
fit(
    "odd_category",
    lambda: make_pipeline(
        ColumnTransformer([("o", OneHotEncoder(), ["rows"]), ("s", StandardScaler(), ODD_NAMES[1:])]),
        LogisticRegression(),
    ),
    ODD.assign(rows=chosen("a", "b")),
    IS_SAVED,
)
# Models that refuse some rows of the right types.
fit("powers_of_positive", lambda: make_pipeline(PowerTransformer("box-cox"), LinearRegression()), AGES, PRICE)
fit(
    "splines_within",
    lambda: make_pipeline(SplineTransformer(extrapolation="error"), Ridge()),
    MEASURES,
    PRICE,
)
fit("radius", lambda: RadiusNeighborsClassifier(10), MEASURES, IS_SAVED)
fit("no_names", LinearRegression, MEASURES.to_numpy(), PRICE)
