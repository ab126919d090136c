"""Models of XGBoost, LightGBM, CatBoost and packages of encoders, where these are installed."""

from __future__ import annotations

from functools import partial
from importlib import metadata
from importlib.util import find_spec

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

from tests.wild.cases import Case, Cases, Model
from tests.wild.tables import IS_SAVED, MEASURES, PASSENGERS, PRICE, ROWS, with_gaps

CASES = Cases()
fit = CASES.fit
# One column of categories of each type, beside a column of numbers.
CATEGORIES = {
    name: pd.DataFrame({"fare": MEASURES["fare"], "c": column.astype("category")})
    for name, column in {
        "integers": PASSENGERS["level"] * 11,
        "strings": PASSENGERS["sex"],
        "floats": PASSENGERS["level"] + 0.5,
        "booleans": PASSENGERS["alone"],
    }.items()
}
SPACED = MEASURES.set_axis(["total sq ft", "no. of rooms"], axis="columns")
# LightGBM stores the names so, and no others can be known.
STORED = ["total_sq_ft", "no._of_rooms"]


def _ranked(ranker: Model) -> Case:
    return Case(ranker.fit(MEASURES, IS_SAVED, group=[ROWS // 2, ROWS // 2]), MEASURES)


if find_spec("xgboost"):
    import xgboost
    from xgboost import XGBClassifier, XGBRanker, XGBRegressor

    # The categories are in the booster from 3.1 on; before, they cannot be known, and the model is refused.
    if tuple(int(part) for part in xgboost.__version__.split(".")[:2]) >= (3, 1):
        for kind in ("integers", "strings"):
            fit(
                f"xgboost_{kind}",
                lambda: XGBClassifier(n_estimators=10, enable_categorical=True),
                CATEGORIES[kind],
                IS_SAVED,
            )
    fit("xgboost", lambda: XGBRegressor(n_estimators=10), with_gaps(MEASURES, "fare"), PRICE)
    MARKED = MEASURES.assign(fare=MEASURES["fare"].where(MEASURES["fare"] > 30, -999.0))
    fit("xgboost_marked_gaps", lambda: XGBRegressor(n_estimators=10, missing=-999), MARKED, PRICE)
    fit("xgboost_booleans", lambda: XGBClassifier(n_estimators=10), PASSENGERS[["alone", "fare"]], IS_SAVED)
    fit(
        "xgboost_pipeline",
        lambda: make_pipeline(
            make_column_transformer((OrdinalEncoder(), ["sex"]), remainder="passthrough"),
            XGBClassifier(n_estimators=10),
        ),
        PASSENGERS[["sex", "fare"]],
        IS_SAVED,
    )
    CASES["xgboost_ranker"] = lambda: _ranked(XGBRanker(n_estimators=5))

if find_spec("lightgbm"):
    from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor

    def lightgbm(**parameters: int) -> LGBMClassifier:
        return LGBMClassifier(n_estimators=10, verbose=-1, **parameters)

    for kind, table in CATEGORIES.items():
        fit(f"lightgbm_{kind}", lambda: lightgbm(min_child_samples=2), table, IS_SAVED)
    fit("lightgbm_labels", lightgbm, MEASURES, np.where(IS_SAVED, "yes", "no"))
    fit(
        "lightgbm_gaps",
        lambda: LGBMRegressor(n_estimators=10, verbose=-1),
        with_gaps(MEASURES, "fare"),
        PRICE,
    )
    CASES["lightgbm_spaces"] = lambda: Case(lightgbm().fit(SPACED, IS_SAVED), SPACED.set_axis(STORED, axis=1))
    CASES["lightgbm_ranker"] = lambda: _ranked(LGBMRanker(n_estimators=5, verbose=-1))

if find_spec("catboost"):
    from catboost import CatBoost, CatBoostClassifier, CatBoostRegressor

    NAMED = PASSENGERS[["fare", "sex", "level"]]
    fit(
        "catboost",
        lambda: CatBoostRegressor(iterations=10, verbose=0, allow_writing_files=False),
        MEASURES,
        PRICE,
    )
    fit(
        "catboost_categories",
        lambda: CatBoostClassifier(
            iterations=10, verbose=0, allow_writing_files=False, cat_features=["sex", "level"]
        ),
        NAMED,
        IS_SAVED,
    )
    for loss, target in (("RMSE", PRICE), ("Logloss", IS_SAVED)):
        fit(
            f"catboost_general_{loss}",
            partial(
                CatBoost,
                {"iterations": 10, "verbose": 0, "allow_writing_files": False, "loss_function": loss},
            ),
            MEASURES,
            target,
        )
    # A category of booleans is 1 or 0 to CatBoost, and not the text "True" of a CSV.
    fit(
        "catboost_booleans",
        lambda: CatBoostClassifier(
            iterations=10, verbose=0, allow_writing_files=False, cat_features=["alone"]
        ),
        PASSENGERS[["fare", "alone"]],
        IS_SAVED,
    )
    fit(
        "catboost_labels",
        lambda: CatBoostClassifier(iterations=10, verbose=0, allow_writing_files=False),
        MEASURES,
        PASSENGERS["level"].map({1: "a", 2: "b", 3: "c"}),
    )

# Older versions do not keep the names of their columns.
if find_spec("category_encoders") and metadata.version("category_encoders") >= "2.6.3":
    from category_encoders import BinaryEncoder, TargetEncoder

    fit(
        "package_targets",
        lambda: make_pipeline(TargetEncoder(cols=["sex"]), LogisticRegression(max_iter=500)),
        PASSENGERS[["sex", "fare"]],
        IS_SAVED,
    )
    fit(
        "package_digits",
        lambda: make_pipeline(BinaryEncoder(cols=["sex", "level"]), LogisticRegression(max_iter=500)),
        PASSENGERS[["sex", "fare", "level"]],
        IS_SAVED,
    )

if find_spec("imblearn"):
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.pipeline import make_pipeline as make_sampling_pipeline

    fit(
        "oversampled",
        lambda: make_sampling_pipeline(RandomOverSampler(random_state=0), LogisticRegression(max_iter=500)),
        MEASURES,
        IS_SAVED,
    )

if find_spec("category_encoders"):
    import category_encoders

    # Texts that look like numbers, booleans, and numbers: each is another category than the others.
    LOOK_ALIKES = PASSENGERS[["fare", "alone"]].assign(
        level=(PASSENGERS["level"] * 11).astype(str),
        number=PASSENGERS["level"],
        noted=PASSENGERS["alone"].astype(object),
    )
    # Before 2.6.1, an encoder kept no list of its columns.
    if tuple(map(int, category_encoders.__version__.split(".")[:3])) >= (2, 6, 1):

        def _encoded(name: str) -> None:
            encoder = getattr(category_encoders, name)
            fit(
                f"encoded_look_alikes_{name}",
                lambda: make_pipeline(
                    encoder(cols=["alone", "level", "number", "noted"]), LogisticRegression(max_iter=500)
                ),
                LOOK_ALIKES,
                IS_SAVED,
            )

        for name in ("CountEncoder", "OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "CatBoostEncoder"):
            _encoded(name)
