"""Loads the files that XGBoost, LightGBM and CatBoost write themselves: data, and no code.

They are known by their first bytes. XGBoost's and LightGBM's trees are checked before the library gets the
bytes that were checked. CatBoost checks most bounds of its files itself.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable

from service.errors import UnusableFile
from service.loading.booster_models import BoosterModel, LightGBMModel, XGBoostModel, codes
from service.loading.lightgbm_file import read_lightgbm
from service.loading.xgboost_file import read_xgboost
from service.models.estimators import classes_of
from service.models.fitted_model import FittedModel

if TYPE_CHECKING:
    from pathlib import Path

    from service.json_values import JsonValue
    from service.loading.boosters import Array, BoosterFile
    from service.models.model import Model
    from service.schema.declared import Declared

    # The libraries have no types that this code could rely on.
    Library = Any
    Loaded = Any

XGBOOST_UBJSON = re.compile(rb"\{[iUIlL]\0{0,7}\x07learner", re.DOTALL)
XGBOOST_JSON = re.compile(rb'\s*\{\s*("version"\s*:\s*\[[\d\s,]*\]\s*,\s*)?"learner"\s*:')
LIGHTGBM = re.compile(rb"tree\r?\nversion=v")
CATBOOST = b"CBM1"
XGBOOST_BOOSTER, LIGHTGBM_BOOSTER = "xgboost.core.Booster", "lightgbm.basic.Booster"
UNWRITTEN_ADVICE = "Save the trained booster with booster.save_model('model.json')"
# The losses of models that rank: their predictions are neither classes nor numbers of the target's scale.
RANKERS = frozenset(
    {"LambdaMart", "PairLogit", "PairLogitPairwise", "QueryCrossEntropy", "QueryRMSE", "QuerySoftMax"}
    | {"StochasticFilter", "StochasticRank", "YetiRank", "YetiRankPairwise"}
)


def is_booster(start: bytes) -> bool:
    """Tell by the first bytes of a file whether a library of boosters wrote it."""
    return start.startswith(CATBOOST) or any(
        pattern.match(start) for pattern in (XGBOOST_UBJSON, XGBOOST_JSON, LIGHTGBM)
    )


@dataclass(frozen=True)
class Booster:
    """A checked file, and the object that its library made of it. CatBoost describes its models itself."""

    loaded: Loaded
    described: BoosterFile | None = None


def load_booster(file: Path) -> Booster:
    """Load a file of XGBoost, LightGBM or CatBoost; raise `UnusableFile` if it holds no sound model."""
    content = file.read_bytes()
    if content.startswith(CATBOOST):
        return Booster(_loaded("catboost", content))
    if LIGHTGBM.match(content):
        described = read_lightgbm(content)
        return Booster(_loaded("lightgbm", content), described)
    described = read_xgboost(content)
    return Booster(_loaded("xgboost", content), described)


def pickled_booster(held: Loaded) -> Booster | None:
    """Give the booster that was pickled by itself as one of a file; None for any other object.

    Raises `UnusableFile` for a booster that its library cannot write in its own format.
    """
    made_by = f"{type(held).__module__}.{type(held).__name__}"
    if made_by == LIGHTGBM_BOOSTER:
        content = held.model_to_string().encode()
        return Booster(_loaded("lightgbm", content), read_lightgbm(content))
    if made_by != XGBOOST_BOOSTER:
        return None
    try:
        content = bytes(held.save_raw("ubj"))
    except Exception as error:  # A booster that was not trained, or XGBoost before 1.6.
        raise UnusableFile("holds a Booster that XGBoost cannot write", UNWRITTEN_ADVICE) from error
    return Booster(_loaded("xgboost", content), read_xgboost(content))


def _loaded(name: str, content: bytes) -> object:
    """Let the library load the bytes that were checked: the file may have changed since then."""
    library: Library = importlib.import_module(name)
    try:
        return {"xgboost": _xgboost, "lightgbm": _lightgbm, "catboost": _catboost}[name](library, content)
    except UnusableFile:
        raise
    except Exception as error:  # The libraries raise errors of many classes.
        first_line = next(iter(str(error).splitlines()), type(error).__name__)
        reason = f"is refused by {name} {library.__version__}: {first_line}"
        advice = "Copy or save the model again; if that changes nothing, use an image with the version that"
        raise UnusableFile(reason, f"{advice} wrote it") from error


def _xgboost(library: Library, content: bytes) -> object:
    # The workers are the parallelism, and threads of OpenMP would hang in workers that are forked.
    booster = library.Booster({"nthread": 1})
    booster.load_model(bytearray(content))
    booster.set_param({"nthread": 1})
    return booster


def _lightgbm(library: Library, content: bytes) -> object:
    return library.Booster(model_str=content.decode())


def _catboost(library: Library, content: bytes) -> object:
    """Load a model by the class of CatBoost that fits its loss."""
    model = library.CatBoost()
    model.load_model(blob=content)
    if len(model.classes_):
        return library.CatBoostClassifier().load_model(blob=content)
    loss = str(model.get_all_params().get("loss_function", ""))
    is_ranker = loss.partition(":")[0] in RANKERS
    kind = library.CatBoostRanker if is_ranker else library.CatBoostRegressor
    # The loss decides what `predict` gives, and is not set by loading from bytes.
    return kind(loss_function=loss).load_model(blob=content)


def booster_model(held: Booster, declared: Declared, listed_names: tuple[str, ...] = ()) -> Model:
    """Make a model of a loaded booster; raise `UnusableFile` if what is declared does not fit it.

    `listed_names` are the columns that a file lists beside the booster.
    """
    described = held.described
    if described is None:
        _check_classes(held.loaded, declared)
        return FittedModel(held.loaded, declared)
    labels = described.labels(declared.classes)
    make = _lightgbm_model if type(held.loaded).__module__.startswith("lightgbm") else _xgboost_model
    return FittedModel(
        make(described, labels, held.loaded), declared, input_for=codes, listed_names=listed_names
    )


def _xgboost_model(file: BoosterFile, labels: list[JsonValue] | None, booster: Loaded) -> BoosterModel:
    rounds = (0, file.rounds)

    def asking(kind: str) -> Callable[[Array], Array]:
        return lambda table: booster.inplace_predict(
            table, iteration_range=rounds, predict_type=kind, validate_features=False
        )

    def ask_linear(table: Array) -> Array:
        library: Library = importlib.import_module("xgboost")
        matrix = library.DMatrix(table, feature_types=booster.feature_types, nthread=1)
        answer: Array = booster.predict(matrix, validate_features=False)
        return answer

    ask = ask_linear if file.is_linear else asking("value")
    return XGBoostModel(file, labels, ask, margin=asking("margin"))


def _lightgbm_model(file: BoosterFile, labels: list[JsonValue] | None, booster: Loaded) -> BoosterModel:
    return LightGBMModel(file, labels, lambda table: booster.predict(table, num_threads=1))


def _check_classes(model: Loaded, declared: Declared) -> None:
    """Raise `UnusableFile` for declared classes that are not those of a CatBoost model."""
    known = classes_of(model) or []
    if declared.classes is not None and list(declared.classes) != known:
        listed = ", ".join(map(str, known)) or "none"
        raise UnusableFile(f"has other classes than the declared ones: {listed}", "Declare no classes")
