"""Whether the bytes of a booster in a pickle are sound: its library reads them while the pickle is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from service.errors import Forbidden, UnusableFile
from service.loading.lightgbm_file import check_lightgbm
from service.loading.soundness import attributes, require, whole
from service.loading.xgboost_file import check_xgboost

if TYPE_CHECKING:
    from service.loading.soundness import Part

# How CatBoost's own format begins, which CatBoost checks itself.
CATBOOST_START = b"CBM1"


def check_booster_state(instance: object, state: object) -> None:
    """Raise `Forbidden` for the state of a booster that its library must not be given."""
    names = {f"{cls.__module__}.{cls.__name__}" for cls in type(instance).__mro__}
    own = state if isinstance(state, dict) else {}
    try:
        if "xgboost.core.Booster" in names:
            _check_xgboost_state(own)
        elif "lightgbm.basic.Booster" in names:
            _check_lightgbm_state(own)
        elif "catboost.core._CatBoostBase" in names:
            _check_catboost_state(own)
    except UnusableFile as error:
        raise Forbidden(str(error)) from error


def _check_xgboost_state(state: dict[object, object]) -> None:
    handle = state.get("handle")
    if handle is None and "handle" in state:
        # It was not trained.
        return
    if type(handle) is not bytearray:
        raise Forbidden("has a Booster of XGBoost that is no bytes")
    check_xgboost(bytes(handle))


def _check_lightgbm_state(state: dict[object, object]) -> None:
    # The name of newer versions, and that of older ones.
    handles = [state[name] for name in ("_handle", "handle") if name in state]
    if len(handles) != 1 or not isinstance(handles[0], str):
        # Without a text the library would use what is there as an address.
        raise Forbidden("has a Booster of LightGBM that is no text")
    check_lightgbm(handles[0].encode())


def _check_catboost_state(state: dict[object, object]) -> None:
    model = state.get("__model", CATBOOST_START)
    if not isinstance(model, bytes) or not model.startswith(CATBOOST_START):
        raise Forbidden("has a model of CatBoost that is not in its format")


def check_lightgbm_estimator(estimator: Part) -> None:
    """Check that an estimator of LightGBM and its booster have as many features."""
    own = attributes(estimator)
    booster = own.get("_Booster")
    if booster is None:
        return
    features = booster.num_feature()
    for name in ("_n_features", "_n_features_in"):
        if name in own:
            fits = whole(own[name], name) == features
            require(fits, f"whose {name} is {own[name]}, and its booster has {features} features")
