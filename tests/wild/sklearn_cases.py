"""What models learn of their columns, and labels of every type."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import sklearn
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
)
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 (scikit-learn wants it so)
from sklearn.impute import IterativeImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.naive_bayes import CategoricalNB
from sklearn.neighbors import RadiusNeighborsRegressor
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
)
from sklearn.tree import DecisionTreeClassifier

from tests.wild.cases import Case, Cases, Model
from tests.wild.tables import (
    BIG,
    IS_SAVED,
    MEASURES,
    PASSENGERS,
    PRICE,
    ROWS,
    chosen,
    with_gaps,
)

CASES = Cases()
fit = CASES.fit
VERSION = tuple(int(part) for part in sklearn.__version__.split(".")[:2])
LOGISTIC = partial(LogisticRegression, max_iter=500)


def encoded(*columns: str, encoder: Model = None, last: Model = None) -> Model:
    """Make a pipeline that encodes some columns, and passes the others on."""
    encoder = OneHotEncoder() if encoder is None else encoder
    return make_pipeline(
        make_column_transformer((encoder, [*columns]), remainder="passthrough"),
        LOGISTIC() if last is None else last,
    )


# Encoders, and what they learned of their columns.
fit(
    "codes",
    lambda: make_pipeline(OneHotEncoder(), LOGISTIC()),
    pd.DataFrame({"code": chosen(1.0, 2.0, 7.0, np.nan)}),
    IS_SAVED,
)
fit(
    "levels",
    lambda: encoded("level", encoder=OneHotEncoder(handle_unknown="ignore")),
    PASSENGERS[["level", "age"]],
    IS_SAVED,
)
BIG_IDS = pd.DataFrame({"id": chosen(BIG, BIG + 1, BIG + 2, 2**62 + 1)})
IS_ODD = BIG_IDS["id"].isin([BIG + 1, 2**62 + 1]).astype(int)
fit("big_ids", lambda: make_pipeline(OneHotEncoder(), LOGISTIC()), BIG_IDS, IS_ODD)
fit(
    "big_ids_open",
    lambda: make_pipeline(
        OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), DecisionTreeClassifier()
    ),
    BIG_IDS,
    IS_ODD,
)
ZIPS = pd.DataFrame({"zip": chosen("007", "010", "10", "1e3", "nan", "true"), "v": MEASURES["fare"]})
fit("zips", lambda: encoded("zip"), ZIPS, (ZIPS["zip"] == "007").astype(int))
BLANKS = pd.DataFrame({"c": chosen(" a", "a", "", "b ", "A")})
fit(
    "blanks",
    lambda: make_pipeline(OneHotEncoder(), LOGISTIC()),
    BLANKS,
    BLANKS["c"].isin(["a", ""]).astype(int),
)
fit("booleans", lambda: make_pipeline(StandardScaler(), LOGISTIC()), PASSENGERS[["alone", "fare"]], IS_SAVED)
fit("boolean_categories", lambda: encoded("alone"), PASSENGERS[["alone", "fare"]], IS_SAVED)


def imputed(gap: object) -> Model:
    """Make a pipeline that puts the most frequent category in the place of a gap."""
    imputer = SimpleImputer(missing_values=gap, strategy="most_frequent")
    return encoded("sex", encoder=make_pipeline(imputer, OneHotEncoder()))


for gap_name, gap in (("none", None), ("nan", np.nan)):
    GAPS = with_gaps(PASSENGERS[["sex", "fare"]], "sex", gap)
    fit(f"category_{gap_name}", lambda: encoded("sex"), GAPS, IS_SAVED)
    fit(f"imputed_{gap_name}", partial(imputed, gap), GAPS, IS_SAVED)
# An imputer replaces a value of its own before the encoder, which does not know it.
for replaced_name, replaced in (("empty", ""), ("asked", "?")):
    REPLACED = with_gaps(PASSENGERS[["sex", "fare"]], "sex", replaced)
    fit(f"imputed_{replaced_name}", partial(imputed, replaced), REPLACED, IS_SAVED)
fit(
    "imputed_code",
    lambda: make_pipeline(
        SimpleImputer(missing_values=-1, strategy="most_frequent"), OneHotEncoder(), LOGISTIC()
    ),
    pd.DataFrame({"code": chosen(-1, 1, 2, 5)}),
    IS_SAVED,
)
fit(
    "indicated",
    lambda: make_pipeline(
        FeatureUnion([("filled", SimpleImputer()), ("gaps", MissingIndicator())]), DecisionTreeClassifier()
    ),
    with_gaps(MEASURES, "fare"),
    IS_SAVED,
)
fit(
    "imputed_in_turns",
    lambda: make_pipeline(IterativeImputer(random_state=0), LOGISTIC()),
    with_gaps(MEASURES, "fare"),
    IS_SAVED,
)
fit(
    "titanic",
    lambda: make_pipeline(
        ColumnTransformer(
            [
                ("n", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "fare", "level"]),
                ("c", OneHotEncoder(handle_unknown="ignore"), ["sex"]),
                ("b", "passthrough", make_column_selector(dtype_include="bool")),
            ]
        ),
        RandomForestClassifier(20, random_state=0),
    ),
    PASSENGERS,
    IS_SAVED,
)
DATES = pd.DataFrame({"when": pd.date_range("2026-01-01", periods=ROWS, freq="D"), "v": MEASURES["fare"]})
fit("dates", lambda: encoded("when", encoder=OneHotEncoder(handle_unknown="ignore")), DATES, IS_SAVED)
# Numbers as large as dates in nanoseconds and microseconds, and dates that a scaler takes as such numbers.
for ids_name, start in (("long_ids", 10**18), ("amounts", 10**15)):
    IDS = pd.DataFrame({"id": start + np.arange(ROWS) * 10**6, "v": MEASURES["fare"]})
    fit(ids_name, lambda: make_pipeline(StandardScaler(), LinearRegression()), IDS, PRICE)
fit("scaled_dates", lambda: make_pipeline(StandardScaler(), LinearRegression()), DATES[["when"]], PRICE)
OBJECTS = PASSENGERS[["sex", "fare"]].to_numpy(dtype=object)
fit(
    "objects_without_names",
    lambda: make_pipeline(
        ColumnTransformer([("o", OneHotEncoder(), [0])], remainder="passthrough"), LOGISTIC()
    ),
    OBJECTS,
    IS_SAVED,
)
fit("category_bayes", CategoricalNB, PASSENGERS[["level"]], IS_SAVED)
if VERSION >= (1, 3):
    from sklearn.preprocessing import TargetEncoder

    fit(
        "targets",
        lambda: encoded("sex", "level", encoder=TargetEncoder(random_state=0)),
        PASSENGERS,
        IS_SAVED,
    )

# Gradient boosting with gaps and categories of its own.
fit("gaps", lambda: HistGradientBoostingRegressor(max_iter=20), with_gaps(MEASURES, "fare"), PRICE)
fit(
    "listed_categories",
    lambda: HistGradientBoostingClassifier(max_iter=20, categorical_features=["level"]),
    PASSENGERS[["age", "level"]],
    IS_SAVED,
)
if VERSION >= (1, 6):
    fit(
        "typed_categories",
        lambda: HistGradientBoostingClassifier(max_iter=20),
        PASSENGERS[["age", "sex"]].astype({"sex": "category"}),
        IS_SAVED,
    )

# Labels and values.
fit("big_labels", DecisionTreeClassifier, MEASURES, np.where(PASSENGERS["sex"] == "male", BIG + 1, BIG))
fit("boolean_labels", LOGISTIC, MEASURES, PASSENGERS["alone"])
fit("date_labels", DecisionTreeClassifier, MEASURES, np.where(IS_SAVED, "2026-01-01", "2026-01-02"))
X = pd.DataFrame({"x": np.array([2.0, 400.0, *np.linspace(1, 10, ROWS - 2)])})
fit(
    "infinity",
    lambda: TransformedTargetRegressor(
        LinearRegression(), func=np.log, inverse_func=np.exp, check_inverse=False
    ),
    X,
    np.exp(np.minimum(X["x"], 10) * 30),
)
FAR = pd.concat([MEASURES[["fare"]][:3], pd.DataFrame({"fare": [1e6]})])
CASES["nan"] = lambda: Case(RadiusNeighborsRegressor(radius=0.5).fit(MEASURES[["fare"]], PRICE), FAR)
fit(
    "two_outputs",
    lambda: RandomForestClassifier(10, random_state=0),
    MEASURES,
    np.c_[IS_SAVED, PASSENGERS["level"]],
)
fit("two_models", lambda: MultiOutputClassifier(LOGISTIC()), MEASURES, np.c_[IS_SAVED, PASSENGERS["level"]])
fit("two_values", LinearRegression, MEASURES, np.c_[PRICE, PRICE * 2])
fit("two_labels", lambda: OneVsRestClassifier(LOGISTIC()), MEASURES, np.c_[IS_SAVED, 1 - IS_SAVED])
fit(
    "chain",
    lambda: ClassifierChain(LOGISTIC(), random_state=0),
    MEASURES,
    np.c_[IS_SAVED, PASSENGERS["alone"]],
)
